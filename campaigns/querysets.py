"""Ready-made sets of campaigns for lists, pages and machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from campaigns.models import Campaign, CampaignState
from core import codes

LIVE = (
    CampaignState.SCHEDULED,
    CampaignState.RUNNING,
    CampaignState.PAUSED,
    CampaignState.ENDING,
    CampaignState.CANCELLING,
)
PAST = (CampaignState.ENDED, CampaignState.CANCELLED)


@dataclass(frozen=True)
class CampaignFilter:
    """What a list may ask for; empty members do not filter. `ends_before` is aware."""

    state: str = ""
    kind: str = ""
    q: str = ""
    ends_before: datetime | None = None
    states: tuple[str, ...] = ()


def matching(store_id: int, wanted: CampaignFilter) -> QuerySet[Campaign]:
    """Campaigns of a store that match, newest first; `q` finds a code or a part of the name."""
    rows = Campaign.objects.filter(store_id=store_id)
    if wanted.states:
        rows = rows.filter(state__in=wanted.states)
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if wanted.ends_before:
        rows = rows.filter(ends_at__lt=wanted.ends_before)
    if text := wanted.q.strip():
        rows = rows.filter(Q(code=codes.normalise(text)) | Q(name__icontains=text) | Q(name_zh__icontains=text))
    return rows.order_by("-id")
