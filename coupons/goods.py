"""The goods of a pool before there is a coupon: read as people name them, and measured in one query whatever their number (R54, R56)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Store
from core.errors import FieldError
from coupons.inputs import PoolInput
from coupons.pool import PROPOSED, Pool, proposed
from listings import fields
from listings.fields import printable
from listings.models import Brand, Category, Listing, Management, Sku
from policies.rules import CouponRules

_BIGGEST = 2**63 - 1
#: Everything that creation asks of the goods. `mine` are those that count: run by the merchant, in the coupon's currency; `sold` leaves
#: out what was taken off the shelf. The sub-selects name the cheapest, so that a refusal can say which item it is about.
FACTS = f"""
    WITH pool AS MATERIALIZED (
        SELECT s.id, s.code, s.sale_price AS price, s.cost, s.currency, greatest(s.stock - s.reserved, 0) AS available,
            l.id AS listing_id, l.state, l.management
        {PROPOSED}
    ), sold AS (
        SELECT *, price - cost AS margin FROM pool
        WHERE management = 'self' AND currency = %(currency)s AND state NOT IN ('delisted', 'taken_down')
    )
    SELECT
        (SELECT count(*) FROM pool WHERE management <> 'self'),
        (SELECT count(*) FROM pool WHERE management = 'self' AND currency <> %(currency)s),
        count(*), count(DISTINCT listing_id), min(price), avg(price),
        avg(price) FILTER (WHERE cost IS NOT NULL), avg(cost), min(margin),
        count(*) FILTER (WHERE state = 'on_sale'),
        count(*) FILTER (WHERE state = 'on_sale' AND available > 0),
        count(*) FILTER (WHERE state = 'on_sale' AND available > %(quota)s),
        count(*) FILTER (WHERE price * %(share)s < %(face)s * 100),
        count(*) FILTER (WHERE margin * 100 < price * %(low)s OR (margin - %(face)s) * 100 < price * %(advised)s),
        count(*) FILTER (WHERE margin < %(face)s),
        (SELECT array_agg(code) FROM (SELECT code FROM sold ORDER BY price, id LIMIT %(sample)s) x),
        (SELECT array_agg(code) FROM (
            SELECT code FROM sold WHERE margin * 100 < price * %(low)s OR (margin - %(face)s) * 100 < price * %(advised)s
            ORDER BY margin / price, id LIMIT %(sample)s) x),
        (SELECT array_agg(code) FROM (
            SELECT code FROM sold WHERE margin < %(face)s ORDER BY margin, id LIMIT %(sample)s) x)
    FROM sold
"""  # noqa: S608  # composed of constants


@dataclass(frozen=True, slots=True)
class Goods:
    """What a pool holds. Prices and costs in the coupon's currency; averages over its SKUs, None where there are none.

    `managed` and `foreign` count what is left out: goods of the platform (R127), goods priced in another currency. `too_cheap` have a
    price of which the face value is too large a share (R56); `low_margin` are those R82 speaks of, before or after the coupon.
    """

    managed: int = 0
    foreign: int = 0
    skus: int = 0
    listings: int = 0
    cheapest: Decimal | None = None
    average: Decimal | None = None
    average_priced: Decimal | None = None
    average_cost: Decimal | None = None
    least_margin: Decimal | None = None
    on_sale: int = 0
    in_stock: int = 0
    in_stock_after: int = 0
    too_cheap: int = 0
    low_margin: int = 0
    below_cost: int = 0
    some_cheapest: Sequence[str] = ()
    some_low_margin: Sequence[str] = ()
    some_below_cost: Sequence[str] = ()

    @property
    def margin_percent(self) -> Decimal | None:
        """Average gross margin of the goods whose cost is known."""
        if self.average_cost is None or not self.average_priced:
            return None
        return (self.average_priced - self.average_cost) * 100 / self.average_priced

    @property
    def in_stock_percent(self) -> Decimal | None:
        """How many of the SKUs on sale have stock."""
        return Decimal(self.in_stock) * 100 / self.on_sale if self.on_sale else None

    @property
    def in_stock_percent_after(self) -> Decimal | None:
        """The same for everybody else, once the coupon's stock is held back (R59)."""
        return Decimal(self.in_stock_after) * 100 / self.on_sale if self.on_sale else None


