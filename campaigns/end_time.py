"""Moving the end of a campaign that has started: later is free, earlier is a stop by another name and meets the same guards (R21-R25)."""

from __future__ import annotations

from datetime import datetime

from accounts.models import Store
from audit.actors import Actor
from campaigns import guards
from campaigns.models import Campaign
from core.errors import Conflict


def ensure_may_end_at(store: Store, campaign: Campaign, ends_at: datetime, *, actor: Actor, now: datetime) -> None:
    """Raise Conflict with `blockers` when the end of a started campaign is to move earlier and a guard forbids stopping it.

    What only warns a pause does not hinder it: moving the window is one way out of a conflict.
    """
    if campaign.started_at is None or ends_at >= campaign.ends_at:
        return
    case = guards.Case(store, [campaign], "pause", actor, now)
    rows = guards.evaluate(case, skip=guards.CHECKED_BY_VERBS)[campaign.pk]
    blockers = [row for row in rows if row.blocks]
    if blockers:
        detail = " ".join(str(row.detail) for row in blockers)
        raise Conflict(blockers[0].code, detail, blockers=[row.as_dict() for row in blockers])
