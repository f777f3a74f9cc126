"""From exposure to redemption, in one place: of all, by channel, by day; and refusals by code (R52, R64, R153).

Exposures count by their hour; claims by the moment they were made, and orders and redemptions with the claim they came from, so that a
stage never holds more than the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from coupons.models import Coupon

_SEEN = """
    SELECT channel, sum(impressions)::bigint, sum(clicks)::bigint, sum(add_to_cart)::bigint FROM coupons_exposurehour
    WHERE coupon_id = %(coupon)s AND hour >= date_trunc('hour', %(since)s::timestamptz) AND hour < %(until)s GROUP BY 1
"""
#: By channel and day of the store's calendar. A claim counts as followed by an order when it was redeemed, or its buyer ordered in the
#: store while the coupon was valid. Each row of a large coupon is read, but nothing of it is kept aside.
_CLAIMED = """
    WITH mine AS NOT MATERIALIZED (
        SELECT id, buyer, channel, claimed_at, state FROM coupons_claim
        WHERE coupon_id = %(coupon)s AND claimed_at >= %(since)s AND claimed_at < %(until)s
    ), ordered AS (
        SELECT DISTINCT m.id FROM mine m
        JOIN orders_order o ON o.store_id = %(store)s AND o.buyer = m.buyer AND o.placed_at >= m.claimed_at AND o.placed_at < %(ends)s
        WHERE m.buyer <> '' AND m.state <> 'redeemed' AND o.state <> 'cancelled' AND o.placed_at >= %(since)s
    )
    SELECT m.channel, (m.claimed_at AT TIME ZONE %(zone)s)::date, count(*),
        count(*) FILTER (WHERE m.state = 'redeemed' OR o.id IS NOT NULL), count(*) FILTER (WHERE m.state = 'redeemed')
    FROM mine m LEFT JOIN ordered o ON o.id = m.id GROUP BY 1, 2
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """The counters of the funnel, of all channels or of one."""

    channel: str
    impressions: int = 0
    clicks: int = 0
    add_to_cart: int = 0
    claims: int = 0
    orders: int = 0
    redemptions: int = 0

    @property
    def click_rate(self) -> float | None:
        """Clicks of impressions, a share of one (R64)."""
        return self.clicks / self.impressions if self.impressions else None

    @property
    def redemption_rate(self) -> float | None:
        """Redemptions of claims, a share of one (R68)."""
        return self.redemptions / self.claims if self.claims else None


@dataclass(frozen=True, slots=True)
class Day:
    """Claims made on a day of the store's calendar, and how many of them were redeemed."""

    day: date
    claims: int
    redemptions: int


@dataclass(frozen=True, slots=True)
class Funnel:
    """A coupon's figures over a span of time."""

    total: Stage
    channels: tuple[Stage, ...]
    days: tuple[Day, ...]


def funnel(coupon: Coupon, *, since: datetime, until: datetime, zone: str) -> Funnel:
    """The figures of `[since, until)`, days by the zone of that name; two queries."""
    given: dict[str, Any] = {
        "coupon": coupon.pk,
        "store": coupon.store_id,
        "since": since,
        "until": until,
        "ends": coupon.ends_at,
        "zone": zone,
    }
    with connection.cursor() as cursor:
        cursor.execute(_SEEN, given)
        seen = {channel: counts for channel, *counts in cursor.fetchall()}
        cursor.execute(_CLAIMED, given)
        rows = cursor.fetchall()
    claimed: dict[str, list[int]] = {}
    by_day: dict[date, list[int]] = {}
    for channel, day, claims, orders, redemptions in rows:
        claimed[channel] = _added(claimed.get(channel), (claims, orders, redemptions))
        by_day[day] = _added(by_day.get(day), (claims, redemptions))
    days = tuple(Day(day, *counts) for day, counts in sorted(by_day.items()))
    stages = [
        Stage(channel, *seen.get(channel, (0, 0, 0)), *claimed.get(channel, (0, 0, 0)))
        for channel in sorted({*seen, *claimed})
    ]
    stages.sort(key=lambda one: (-one.claims, -one.impressions, one.channel))
    return Funnel(_sum(stages), tuple(stages), days)


def _added(before: list[int] | None, more: tuple[int, ...]) -> list[int]:
    return [a + b for a, b in zip(before or [0] * len(more), more, strict=True)]


def _sum(stages: list[Stage]) -> Stage:
    names = ("impressions", "clicks", "add_to_cart", "claims", "orders", "redemptions")
    return Stage("", *(sum(getattr(stage, name) for stage in stages) for name in names))
