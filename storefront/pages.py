"""What a public page shows now: the published snapshot, less everything that has stopped.

*Removing is instant, adding is published*: an offer counts if it is in the snapshot AND its live row is active and inside its window at the
moment of the request. Workers up or down, a promotion that is paused, cancelled or over is gone from the very next answer.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.conf import settings
from django.db import connection

from campaigns.pricing import ItemOffer, item_price
from core import clock, money
from core.prepared import Prepared
from coupons import showing
from coupons.showing import ON_PRODUCT_PAGE, ON_STORE_HOME, Shown
from listings.models import ListingState
from publishing.addresses import shop_path

#: States in which buyers may see a listing; a delisting one is sold out, not gone.
VISIBLE = (ListingState.ON_SALE.value, ListingState.DELISTING.value)

# One round trip for a page, the clock included. The live rows come as text in a fixed order, so that equal text means equal offers.
_LIVE = """
    COALESCE((
        SELECT jsonb_agg(jsonb_build_array(o.sku_id, o.campaign_code) ORDER BY o.sku_id, o.campaign_code)
        FROM listings_liveoffer o
        WHERE o.listing_id = l.id AND o.active AND o.starts_at <= t.now AND t.now < o.ends_at), '[]'::jsonb)
"""
_PAGE = Prepared(
    f"""
    WITH t AS (SELECT COALESCE(%(now)s::timestamptz, clock_timestamp()) AS now)
    SELECT t.now, p.id, page.version, page.stamp, page.document::text, l.state, st.name, st.name_zh, s.language, {_LIVE}::text,
        {ON_PRODUCT_PAGE}::text
    FROM t, accounts_store st
    JOIN publishing_site s ON s.store_id = st.id AND s.code = %(site)s AND s.is_active AND s.publisher = 'builtin'
    JOIN publishing_publication p ON p.site_id = s.id AND p.listing_id = %(listing)s
    JOIN publishing_publishedpage page ON page.publication_id = p.id
    JOIN listings_listing l ON l.id = p.listing_id
    WHERE st.slug = %(shop)s
""",  # noqa: S608 - constants only
    [("now", "timestamptz"), ("shop", "text"), ("site", "text"), ("listing", "bigint")],
)

_SHOP = f"""
    WITH t AS (SELECT COALESCE(%(now)s::timestamptz, clock_timestamp()) AS now)
    SELECT t.now, st.name, st.name_zh, s.language, l.id, page.document::text, {_LIVE}::text,
        CASE WHEN row_number() OVER (ORDER BY l.id DESC) = 1 THEN {ON_STORE_HOME}::text END
    FROM t, accounts_store st
    JOIN publishing_site s ON s.store_id = st.id AND s.code = %(site)s AND s.is_active AND s.publisher = 'builtin'
    LEFT JOIN LATERAL (
        SELECT l.id, p.id AS publication_id
        FROM listings_listing l
        JOIN publishing_publication p ON p.listing_id = l.id AND p.site_id = s.id AND p.published_version > 0
        WHERE l.store_id = st.id AND l.state = ANY(%(visible)s) AND (%(after)s::bigint IS NULL OR l.id < %(after)s)
        ORDER BY l.id DESC LIMIT %(limit)s) l ON true
    LEFT JOIN publishing_publishedpage page ON page.publication_id = l.publication_id
    WHERE st.slug = %(shop)s
    ORDER BY l.id DESC
"""  # noqa: S608 - constants only


@dataclass(frozen=True, slots=True)
class Shop:
    """A site of a store as its visitors know it."""

    slug: str
    site: str
    name: str
    language: str

    @property
    def url(self) -> str:
        """The path of the front page."""
        return shop_path(self.slug, self.site)


@dataclass(frozen=True, slots=True)
class Unit:
    """One SKU as a buyer sees it: what it costs now, its sale price, whether it can be had."""

    sku: str
    price: Decimal
    sale_price: Decimal
    currency: str
    in_stock: bool


@dataclass(frozen=True, slots=True)
class Tag:
    """A campaign's tag."""

    campaign: str
    label: str


@dataclass(frozen=True, slots=True)
class Product:
    """A listing's page, ready to be shown."""

    listing_id: int
    title: str
    brand: str
    category: str
    image: str
    shipping: str
    units: tuple[Unit, ...]
    tags: tuple[Tag, ...]

    @property
    def cheapest(self) -> Unit | None:
        """The unit that the front page names."""
        return min(self.units, key=lambda unit: unit.price, default=None)


