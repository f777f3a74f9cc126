"""What a buyer wants to buy, read from a request, and what the shop has of it."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from core import money
from core.prepared import Prepared
from coupons import reserving
from listings import fields
from listings.fields import Findings
from listings.models import ListingState, Sku
from policies.rules import OrderRules

_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_BUYER, _LOGISTICS, _COUPON, _SITE = 80, 20, 64, 20

#: The SKUs of a basket as they are now, with what some coupons hold back of them.
_GOODS = Prepared(
    f"""
    SELECT s.code, s.id, s.listing_id, s.sale_price, s.currency, s.stock - s.reserved, {reserving.HELD}, l.state
    FROM listings_sku s JOIN listings_listing l ON l.id = s.listing_id
    WHERE s.store_id = %(store)s AND s.code = ANY(%(codes)s)
    """,  # noqa: S608  # composed of constants
    [("store", "bigint"), ("codes", "text[]"), ("ids", "bigint[]")],
)


@dataclass(frozen=True, slots=True)
class Line:
    """One line as asked for. `price` is what was paid where there is no quote."""

    sku: str
    quantity: int
    price: object = None


@dataclass(frozen=True, slots=True)
class Basket:
    """A basket as asked for; its texts and quantities are clean, its SKUs not looked up yet."""

    buyer: str
    country: str
    logistics: str
    currency: str
    lines: tuple[Line, ...]
    coupons: tuple[str, ...]
    site: str = ""
    """Where the buyer is, for coupons of some sites only; empty where nobody says."""


@dataclass(frozen=True, slots=True)
class Good:
    """A line with what the shop has: the SKU's row as it is now."""

    line: Line
    sku_id: int
    listing_id: int
    sale_price: Decimal
    currency: str
    available: int
    on_sale: bool
    held: int = 0
    """Of the available units those that the buyer's coupons hold back."""


def read_basket(data: Mapping[str, Any], *, priced: bool, findings: Findings, now: datetime) -> Basket:
    """Read a basket from a request body; what is wrong goes to `findings`. `priced` lines must say what was paid."""
    rules = policies.active(OrderRules, now)
    country = findings.take(fields.text(data.get("country"), "country", longest=80), "").upper()
    if country and not _COUNTRY.fullmatch(country):
        findings.add("country", "ERR_COUNTRY", _("Write the country as two letters of ISO 3166, such as US."))
    currency = str(data.get("currency") or "").strip().upper()
    if currency and currency not in money.currencies():
        findings.add("currency", "ERR_CURRENCY_UNKNOWN", _("A currency code of ISO 4217, such as USD."))
    return Basket(
        buyer=findings.take(fields.text(data.get("buyer"), "buyer", longest=_BUYER), ""),
        country=country,
        logistics=findings.take(fields.text(data.get("logistics"), "logistics", longest=_LOGISTICS), ""),
        currency=currency,
        lines=tuple(_lines(data.get("lines"), rules, priced, findings)),
        coupons=tuple(_coupons(data.get("coupons"), rules, findings)),
        site=findings.take(fields.text(data.get("site"), "site", longest=_SITE), ""),
    )


def _lines(value: object, rules: OrderRules, priced: bool, findings: Findings) -> list[Line]:
    if not isinstance(value, Sequence) or isinstance(value, str) or not value:
        findings.add("lines", "ERR_BASKET_EMPTY", _("A basket needs at least one line with a SKU and a quantity."))
        return []
    if len(value) > rules.max_lines:
        words = {"most": rules.max_lines, "given": len(value)}
        findings.add("lines", "ERR_BASKET_SIZE", _("At most %(most)s lines; these are %(given)s.") % words)
        return []
    lines = []
    for position, row in enumerate(value):
        place = f"lines.{position}"
        if not isinstance(row, Mapping):
            findings.add(place, "ERR_TYPE", _("A line is an object with a SKU and a quantity."))
            continue
        sku = findings.take(fields.text(row.get("sku"), f"{place}.sku", longest=200, required="ERR_SKU_MISSING"), "")
        quantity = findings.take(
            fields.whole_number(
                row.get("quantity"), f"{place}.quantity", least=1, most=rules.max_quantity, code="ERR_ORDER_QUANTITY"
            ),
            0,
        )
        price = row.get("unit_price")
        if priced and price is None:
            findings.add(f"{place}.unit_price", "ERR_UNIT_PRICE", _("Without a quote each line says what was paid."))
        lines.append(Line(sku, quantity, price))
    return lines


