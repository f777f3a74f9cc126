"""Stock that a coupon should hold back and could not: shown when its issuing goes on again (R59)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from django.db import connection

import policies
from core import clock
from coupons.pool import SKUS
from policies.rules import CouponRules

_SHORT = f"""
    SELECT g.coupon_id, count(*), count(*) FILTER (WHERE g.missing > 0), coalesce(sum(g.missing), 0),
        (array_agg(g.code ORDER BY g.code) FILTER (WHERE g.missing > 0))[1:%(shown)s]
    FROM (
        SELECT k.coupon_id, k.code, greatest(0, t.quota - t.redeemed - coalesce(r.units, 0)) AS missing
        FROM (SELECT named.coupon_id, s.id, s.code {SKUS}) k
        JOIN coupons_coupontally t ON t.coupon_id = k.coupon_id
        LEFT JOIN coupons_reservation r ON r.coupon_id = k.coupon_id AND r.sku_id = k.id
    ) g
    GROUP BY 1
"""  # noqa: S608 - composed of constants


@dataclass(frozen=True, slots=True)
class Shortage:
    """Of the SKUs of a coupon's pool: how many there are, how many hold less than what is left of the quota, the units that lack in all,
    and the codes of the first of them.
    """

    skus: int = 0
    short: int = 0
    units: int = 0
    codes: tuple[str, ...] = ()


def of(coupon_ids: Collection[int]) -> dict[int, Shortage]:
    """The shortage of each of these coupons; one query, none without coupons."""
    if not coupon_ids:
        return {}
    shown = policies.active(CouponRules, clock.now()).messages_singly
    with connection.cursor() as cursor:
        cursor.execute(_SHORT, {"ids": list(coupon_ids), "shown": shown})
        return {
            pk: Shortage(skus, short, int(units), tuple(few or ())) for pk, skus, short, units, few in cursor.fetchall()
        }
