"""Ready-made sets of campaigns for lists, pages and machines."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
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


@dataclass(frozen=True)
class Counts:
    """How many campaigns a store has in each state before the end, and how many in all, counted no further than asked."""

    live: dict[str, int]
    everything: int

    def of(self, wanted: CampaignFilter) -> int | None:
        """How many match a filter, where that is among what was counted; None where it has to be counted."""
        if wanted == CampaignFilter():
            return self.everything
        if wanted == CampaignFilter(states=LIVE):
            return sum(self.live.values())
        if wanted == CampaignFilter(state=wanted.state) and wanted.state in LIVE:
            return self.live.get(wanted.state, 0)
        return None


# Not prepared: what is best for a store of a hundred campaigns is not for one of a hundred thousand.
_COUNTS = """
    SELECT state, count(*) FROM campaigns_campaign WHERE store_id = %(store)s AND state = ANY(%(live)s) GROUP BY state
    UNION ALL SELECT '', count(*) FROM (SELECT FROM campaigns_campaign WHERE store_id = %(store)s LIMIT %(most)s) AS few
"""


def counted(store_id: int, *, most: int) -> Counts:
    """The counts of a store; `most` is how far all campaigns are counted. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_COUNTS, {"store": store_id, "live": [str(state) for state in LIVE], "most": most})
        found = dict(cursor.fetchall())
    everything = found.pop("")
    return Counts(found, everything)
