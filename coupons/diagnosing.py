"""诊断报告: the figures of a stopped coupon and what would help, worked out set-based for a batch of reports and kept as they were then.

A report is begun by the stop and examined right after it, in a transaction of its own: whatever the orders of a store look like, the stop
itself does not wait for them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction

import policies
from core import clock, money
from coupons import mirror
from coupons.models import Coupon, Diagnosis
from coupons.pool import SKUS
from policies.rules import CouponRules, EffectWatchRules

#: Why a buyer who ordered after claiming did not use the coupon; in this order, the first that holds.
REASONS = ("nothing_of_pool", "below_min_order", "logistics", "region", "not_entered")

_CHANNELS = """
    SELECT coupon_id, channel, count(*), count(*) FILTER (WHERE state = 'redeemed')
    FROM coupons_claim WHERE coupon_id = ANY(%(ids)s) GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""
_DAYS = """
    SELECT k.coupon_id, (k.claimed_at AT TIME ZONE s.time_zone)::date AS day, count(*), count(*) FILTER (WHERE k.state = 'redeemed')
    FROM coupons_claim k JOIN accounts_store s ON s.id = k.store_id
    WHERE k.coupon_id = ANY(%(ids)s) AND k.claimed_at >= %(since)s GROUP BY 1, 2 ORDER BY 1, 2
"""
_REFUSALS = """
    SELECT coupon_id, code, sum(times), count(DISTINCT buyer) FROM coupons_refusal WHERE coupon_id = ANY(%(ids)s)
    GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""
#: Of the latest unused claims of each coupon: the best order that its buyer placed since, by what the goods of the pool came to in it.
ORDERED = f"""
    WITH unused AS (
        SELECT * FROM (
            SELECT k.id, k.coupon_id, k.store_id, k.buyer, k.claimed_at,
                row_number() OVER (PARTITION BY k.coupon_id ORDER BY k.claimed_at DESC, k.id DESC) AS place
            FROM coupons_claim k WHERE k.coupon_id = ANY(%(ids)s) AND k.state = 'claimed'
        ) k WHERE place <= %(sample)s
    ), goods AS (
        SELECT c.id AS coupon_id, s.id AS sku_id {SKUS}
    ), bought AS (
        SELECT u.id AS claim, u.coupon_id, o.id AS order_id, o.logistics, o.country,
            coalesce(sum(l.quantity * l.unit_price) FILTER (WHERE g.sku_id IS NOT NULL), 0) AS eligible
        FROM unused u
        JOIN orders_order o ON o.store_id = u.store_id AND o.buyer = u.buyer AND o.placed_at >= u.claimed_at
        JOIN orders_orderline l ON l.order_id = o.id
        LEFT JOIN goods g ON g.coupon_id = u.coupon_id AND g.sku_id = l.sku_id
        WHERE u.buyer <> '' AND o.state <> 'cancelled' GROUP BY 1, 2, 3
    ), best AS (
        SELECT DISTINCT ON (claim) * FROM bought ORDER BY claim, eligible DESC, order_id
    )
"""  # noqa: S608  # composed of constants
_WHY = f"""
    {ORDERED}
    SELECT b.coupon_id, CASE
            WHEN b.eligible = 0 THEN 'nothing_of_pool'
            WHEN b.eligible < c.min_order THEN 'below_min_order'
            WHEN cardinality(c.logistics) > 0 AND NOT b.logistics = ANY(c.logistics) THEN 'logistics'
            WHEN cardinality(c.regions) > 0 AND NOT b.country = ANY(c.regions) THEN 'region'
            ELSE 'not_entered' END AS why, count(*),
        array_agg(b.eligible ORDER BY b.eligible DESC) FILTER (WHERE b.eligible > 0 AND b.eligible < c.min_order)
    FROM best b JOIN coupons_coupon c ON c.id = b.coupon_id GROUP BY 1, 2 ORDER BY 1, 3 DESC
"""  # noqa: S608  # composed of constants
_LOOKED = """
    SELECT coupon_id, count(*) FROM coupons_claim WHERE coupon_id = ANY(%(ids)s) AND state = 'claimed' GROUP BY 1