@dataclass(frozen=True, slots=True)
class FoundPage:
    """What the database holds of a page at the moment of the request; `live` are the offers that count now and `offered` the coupons that
    anybody may claim now, as JSON text.
    """

    shop: Shop
    publication_id: int
    version: int
    stamp: datetime
    document: str
    state: str
    live: str
    offered: str

    @property
    def is_visible(self) -> bool:
        """Whether buyers may see it at all."""
        return self.state in VISIBLE

    def product(self) -> Product:
        """The page's content."""
        return product_of(orjson.loads(self.document), orjson.loads(self.live))

    def coupons(self) -> tuple[Shown, ...]:
        """The coupons that the page offers, the largest first (R51)."""
        return tuple(showing.of(orjson.loads(self.offered)))


def find_page(slug: str, site: str, listing_id: int) -> FoundPage | None:
    """The published page of a listing on a site of this installation; None when there is none. One query, the clock included."""
    asked: dict[str, Any] = {"now": clock.known(), "shop": slug, "site": site, "listing": listing_id}
    rows = _PAGE.rows(asked)
    if not rows:
        return None
    moment, publication_id, version, stamp, document, state, name, name_zh, language, live, offered = rows[0]
    clock.adopt(moment)
    shop = Shop(slug, site, _name(name, name_zh, language), language)
    return FoundPage(shop, publication_id, version, stamp.astimezone(UTC), document, state, live, offered)


@dataclass(frozen=True, slots=True)
class FoundFront:
    """A site's front page: products, the id to go on from, and the coupons that the store's home offers, the largest first (R51)."""

    shop: Shop
    products: list[Product]
    going_on: int | None
    coupons: tuple[Shown, ...]


def find_shop(slug: str, site: str, *, after: int | None, limit: int) -> FoundFront | None:
    """A site's front page: up to `limit` products, newest first, below the listing id `after`; and the id to go on from.

    None when there is no such site. One query, the clock included.
    """
    asked: dict[str, Any] = {
        "now": clock.known(), "shop": slug, "site": site, "visible": list(VISIBLE), "after": after, "limit": limit + 1,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SHOP, asked)
        rows = cursor.fetchall()
    if not rows:
        return None
    moment, name, name_zh, language = rows[0][:4]
    clock.adopt(moment)
    found = [row for row in rows if row[5] is not None]
    products = [product_of(orjson.loads(row[5]), orjson.loads(row[6])) for row in found[:limit]]
    going_on = products[-1].listing_id if len(found) > limit else None
    shop = Shop(slug, site, _name(name, name_zh, language), language)
    return FoundFront(shop, products, going_on, tuple(showing.of(orjson.loads(rows[0][7]))))


def product_of(document: Mapping[str, Any], live: Iterable[tuple[int, str]]) -> Product:
    """A snapshot with the offers that count now (`live`: SKU id and campaign code), priced."""
    counting = {(sku_id, code) for sku_id, code in live}
    offers: dict[int, list[ItemOffer]] = {}
    tags: dict[str, Tag] = {}
    for offer in document["offers"]:
        if (offer["sku"], offer["campaign"]) in counting:
            offers.setdefault(offer["sku"], []).append(_offer(offer))
            tags.setdefault(offer["campaign"], Tag(offer["campaign"], offer["label"]))
    return Product(
        listing_id=document["listing"],
        title=document["title"],
        brand=document["brand"],
        category=document["category"]["name"],
        image=document["image"],
        shipping=document["shipping"],
        units=tuple(_unit(sku, offers.get(sku["id"], [])) for sku in document["skus"]),
        tags=tuple(tags.values()),
    )


def picture(image: str, *, absolute: bool = False) -> str:
    """The address of a listing's picture: a file of ours under the media address, or the address it was given with."""
    if not image or image.startswith(("http://", "https://")):
        return image
    if image.startswith("/"):
        return f"{settings.PUBLIC_URL}{image}" if absolute else image
    path = f"{settings.MEDIA_URL or '/media/'}{image.lstrip('/')}"
    return f"{settings.PUBLIC_URL}{path}" if absolute else path


def _offer(offer: Mapping[str, Any]) -> ItemOffer:
    return ItemOffer(
        campaign=offer["campaign"],
        label=offer["label"],
        kind=offer["kind"],
        price=None if offer["price"] is None else Decimal(offer["price"]),
        starts_at=datetime.fromisoformat(offer["from"]),
        ends_at=datetime.fromisoformat(offer["until"]),
        stacks=offer["stacks"],
    )


def _unit(sku: Mapping[str, Any], offers: list[ItemOffer]) -> Unit:
    currency = sku["currency"]
    priced = item_price(Decimal(sku["price"]), offers, currency)
    return Unit(
        sku=sku["sku"],
        price=money.quantise(priced.unit_price, currency),
        sale_price=money.quantise(priced.sale_price, currency),
        currency=currency,
        in_stock=sku["stock"] > 0,
    )


def _name(name: str, name_zh: str, language: str) -> str:
    return name_zh if language.startswith("zh") and name_zh else name
