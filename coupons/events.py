"""Events of coupons for the world outside the transaction: one outbox row a batch of coupons, written with the change itself."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.utils.translation import gettext_lazy as _

import policies
from core import outbox
from core.models import OutboxMessage
from coupons.models import Coupon
from coupons.signals import coupon_event
from policies.rules import CouponRules

TOPIC = "coupon.event"


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to one coupon; `version` is the coupon's afterwards, `data` what a receiver wants to know besides."""

    store_id: int
    code: str
    version: int
    data: dict[str, Any] = field(default_factory=dict)


def tell(name: str, events: Sequence[Event], *, now: datetime) -> int:
    """Write the event `name` (such as `coupon.voided`) of these coupons in the current transaction; answers how many rows it took."""
    by_store: dict[int, list[Event]] = {}
    for event in events:
        by_store.setdefault(event.store_id, []).append(event)
    size = policies.active(CouponRules, now).batch
    written = 0
    for store_id, found in by_store.items():
        rows = []
        for start in range(0, len(found), size):
            part = found[start : start + size]
            told = [{"code": one.code, "version": one.version, "data": one.data} for one in part]
            key = f"{name}:{part[0].code}:{part[0].version}:{len(part)}"
            rows.append((key, {"event": name, "at": now.isoformat(), "coupons": told}))
        written += outbox.put_bulk(TOPIC, rows, store_id=store_id, now=now)
    return written


@outbox.handles(TOPIC, label=_("News of coupons"))
def deliver(message: OutboxMessage) -> None:
    """Hand the event of each coupon to whoever joined `coupon_event`; an exception brings the row back."""
    payload = message.payload
    for told in payload["coupons"]:
        coupon_event.send(
            sender=Coupon,
            key=f"{payload['event']}:{told['code']}:{told['version']}",
            event=payload["event"],
            store_id=message.store_id,
            code=told["code"],
            at=payload["at"],
            data=told["data"],
        )
