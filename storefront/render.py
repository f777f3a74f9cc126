"""HTML and JSON-LD of the public pages. What was rendered once is kept: equal content is not rendered again.

Content decides, not time: the key of the cache is everything the page is made of, so that a kept page is never a stale one.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any

import orjson
from babel import Locale
from babel.dates import format_date
from babel.lists import format_list
from babel.numbers import format_currency
from django.conf import settings
from django.template.loader import get_template
from django.templatetags.static import static
from django.utils.safestring import SafeString, mark_safe

from core import clock, display, money
from coupons.showing import Shown
from storefront.pages import FoundFront, FoundPage, Product, Shop, Unit, picture
from storefront.words import Words, words

_SCHEMA = "https://schema.org"
#: What could end the script element or start a comment in it; the same for the line ends that JSON allows and old parsers do not.
_ESCAPES = {ord("<"): "\\u003C", ord(">"): "\\u003E", ord("&"): "\\u0026", 0x2028: "\\u2028", 0x2029: "\\u2029"}


@dataclass(frozen=True, slots=True)
class Rendered:
    """A page's bytes and its strong entity tag."""

    body: bytes
    etag: str
    language: str


@lru_cache(maxsize=settings.SHOP_PAGE_CACHE)
def product_page(found: FoundPage, most: int) -> Rendered:
    """The page of a product as it is to be seen now, with at most so many coupons."""
    product, spoken = found.product(), words(found.shop.language)
    url = f"{settings.PUBLIC_URL}{found.shop.url}{product.listing_id}/"
    context = {
        "product": product,
        "picture": _own_picture(product),
        "rows": [_row(unit, spoken) for unit in product.units],
        "stamp": clock.rfc3339(found.stamp),
        "url": url,
        "data": json_ld(structured(product, url)),
        "coupons": [_coupon(one, spoken) for one in found.coupons()[:most]],
    }
    return _render("storefront/product.html", found.shop, spoken, context)


def front_page(found: FoundFront, most: int) -> Rendered:
    """A site's front page, with at most so many coupons."""
    shop, spoken = found.shop, words(found.shop.language)
    cards = [
        {
            "product": product,
            "picture": _own_picture(product),
            "url": f"{shop.url}{product.listing_id}/",
            "row": _row(product.cheapest, spoken) if product.cheapest else None,
            "price": _from(product, spoken),
        }
        for product in found.products
    ]
    coupons = [_coupon(one, spoken) for one in found.coupons[:most]]
    return _render(
        "storefront/front.html", shop, spoken, {"cards": cards, "going_on": found.going_on, "coupons": coupons}
    )


def gone_page(shop: Shop | None) -> Rendered:
    """What stands where a product was, or never was."""
    return _render("storefront/gone.html", shop, words(shop.language if shop else "en"), {})


def structured(product: Product, url: str) -> dict[str, Any]:
    """schema.org Product with one Offer per SKU, in SKU order: what a buyer pays now, availability, shipping."""
    data: dict[str, Any] = {
        "@context": _SCHEMA,
        "@type": "Product",
        "productID": str(product.listing_id),
        "name": product.title,
        "category": product.category,
        "url": url,
    }
    if product.brand:
        data["brand"] = {"@type": "Brand", "name": product.brand}
    if product.image:
        data["image"] = picture(product.image, absolute=True)
    shipping = {"@type": "OfferShippingDetails", "shippingLabel": product.shipping}
    data["offers"] = [
        {
            "@type": "Offer",
            "sku": unit.sku,
            "price": money.text(unit.price, unit.currency),
            "priceCurrency": unit.currency,
            "availability": f"{_SCHEMA}/{'InStock' if unit.in_stock else 'OutOfStock'}",
            "url": url,
            "shippingDetails": shipping,
        }
        for unit in product.units
    ]
    return data


def json_ld(data: dict[str, Any]) -> SafeString:
    """JSON that cannot leave its script element, whatever a title holds."""
    return mark_safe(orjson.dumps(data).decode().translate(_ESCAPES))  # noqa: S308 - every character HTML knows is escaped


def _row(unit: Unit, spoken: Words) -> dict[str, Any]:
    return {
        "sku": unit.sku,
        "price": _amount(unit.price, unit, spoken),
        "sale_price": _amount(unit.sale_price, unit, spoken) if unit.price < unit.sale_price else "",
        "in_stock": unit.in_stock,
    }


def _from(product: Product, spoken: Words) -> tuple[str, str, str]:
    """What stands before the lowest price, the price, and what stands after it: `from` and `起` stand on different sides."""
    unit = product.cheapest
    if unit is None:
        return "", "", ""
    price = _amount(unit.price, unit, spoken)
    if len({other.price for other in product.units}) == 1:
        return "", price, ""
    before, _, after = spoken.from_price.partition("{price}")
    return before, price, after


def _amount(amount: Decimal, unit: Unit, spoken: Words) -> str:
    return _written(amount, unit.currency, spoken.locale)


@lru_cache(maxsize=8192)
def _written(amount: Decimal, currency: str, locale: str) -> str:
    """An amount in the words of a language. Prices repeat, and writing one takes as long as a tenth of a page."""
    return str(format_currency(amount, currency, locale=locale))


def _coupon(coupon: Shown, spoken: Words) -> dict[str, Any]:
    """A coupon in a line: what it takes off from which amount on, its code, its end by the store's calendar, its conditions."""
    face = _written(coupon.face_value, coupon.currency, spoken.locale)
    least = _written(coupon.min_order, coupon.currency, spoken.locale)
    day = format_date(coupon.ends_at.astimezone(display.zone(coupon.zone)).date(), "medium", locale=spoken.locale)
    conditions = [spoken.until.format(day=day)]
    if coupon.first_order_only:
        conditions.append(spoken.first_order)
    if coupon.regions:
        names = Locale.parse(spoken.locale).territories
        conditions.append(format_list([names.get(code, code) for code in coupon.regions], locale=spoken.locale))
    return {
        "code": coupon.code,
        "terms": spoken.coupon.format(face=face, least=least),
        "conditions": " · ".join(conditions),
    }


def _own_picture(product: Product) -> str:
    """Pictures of other servers are named in the data, and not loaded: the pages ask no third party for anything."""
    address = picture(product.image)
    return address if address.startswith("/") else ""


def _render(name: str, shop: Shop | None, spoken: Words, context: dict[str, Any]) -> Rendered:
    body = (
        get_template(name).render({"shop": shop, "words": spoken, "css": static("shop/shop.css"), **context}).encode()
    )
    return Rendered(body, f'"{hashlib.sha256(body).hexdigest()[:32]}"', spoken.tag)
