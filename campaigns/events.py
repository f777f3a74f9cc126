"""Events of campaigns for the world outside the transaction: one outbox row each, written with the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

from campaigns.models import Campaign
from campaigns.signals import campaign_event
from core import outbox
from core.models import OutboxMessage

TOPIC = "campaign.event"


@dataclass(frozen=True, slots=True)
class Event:
    """One event to tell: its name and what a receiver wants to know beside code, store and time."""

    name: str
    campaign: Campaign
    data: dict[str, Any] = field(default_factory=dict)


def tell(events: Sequence[Event], *, now: datetime) -> None:
    """Write one outbox row per event in the current transaction (one statement)."""
    by_store: dict[int, list[tuple[str, dict[str, Any]]]] = {}
    for event in events:
        campaign = event.campaign
        key = f"{event.name}:{campaign.code}:{campaign.version}"
        payload = {"event": event.name, "code": campaign.code, "at": now.isoformat(), "data": event.data}
        by_store.setdefault(campaign.store_id, []).append((key, payload))
    for store_id, rows in by_store.items():
        outbox.put_bulk(TOPIC, rows, store_id=store_id, now=now)


@outbox.handles(TOPIC, label=_("News of a campaign"))
def deliver(message: OutboxMessage) -> None:
    """Hand the event to whoever joined `campaign_event`; an exception brings the row back."""
    payload = message.payload
    campaign_event.send(
        sender=Campaign,
        key=message.key,
        event=payload["event"],
        store_id=message.store_id,
        code=payload["code"],
        at=payload["at"],
        data=payload["data"],
    )
