"""How often buyers saw, clicked and put into a cart what carried a coupon, by the hour and the channel (R52, R64).

Storefronts send it with their other events; the room that takes those calls down to here. All counters of a call are raised by one
statement that takes them in one order (coupon, hour, channel), so that callers wait for each other and never in a ring.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Store
from coupons.models import Coupon, CouponState

KINDS = ("impression", "click", "add_to_cart")
_CHANNEL = re.compile(r"[a-z0-9_-]{0,20}", re.ASCII)
_RAISE = """
    INSERT INTO coupons_exposurehour AS e (store_id, coupon_id, hour, channel, impressions, clicks, add_to_cart, last_at)
    SELECT %s, coupon, hour, channel, impressions, clicks, carts, last
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
        AS v(coupon, hour, channel, impressions, clicks, carts, last)
    ORDER BY coupon, hour, channel
    ON CONFLICT (coupon_id, hour, channel) DO UPDATE SET impressions = e.impressions + EXCLUDED.impressions,
        clicks = e.clicks + EXCLUDED.clicks, add_to_cart = e.add_to_cart + EXCLUDED.add_to_cart,
        last_at = greatest(e.last_at, EXCLUDED.last_at)
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """One event about a coupon: its place in the call, its kind, the coupon's code as told, the channel, when and how often."""

    index: int
    kind: str
    coupon: str
    channel: str
    at: datetime
    count: int


@dataclass(frozen=True, slots=True)
class Unseen:
    """An event that was not counted, and why."""

    index: int
    field: str
    code: str
    message: str


def tidy_channel(told: object) -> str | None:
    """A channel as it is kept: small letters, digits, dashes, at most 20; None when it is none. Nothing told is "" (unknown)."""
    if told is None:
        return ""
    text = told.strip().lower() if isinstance(told, str) else "?"
    return text if _CHANNEL.fullmatch(text) else None


def count(store: Store, events: Sequence[Seen], *, slack: timedelta) -> list[Unseen]:
    """Count events of one store; two statements for any number of them. Answers those that were not counted.

    An event counts when the store has the coupon and it was in force at that time, give or take `slack`.
    """
    known = _windows(store, {event.coupon for event in events}, slack)
    refused: list[Unseen] = []
    counters: dict[tuple[int, datetime, str], list[Any]] = {}
    for event in events:
        found = known.get(event.coupon)
        if found is None:
            words = _("There is no such coupon in this store.")
            refused.append(Unseen(event.index, "coupon", "ERR_EVENT_COUPON", words))
            continue
        pk, since, until = found
        if since is None or not since <= event.at < until:
            words = _("The coupon was not in force at that time.")
            refused.append(Unseen(event.index, "at", "ERR_EVENT_WINDOW", words))
            continue
        hour = event.at.replace(minute=0, second=0, microsecond=0)
        row = counters.setdefault((pk, hour, event.channel), [0, 0, 0, event.at])
        row[KINDS.index(event.kind)] += event.count
        row[3] = max(row[3], event.at)
    if counters:
        columns = [list(column) for column in zip(*((*key, *row) for key, row in counters.items()), strict=True)]
        with connection.cursor() as cursor:
            cursor.execute(_RAISE, [store.pk, *columns])
    return refused


def _windows(
    store: Store, codes: Collection[str], slack: timedelta
) -> dict[str, tuple[int, datetime | None, datetime]]:
    """(id, since, until) by code; no `since` for a draft, which nobody can have seen."""
    rows = Coupon.objects.filter(store=store, code__in=codes).values_list(
        "code", "pk", "state", "starts_at", "ends_at", "closed_at"
    )
    return {
        code: (pk, None if state == CouponState.DRAFT else starts - slack, min(ends, closed or ends) + slack)
        for code, pk, state, starts, ends, closed in rows
    }
