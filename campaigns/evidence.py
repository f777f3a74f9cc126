"""What buyers see of a campaign now, as far as it has been looked at: submitted, stopped, verified.

Never a bare "done": each stage has its time, or says that it is not yet known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from campaigns.labels import CLIENTS
from campaigns.models import Campaign, CampaignState, Check, CheckState, Leftover
from core import clock, faults
from listings.models import LiveOffer
from policies import active
from policies.rules import ClosingRules

S = CampaignState


@dataclass(frozen=True)
class Evidence:
    """The figures of the evidence panel. `offers_on` counts offers a buyer could still get; it is read, not remembered."""

    stopped: bool
    stopped_at: datetime | None
    offers_on: int
    check: Check | None
    checks: Sequence[Check]
    rows: Sequence[dict[str, Any]]
    leftovers: int
    mended: bool
    open: bool

    @property
    def visits(self) -> int:
        """How often a page was read, all clients together."""
        return sum(row["pages"] for row in self.rows)

    @property
    def verified(self) -> bool:
        """Every public page was read and none shows anything."""
        return self.check is not None and (self.mended or self.check.state == CheckState.PASSED)


def evidence_of(campaign: Campaign) -> Evidence:
    """Read the evidence of a campaign in three queries, four where many looks at single pages came after the last at all."""
    now = clock.now()
    stopped = campaign.state in (S.PAUSED, S.CANCELLING, S.CANCELLED, S.ENDING, S.ENDED)
    since = campaign.paused_at if campaign.state == S.PAUSED else campaign.closed_at or campaign.ends_at
    offers_on = LiveOffer.objects.filter(
        store_id=campaign.store_id, campaign_code=campaign.code, active=True, starts_at__lte=now, ends_at__gt=now
    ).count()
    rows_of, most = (
        Check.objects.filter(campaign=campaign).order_by("-due_at", "-id"),
        active(ClosingRules, now).checks_shown,
    )
    found = [check for check in rows_of[:most] if check.skus or (stopped and (since is None or check.due_at >= since))]
    whole = [check for check in found if check.scope is None]
    if len(found) == most and since is not None and not any(check.started_at for check in whole):
        whole = list(rows_of.filter(scope__isnull=True, due_at__gte=since)[:most])
    looked = next(
        (check for check in whole if check.state in (CheckState.RUNNING, CheckState.PASSED, CheckState.LEFTOVER)), None
    )
    failed = next((check for check in whole if check.state == CheckState.FAILED), None)
    shown = looked or failed or (whole[-1] if whole else None)
    left = Leftover.objects.filter(campaign=campaign, cleared_at=None).count()
    rows = [
        {**row, "client_label": CLIENTS.get(row["client"], row["client"]), "error": faults.say(row.get("error", ""))}
        for row in (shown.results if shown else [])
    ]
    return Evidence(
        stopped=stopped,
        stopped_at=since,
        offers_on=offers_on,
        check=shown,
        checks=found[::-1],
        rows=rows,
        leftovers=left,
        mended=shown is not None and _mended(shown, found, left),
        open=any(_at_work(check, now) for check in found),
    )


def _mended(shown: Check, found: Sequence[Check], left: int) -> bool:
    """Whether what the look at all pages found is gone: cleared, its pages read again and clean, nothing open."""
    later = [check for check in found if check.pages is not None and check.pk > shown.pk]
    return not left and shown.state == CheckState.LEFTOVER and any(check.state == CheckState.PASSED for check in later)


def _at_work(check: Check, now: datetime) -> bool:
    return check.state == CheckState.RUNNING or (check.state == CheckState.PENDING and check.due_at <= now)
