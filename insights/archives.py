"""Closed campaigns whose data is not archived yet, and which of them are late (R36)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import policies
from campaigns.models import Campaign, Closing
from campaigns.querysets import PAST
from policies import timing
from policies.rules import DashboardRules


@dataclass(frozen=True, slots=True)
class Waiting:
    """A closed campaign, when its archive is due, and whether that is past."""

    campaign: Campaign
    closed_at: datetime
    due_at: datetime
    late: bool


def waiting(store_id: int, *, now: datetime, limit: int) -> list[Waiting]:
    """The store's closed campaigns that wait for their archive, the oldest first; at most `limit`. One query."""
    slack = timedelta(seconds=policies.active(DashboardRules, now).check_slack_seconds)
    delay = timing.archive_delay()
    rows = (
        Closing.objects.filter(
            store_id=store_id, archived_at=None, taken_back_at=None, next_due_at__isnull=False, campaign__state__in=PAST
        )
        .select_related("campaign")
        .defer("steps", "forecast", "result", "differences", "campaign__rules")
        .order_by("closed_at")[:limit]
    )
    return [
        Waiting(row.campaign, row.closed_at, row.closed_at + delay, now > row.closed_at + delay + slack) for row in rows
    ]