def read(store: Store, given: PoolInput, rules: CouponRules) -> tuple[Pool, list[FieldError]]:
    """Look the named things up: at most one query a kind. Fully-managed goods named one by one are refused (R127)."""
    if not given:
        return Pool(), [FieldError("pool", "ERR_REQUIRED", _("Choose products: by listing, category or brand."))]
    if len(given) > rules.max_pool_rows:
        words = _("At most %(n)s listings, categories and brands can be named one by one; name a category instead.")
        return Pool(), [FieldError("pool", "ERR_TOO_MANY_ITEMS", words % {"n": rules.max_pool_rows})]
    errors: list[FieldError] = []
    listings = _listings(store, given.listings, errors) + _skus(store, given.skus, errors)
    asked = {kind: [name for name in getattr(given, kind) if _storable(name)] for kind in ("categories", "brands")}
    categories = _named(
        "categories", given.categories, dict(Category.objects.filter(code__in=asked["categories"]).values_list("code", "id"))
        if asked["categories"] else {}, "ERR_CATEGORY_UNKNOWN", _("There is no category “%(name)s”."), errors,
    )  # fmt: skip
    brands = _named(
        "brands", given.brands, dict(Brand.objects.filter(store=store, name__in=asked["brands"]).values_list("name", "id"))
        if asked["brands"] else {}, "ERR_BRAND_UNKNOWN", _("This store has no brand “%(name)s”."), errors,
    )  # fmt: skip
    return Pool(tuple(dict.fromkeys(listings)), tuple(categories), tuple(brands)), errors


def _id(value: Any) -> int | None:
    """A listing's id as a number or as digits."""
    if isinstance(value, bool) or not isinstance(value, int | str):
        return None
    text = str(value).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= _BIGGEST else None


def _storable(name: Any) -> bool:
    """Whether the database can hold it as text: what it cannot, nobody is called."""
    return isinstance(fields.text(name, "", longest=400), str)


def _listings(store: Store, given: Sequence[Any], errors: list[FieldError]) -> list[int]:
    if not given:
        return []
    ids = [_id(value) for value in given]
    rows = Listing.objects.filter(store=store, pk__in=[one for one in ids if one is not None])
    known = {pk: (management, title) for pk, management, title in rows.values_list("id", "management", "title")}
    good = []
    for place, (value, pk) in enumerate(zip(given, ids, strict=True)):
        if pk is None or pk not in known:
            words = _("This store has no listing %(id)s.") % {"id": str(value)[:40]}
            errors.append(FieldError(f"pool.listings.{place}", "ERR_LISTING_UNKNOWN", words))
        elif known[pk][0] == Management.FULLY_MANAGED:
            errors.append(_managed(f"pool.listings.{place}", known[pk][1]))
        else:
            good.append(pk)
    return good


def _skus(store: Store, given: Sequence[str], errors: list[FieldError]) -> list[int]:
    if not given:
        return []
    rows = Sku.objects.filter(store=store, code__in=[code for code in given if _storable(code)])
    known = {
        code: (listing, management)
        for code, listing, management in rows.values_list("code", "listing_id", "listing__management")
    }
    good = []
    for place, code in enumerate(given):
        if code not in known:
            words = _("This store has no SKU “%(sku)s”.") % {"sku": printable(code)}
            errors.append(FieldError(f"pool.skus.{place}", "ERR_SKU_UNKNOWN", words))
        elif known[code][1] == Management.FULLY_MANAGED:
            errors.append(_managed(f"pool.skus.{place}", code))
        else:
            good.append(known[code][0])
    return good


def _named(
    kind: str, given: Sequence[str], known: dict[str, int], code: str, words: str, errors: list[FieldError]
) -> list[int]:
    for place, name in enumerate(given):
        if name not in known:
            errors.append(FieldError(f"pool.{kind}.{place}", code, words % {"name": printable(str(name))}))
    return [known[name] for name in dict.fromkeys(given) if name in known]


def _managed(where: str, name: str) -> FieldError:
    words = _("%(sku)s is fully managed: the platform does its marketing.") % {"sku": name[:80]}
    return FieldError(where, "ERR_FULLY_MANAGED", words)


def measure(
    store: Store, pool: Pool, currency: str, rules: CouponRules, *, face: Decimal | None, quota: int | None
) -> Goods:
    """Measure the pool against a face value and a quota (None: not known yet); one query, also for 100,000 SKUs."""
    if not pool:
        return Goods()
    given = proposed(store, pool) | {
        "currency": currency,
        "face": face,
        "quota": quota or 0,
        "share": rules.max_face_percent,
        "low": rules.low_margin_percent,
        "advised": rules.advised_margin_percent,
        "sample": rules.warning_sample,
    }
    with connection.cursor() as cursor:
        cursor.execute(FACTS.replace("%(face)s", "%(face)s::numeric"), given)
        row = cursor.fetchone()
    return Goods(*row[:-3], *(tuple(names or ()) for names in row[-3:]))
