"""From exposure to redemption, in one place: of all, by channel, by day; and refusals by code (R52, R64, R153).

Exposures count by their hour; claims by the moment they were made, and orders and redemptions with the claim they came from, so that a
stage never holds more than the one before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db import connection

from coupons.counting import QUARTER, channels, quarter, stage
from coupons.models import Coupon

_SEEN = """
    SELECT channel, sum(impressions)::bigint, sum(clicks)::bigint, sum(add_to_cart)::bigint FROM coupons_exposurehour
    WHERE coupon_id = %(coupon)s AND hour >= date_trunc('hour', %(since)s::timestamptz) AND hour < %(until)s GROUP BY 1
"""
#: By channel and day of the store's calendar: counters of whole quarters of an hour, news of claims among them, and the claims themselves
#: at both ends and after what is counted. A day begins with a quarter in every zone.
_CLAIMED = f"""
    WITH counted AS MATERIALIZED (
        SELECT greatest(%(first)s::timestamptz, least(%(last)s, coalesce((
            SELECT d.until FROM coupons_counted d WHERE d.coupon_id = %(coupon)s), %(first)s))) AS until
    ), found AS (
        SELECT h.channel, h.at, h.claims, h.orders, h.redemptions FROM coupons_claimcount h
        WHERE h.coupon_id = %(coupon)s AND h.at >= %(first)s AND h.at < (SELECT until FROM counted)
        UNION ALL
        SELECT k.channel, k.claimed_at, n.late::integer, (k.stage > 0)::integer - coalesce((s.stage > 0)::integer, 0),
            (k.stage = 2)::integer - coalesce((s.stage = 2)::integer, 0)
        FROM (SELECT claim_id, bool_or(late) AS late FROM coupons_claimnews WHERE coupon_id = %(coupon)s GROUP BY 1) n
        CROSS JOIN LATERAL (
            SELECT k.channel, k.claimed_at, {stage("%(ends)s")} AS stage FROM coupons_claim k WHERE k.id = n.claim_id
        ) k
        LEFT JOIN coupons_claimstage s ON s.claim_id = n.claim_id
        WHERE k.claimed_at >= %(first)s AND k.claimed_at < (SELECT until FROM counted)
        UNION ALL
        SELECT every.channel, k.claimed_at, 1, (k.stage > 0)::integer, (k.stage = 2)::integer
        FROM {channels("%(coupon)s")} every
        CROSS JOIN (SELECT %(since)s::timestamptz AS since, %(first)s::timestamptz AS until
            UNION ALL SELECT until, %(until)s FROM counted) span
        CROSS JOIN LATERAL (
            SELECT k.claimed_at, {stage("%(ends)s")} AS stage FROM coupons_claim k
            WHERE k.coupon_id = %(coupon)s AND k.channel = every.channel AND k.claimed_at >= span.since AND k.claimed_at < span.until
        ) k
    )
    SELECT channel, (at AT TIME ZONE %(zone)s)::date, sum(claims), sum(orders), sum(redemptions) FROM found GROUP BY 1, 2
"""  # noqa: S608  # composed of constants


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
    """The figures of `[since, until)`, days by the zone of that name; two queries, for a million claims as for a thousand."""
    first = min(quarter(since - timedelta(microseconds=1)) + QUARTER, until)
    given: dict[str, Any] = {
        "coupon": coupon.pk,
        "since": since,
        "until": until,
        "first": first,
        "last": max(first, quarter(until)),
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