"""


@transaction.atomic
def examine_due() -> int:
    """Write the figures of one batch of reports that have none yet; answers how many."""
    now = clock.read()
    rules = policies.active(EffectWatchRules, now)
    waiting = Diagnosis.objects.filter(examined_at=None).order_by("id").select_related("coupon__tally", "store")
    rows = list(waiting.select_for_update(of=("self",), no_key=True, skip_locked=True)[: rules.report_batch])
    if not rows:
        return 0
    figures = figures_of([row.coupon for row in rows], rules, now=now)
    for row in rows:
        row.report = {**row.report, **figures[row.coupon_id]}
        row.examined_at = now
    Diagnosis.objects.bulk_update(rows, ["report", "examined_at"])
    return len(rows)


def figures_of(coupons: Sequence[Coupon], rules: EffectWatchRules, *, now: datetime) -> dict[int, dict[str, Any]]:
    """The figures of these coupons, by id, ready to be kept; the same number of queries for any number of coupons."""
    ids = [coupon.pk for coupon in coupons]
    given = {"ids": ids, "since": now - timedelta(days=rules.report_days), "sample": rules.report_claims}
    channels, days, refusals = _grouped(_CHANNELS, given), _grouped(_DAYS, given), _grouped(_REFUSALS, given)
    why, unused = _grouped(_WHY, given), _grouped(_LOOKED, given)
    groups = mirror.groups_of(coupons, now=now)
    floors = policies.active(CouponRules, now).min_order
    most = rules.report_rows
    found = {}
    for coupon in coupons:
        pk = coupon.pk
        looked = min(sum(row[0] for row in unused[pk]), rules.report_claims)
        figures: dict[str, Any] = {
            "channels": [list(row) for row in channels[pk][:most]],
            "days": [[day.isoformat(), claimed, redeemed] for day, claimed, redeemed in days[pk]],
            "refusals": [[code, int(times), buyers] for code, times, buyers in refusals[pk][:most]],
            "unused": looked,
            "why": [[reason, count] for reason, count, _eligible in why[pk]],
        }
        eligible = next((row[2] for row in why[pk] if row[0] == "below_min_order"), None) or []
        figures["help"] = _help(coupon, figures, eligible, groups.get(pk, ()), floors.get(coupon.currency, Decimal(0)))
        found[pk] = figures
    return found


def _grouped(statement: str, given: Mapping[str, Any]) -> dict[int, list[tuple[Any, ...]]]:
    found: dict[int, list[tuple[Any, ...]]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        for pk, *row in cursor.fetchall():
            found[pk].append(tuple(row))
    return found


def _help(
    coupon: Coupon,
    figures: Mapping[str, Any],
    eligible: Sequence[Decimal],
    groups: Sequence[mirror.Group],
    floor: Decimal,
) -> list[dict[str, Any]]:
    """What would help, the most first: changes that would have let in orders placed without the coupon, or claims and uses refused."""
    found: list[dict[str, Any]] = []
    for level in mirror.min_order_levels(eligible, coupon, floor):
        count = sum(1 for amount in eligible if amount >= level)
        found.append({"kind": "min_order", "value": money.text(level, coupon.currency), "orders": count})
    entered = next((count for reason, count in figures["why"] if reason == "not_entered"), 0)
    if entered:
        found.append({"kind": "remind", "orders": entered})
    for group in groups:
        found += [
            {"kind": "mirror", "code": group.code, "change": option.change.as_json(), "buyers": option.buyers}
            for option in group.options[:1]
        ]
    found += _worst_channel(figures["channels"])
    return sorted(found, key=lambda one: -int(one.get("orders") or one.get("buyers") or 0))


def _worst_channel(channels: Sequence[Sequence[Any]]) -> list[dict[str, Any]]:
    """The channel without which the rate would have been highest, where there are several and it would have been higher."""
    told = [row for row in channels if row[0]]
    claims, uses = sum(row[1] for row in channels), sum(row[2] for row in channels)
    if len(channels) < 2 or not told:
        return []

    def without(row: Sequence[Any]) -> float:
        return (uses - row[2]) / (claims - row[1]) if claims > row[1] else 0.0

    worst = max(told, key=without)
    if without(worst) <= uses / claims:
        return []
    return [
        {
            "kind": "channel",
            "value": worst[0],
            "claims": worst[1],
            "redeemed": worst[2],
            "rate": round(100 * without(worst), 1),
        }
    ]


def days_of(row: Diagnosis) -> dict[date, dict[str, int]]:
    """The days of a report, for its chart."""
    kept = row.report.get("days", ())
    return {date.fromisoformat(day): {"claims": claimed, "redemptions": redeemed} for day, claimed, redeemed in kept}
