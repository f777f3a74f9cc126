"""Which coupons the public pages offer at the moment of a request (R51): on a product's page and on the store's home.

Never anything but what anybody there may claim now: issued, inside its window, not used up, for this site and this place, for everybody. A
coupon that is stopped, frozen, void or over is gone from the very next answer, as an offer is.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from coupons.models import ArmsState, CouponState

#: A coupon `c` with its counters `k`, in the scope of `t.now`, the store `st` and `%(site)s`. The arms of a running test have no code of
#: their own that a buyer should enter.
_OFFERED = f"""
    c.store_id = st.id AND c.state = '{CouponState.ACTIVE}' AND k.issuing AND k.claimed < k.quota
    AND c.starts_at <= t.now AND t.now < c.ends_at AND c.bond <> 'waits' AND NOT c.codes_only AND c.segment = '{{}}'
    AND (c.sites = '{{}}' OR %(site)s::text = ANY(c.sites))
    AND NOT EXISTS (SELECT FROM coupons_coupontest a WHERE a.state = '{ArmsState.RUNNING}' AND c.id IN (a.arm_a_id, a.arm_b_id))
"""
_ROWS = """
    COALESCE((
        SELECT jsonb_agg(jsonb_build_array(c.code, c.face_value::text, c.min_order::text, c.currency, c.ends_at, st.time_zone,
            c.first_order_only, to_jsonb(c.regions)) ORDER BY c.face_value DESC, c.code)
        FROM {source} JOIN coupons_coupontally k ON k.coupon_id = c.id
        WHERE {offered} AND (c.channels = '{{}}' OR '{place}' = ANY(c.channels))), '[]'::jsonb)
"""
#: The coupons whose pools name the listing `l`, by itself, its brand, or its category or one above it.
_OF_LISTING = """(
    SELECT p.coupon_id FROM coupons_poollisting p WHERE p.listing_id = l.id
    UNION
    SELECT p.coupon_id FROM coupons_poolbrand p WHERE p.brand_id = l.brand_id
    UNION
    SELECT p.coupon_id FROM coupons_poolcategory p JOIN (
        WITH RECURSIVE above AS (
            SELECT g.id, g.parent_id FROM listings_category g WHERE g.id = l.category_id
            UNION SELECT g.id, g.parent_id FROM above JOIN listings_category g ON g.id = above.parent_id
        ) SELECT id FROM above
    ) g ON g.id = p.category_id WHERE p.store_id = l.store_id
) named JOIN coupons_coupon c ON c.id = named.coupon_id AND l.management = 'self'
    AND EXISTS (SELECT FROM listings_sku s WHERE s.listing_id = l.id AND s.currency = c.currency)"""
#: jsonb: the coupons on the page of a listing `l`, the largest first; `of` reads it.
ON_PRODUCT_PAGE = _ROWS.format(source=_OF_LISTING, offered=_OFFERED, place="product_page")
#: jsonb: the coupons on the home of the store `st`.
ON_STORE_HOME = _ROWS.format(source="coupons_coupon c", offered=_OFFERED, place="store_home")


@dataclass(frozen=True, slots=True)
class Shown:
    """A coupon as a buyer sees it; `ends_at` in the store's zone `zone`; no `regions`: everywhere."""

    code: str
    face_value: Decimal
    min_order: Decimal
    currency: str
    ends_at: datetime
    zone: str
    first_order_only: bool
    regions: tuple[str, ...]


def of(rows: Iterable[list[Any]]) -> Iterator[Shown]:
    """What the two statements answered, read."""
    for code, face, least, currency, ends, zone, first, regions in rows:
        yield Shown(
            code, Decimal(face), Decimal(least), currency, datetime.fromisoformat(ends), zone, first, tuple(regions)
        )
