"""Why a result came out otherwise than forecast, with figures: what happened between the two, read from the rows that did it (R13, R44).

Three queries for any number of closes, and none where nothing differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection

_PLACE = "unnest(%(ids)s::bigint[], %(codes)s::text[], %(stores)s::bigint[], %(sinces)s::timestamptz[]) AS v(id, code, store, since)"
_ORDERS = f"""
    SELECT s.id, count(DISTINCT r.id), count(DISTINCT r.id) FILTER (WHERE r.state IN ('unpaid', 'paid', 'shipped'))
    FROM (
        SELECT v.id, v.since, n.order_id FROM {_PLACE}
        JOIN orders_orderline n ON n.store_id = v.store AND n.campaign_code = v.code AND n.campaign_code <> ''
        UNION ALL
        SELECT v.id, v.since, o.id FROM {_PLACE}
        JOIN orders_order o ON o.store_id = v.store AND (o.snapshot -> 'campaigns') ? v.code
    ) AS s JOIN orders_order r ON r.id = s.order_id AND r.placed_at >= s.since
    GROUP BY 1
"""  # noqa: S608 - constants of this house
_PRICES = f"""
    SELECT v.id, count(DISTINCT h.sku_id), count(DISTINCT h.sku_id) FILTER (WHERE h.source = 'restore'),
        (array_agg(DISTINCT s.code))[1:5]
    FROM {_PLACE}
    JOIN campaigns_campaignitem i ON i.campaign_id = v.id
    JOIN listings_pricehistory h ON h.store_id = v.store AND h.sku_id = i.sku_id AND h.at >= v.since AND h.before IS NOT NULL
    JOIN listings_sku s ON s.id = h.sku_id
    GROUP BY 1
"""  # noqa: S608 - constants of this house
_COUPONS = f"""
    SELECT v.id, count(*) FILTER (WHERE c.state = 'voided' AND c.closed_at >= v.since AND c.closed_at < %(now)s),
        count(*) FILTER (WHERE c.state = 'expired' AND c.closed_at >= v.since),
        COALESCE(sum((SELECT count(*) FROM coupons_claim k WHERE k.coupon_id = c.id AND k.redeemed_at >= v.since)), 0)::bigint
    FROM {_PLACE}
    JOIN campaigns_campaigncoupon g ON g.campaign_id = v.id JOIN coupons_coupon c ON c.id = g.coupon_id
    GROUP BY 1
"""  # noqa: S608 - constants of this house


@dataclass(frozen=True, slots=True)
class Between:
    """One close, and since when its forecast holds."""

    campaign_id: int
    code: str
    store_id: int
    since: datetime


def facts_of(closes: Sequence[Between], *, now: datetime) -> dict[int, dict[str, dict[str, Any]]]:
    """What happened to orders, prices and coupons since the forecasts and before `now`, by campaign and by key of the figure that it
    moves."""
    if not closes:
        return {}
    given: dict[str, Any] = {
        "ids": [one.campaign_id for one in closes],
        "codes": [one.code for one in closes],
        "stores": [one.store_id for one in closes],
        "sinces": [one.since for one in closes],
        "now": now,
    }
    found: dict[int, dict[str, dict[str, Any]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, given)
        for pk, placed, still_open in cursor.fetchall():
            found.setdefault(pk, {})["open_orders"] = {"placed": placed, "placed_open": still_open}
        cursor.execute(_PRICES, given)
        for pk, changed, restored, skus in cursor.fetchall():
            facts = {"changed": changed, "restored": restored, "skus": list(skus)}
            found.setdefault(pk, {})["prices_to_review"] = facts
        cursor.execute(_COUPONS, given)
        for pk, by_hand, expired, redeemed in cursor.fetchall():
            facts = {"by_hand": by_hand, "expired": expired, "redeemed": redeemed}
            found.setdefault(pk, {}).update(dict.fromkeys(("coupons", "claimed_unused", "reserved_units"), facts))
    return found
