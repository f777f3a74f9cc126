"""Which goods a coupon is for: the one set-based selection that creation, claims, redemption and reserved stock share (R54).

A pool names listings, categories (with all that is below them) and brands. Of these it holds what the merchant sells himself (R127) and
prices in the coupon's currency; goods that join a category or a brand later join the pool, too.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL

from accounts.models import Store
from core.prepared import Prepared
from coupons.models import Coupon
from listings.models import Sku

#: Every category with itself and all that is below it, as (top, id); some dozens of rows.
BELOW = """
    SELECT id AS top, id FROM listings_category
    UNION
    SELECT b.top, k.id FROM below b JOIN listings_category k ON k.parent_id = b.id
"""
#: The listings that the pools of the coupons `%(ids)s` name, each once a coupon: (coupon_id, listing_id).
_NAMED = f"""
    SELECT p.coupon_id, p.listing_id FROM coupons_poollisting p WHERE p.coupon_id = ANY(%(ids)s)
    UNION
    SELECT p.coupon_id, l.id FROM coupons_poolcategory p
        JOIN (WITH RECURSIVE below AS ({BELOW}) SELECT top, id FROM below) b ON b.top = p.category_id
        JOIN listings_listing l ON l.store_id = p.store_id AND l.category_id = b.id
        WHERE p.coupon_id = ANY(%(ids)s)
    UNION
    SELECT p.coupon_id, l.id FROM coupons_poolbrand p JOIN listings_listing l ON l.brand_id = p.brand_id
        WHERE p.coupon_id = ANY(%(ids)s)
"""  # noqa: S608  # composed of constants
#: FROM … WHERE: `named` (coupon_id, listing_id), `c` the coupon, `l` the listing, `s` the SKU. Begin with any SELECT list, go on with AND.
SKUS = f"""
    FROM ({_NAMED}) named
    JOIN coupons_coupon c ON c.id = named.coupon_id
    JOIN listings_listing l ON l.id = named.listing_id
    JOIN listings_sku s ON s.listing_id = l.id
    WHERE l.management = 'self' AND s.currency = c.currency
"""  # composed of constants
_COVERED = Prepared(
    f"""
    WITH RECURSIVE below AS ({BELOW})
    SELECT c.code, s.id
    FROM coupons_coupon c
    CROSS JOIN listings_sku s
    JOIN listings_listing l ON l.id = s.listing_id
    WHERE c.store_id = %(store)s AND c.code = ANY(%(codes)s) AND s.store_id = %(store)s AND s.id = ANY(%(skus)s)
        AND l.management = 'self' AND s.currency = c.currency
        AND (
            EXISTS (SELECT FROM coupons_poollisting p WHERE p.coupon_id = c.id AND p.listing_id = l.id)
            OR EXISTS (
                SELECT FROM coupons_poolcategory p JOIN below b ON b.top = p.category_id
                WHERE p.coupon_id = c.id AND b.id = l.category_id
            )
            OR EXISTS (SELECT FROM coupons_poolbrand p WHERE p.coupon_id = c.id AND p.brand_id = l.brand_id)
        )
""",  # noqa: S608  # composed of constants
    [("store", "bigint"), ("codes", "text[]"), ("skus", "bigint[]")],
)


@dataclass(frozen=True, slots=True)
class Pool:
    """A pool by the ids it names; what a form or the API asks for, before there is a coupon."""

    listings: tuple[int, ...] = field(default=())
    categories: tuple[int, ...] = field(default=())
    brands: tuple[int, ...] = field(default=())

    def __bool__(self) -> bool:
        return bool(self.listings or self.categories or self.brands)


#: FROM … WHERE for a pool that is not saved: `l` the listing, `s` the SKU; wants `proposed(store, pool, currency)` as its parameters.
#: It tells self-run goods from the others by no condition of its own, so that a check can name what it leaves out.
PROPOSED = f"""
    FROM (
        SELECT unnest(%(listings)s::bigint[]) AS id
        UNION
        SELECT l.id FROM listings_listing l
            JOIN (WITH RECURSIVE below AS ({BELOW}) SELECT top, id FROM below) b ON b.id = l.category_id
            WHERE l.store_id = %(store)s AND b.top = ANY(%(categories)s)
        UNION
        SELECT l.id FROM listings_listing l WHERE l.brand_id = ANY(%(brands)s)
    ) named
    JOIN listings_listing l ON l.id = named.id
    JOIN listings_sku s ON s.listing_id = l.id
    WHERE l.store_id = %(store)s
"""  # noqa: S608  # composed of constants


def proposed(store: Store, pool: Pool) -> dict[str, Any]:
    """The parameters of `PROPOSED`."""
    return {
        "store": store.pk,
        "listings": list(pool.listings),
        "categories": list(pool.categories),
        "brands": list(pool.brands),
    }


def skus_of(coupon: Coupon) -> QuerySet[Sku]:
    """The SKUs of a coupon's pool, whatever the state of their listings."""
    text = f"SELECT s.id {SKUS}"
    params = [[coupon.pk]] * text.count("%(ids)s")
    chosen = RawSQL(text.replace("%(ids)s", "%s::bigint[]"), params)  # noqa: S611  # composed of constants
    return Sku.objects.filter(store_id=coupon.store_id, pk__in=chosen)


def coupons_for(store: Store | int, sku_ids: Collection[int], codes: Collection[str]) -> dict[str, frozenset[int]]:
    """Which of these SKUs each coupon of the store covers, by the coupon's code; one query.

    A coupon that the store does not have, or that covers none of them, is missing from the answer.
    """
    if not codes or not sku_ids:
        return {}
    store_id = store if isinstance(store, int) else store.pk
    found: dict[str, set[int]] = {}
    for code, sku in _COVERED.rows({"store": store_id, "codes": list(codes), "skus": list(sku_ids)}):
        found.setdefault(code, set()).add(sku)
    return {code: frozenset(skus) for code, skus in found.items()}
