"""Whether a coupon's pool has anything to sell: on sale, in stock, and counted recently enough (R65, R66, R72, R183).

What the coupon itself holds back counts for it. A person's count holds until the next one, since our own orders keep it true; the figures
of another system hold until its next sync is late.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import connection

from coupons.facts import StockFacts
from coupons.pool import SKUS
from coupons.reserving import STALE, freshness

_STALE = f"(s.stock_synced_at IS NOT NULL AND ({STALE}))"
_LEFT = """s.stock - s.reserved + coalesce(
    (SELECT r.units FROM coupons_reservation r WHERE r.coupon_id = {coupon} AND r.sku_id = s.id), 0) > 0"""
_GOOD = f"""l.state = 'on_sale' AND l.management = 'self' AND s.currency = coupon.currency
    AND {_LEFT.format(coupon="coupon.id")} AND NOT {_STALE}"""
#: A condition on `coupon`. It ends at the first product that can be sold, and looks at listings named one by one first.
EXISTS = f"""(
    EXISTS (
        SELECT FROM coupons_poollisting p JOIN listings_listing l ON l.id = p.listing_id JOIN listings_sku s ON s.listing_id = l.id
        WHERE p.coupon_id = coupon.id AND {_GOOD})
    OR EXISTS (
        SELECT FROM coupons_poolbrand p JOIN listings_listing l ON l.brand_id = p.brand_id JOIN listings_sku s ON s.listing_id = l.id
        WHERE p.coupon_id = coupon.id AND {_GOOD})
    OR EXISTS (
        WITH RECURSIVE below AS (
            SELECT p.category_id AS id FROM coupons_poolcategory p WHERE p.coupon_id = coupon.id
            UNION SELECT k.id FROM below b JOIN listings_category k ON k.parent_id = b.id)
        SELECT FROM below b JOIN listings_listing l ON l.category_id = b.id AND l.store_id = coupon.store_id
        JOIN listings_sku s ON s.listing_id = l.id WHERE {_GOOD}))"""  # noqa: S608  # composed of constants
PARAMETERS = (("period", "interval"), ("stale", "interval"))
#: The nearest to being sold: one in stock and counted too long ago, before one that is sold out, before one off sale.
_WHY = f"""
    SELECT l.state = 'on_sale', {_LEFT.format(coupon="c.id")}, s.code, s.stock_as_of
    {SKUS} ORDER BY 1 DESC, 2 DESC, s.stock_as_of DESC NULLS LAST, s.id LIMIT 1
"""


def parameters(now: datetime) -> dict[str, Any]:
    """The values of `EXISTS` beside `now`."""
    found = freshness(now)
    return {"period": found["period"], "stale": found["stale"]}


def why_not(coupon_id: int, now: datetime) -> StockFacts:
    """Why nothing of the pool can be sold; one query, for refusals only."""
    with connection.cursor() as cursor:
        cursor.execute(_WHY, {"ids": [coupon_id]})
        row = cursor.fetchone()
    if row is None or not row[0]:
        return StockFacts(reason="delisted", sku=row[2] if row else "")
    return StockFacts(reason="stale" if row[1] else "sold_out", sku=row[2], as_of=row[3])
