"""Starting campaigns: offers before buyers, sale prices remembered, sites told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from audit.actors import Actor
from audit.record import Entry, Target, record_many
from campaigns import coupon_acts, offers
from campaigns.edges import set_state_of
from campaigns.events import Event, tell
from campaigns.models import Campaign, CampaignState


def start_now(rows: Sequence[Campaign], *, now: datetime, actor: Actor) -> int:
    """Start scheduled campaigns whose rows the caller has locked, in a constant number of statements; answers how many."""
    ids = [row.pk for row in rows]
    moved = set_state_of(ids, transition="start", now=now, started_at=now)
    offers.switch_on(rows, now=now)
    coupon_acts.begin(rows, now=now)
    fresh = {row.pk: row for row in Campaign.objects.filter(id__in=ids)}
    for row in rows:
        values = fresh[row.pk].__dict__
        row.__dict__.update({name: values[name] for name in ("state", "version", "started_at", "updated_at")})
    record_many(
        [
            Entry(
                "campaign.start",
                Target("campaign", row.code, row.name, store_id=row.store_id, store_label=row.store.name),
                before={"state": CampaignState.SCHEDULED},
                after={"state": CampaignState.RUNNING, "items": row.item_count},
            )
            for row in rows
        ],
        actor=actor,
        now=now,
    )
    tell([Event("campaign.started", row, {"state": row.state}) for row in rows], now=now)
    return moved