def _coupons(value: object, rules: OrderRules, findings: Findings) -> list[str]:
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        findings.add("coupons", "ERR_TYPE", _("This must be a list of coupon codes."))
        return []
    if len(value) > rules.max_coupons:
        words = {"most": rules.max_coupons, "given": len(value)}
        findings.add("coupons", "ERR_BASKET_SIZE", _("At most %(most)s coupons; these are %(given)s.") % words)
        return []
    found = (fields.text(code, f"coupons.{n}", longest=_COUPON) for n, code in enumerate(value))
    return [code for code in (findings.take(text, "") for text in found) if code]


def look_up(store: Store, lines: Sequence[Line], *, coupons: Collection[int] = ()) -> dict[str, Good]:
    """The SKUs of these lines by code, in one query. Units that these coupons hold back can be had, too (R59)."""
    first = {line.sku: line for line in reversed(lines)}
    rows = _GOODS.rows({"store": store.pk, "codes": list(first), "ids": list(coupons)})
    return {
        code: Good(first[code], pk, listing, price, currency, max(0, free + held), state == ListingState.ON_SALE, held)
        for code, pk, listing, price, currency, free, held, state in rows
    }


def lock_up(store: Store, lines: Sequence[Line], *, coupons: Collection[int] = ()) -> dict[str, Good]:
    """The same with their rows held, in the order of their ids; what coupons hold is read once they are: one query more with coupons."""
    first = {line.sku: line for line in reversed(lines)}
    rows = Sku.objects.filter(store=store, code__in=list(first)).select_related("listing")
    found = list(rows.select_for_update(of=("self",), no_key=True).order_by("id"))
    held = reserving.held(coupons, [sku.pk for sku in found])
    return {
        sku.code: Good(
            line=first[sku.code],
            sku_id=sku.id,
            listing_id=sku.listing_id,
            sale_price=sku.sale_price,
            currency=sku.currency,
            available=max(0, sku.stock - sku.reserved + held[sku.pk]),
            held=held[sku.pk],
            on_sale=sku.listing.state == ListingState.ON_SALE,
        )
        for sku in found
    }


def check_goods(basket: Basket, known: Mapping[str, Good], findings: Findings, *, for_sale: bool = True) -> str:
    """Note every line that cannot be sold: unknown, another currency, and with `for_sale` not on sale or not in stock.

    Lines of the same SKU share its stock. Answers the basket's currency.
    """
    currency = basket.currency or next((known[line.sku].currency for line in basket.lines if line.sku in known), "")
    wanted = Counter[str]()
    for line in basket.lines:
        wanted[line.sku] += line.quantity
    for position, line in enumerate(basket.lines):
        place, good = f"lines.{position}", known.get(line.sku)
        if not line.sku:
            continue
        if good is None:
            findings.add(f"{place}.sku", "ERR_SKU_UNKNOWN", _("This store has no such SKU."))
        elif good.currency != currency:
            words = {"sku": line.sku, "currency": good.currency, "others": currency}
            findings.add(
                f"{place}.sku",
                "ERR_ORDER_CURRENCY",
                _("%(sku)s is sold in %(currency)s, the others in %(others)s.") % words,
            )
        elif for_sale and not good.on_sale:
            findings.add(f"{place}.sku", "ERR_SKU_NOT_ON_SALE", _("%(sku)s is not on sale.") % {"sku": line.sku})
        elif for_sale and wanted[line.sku] > good.available:
            figures = {"sku": line.sku, "available": good.available, "wanted": wanted[line.sku]}
            findings.add(
                f"{place}.quantity",
                "ERR_STOCK",
                _("%(available)s of %(sku)s can be had; %(wanted)s were asked for.") % figures,
            )
    return currency
