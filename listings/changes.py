"""Reading a PATCH of a listing: what is named is proven, what is left out stays (R83)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Store
from core.errors import FieldError
from listings import drafts, fields
from listings.drafts import UNSAID, CleanSku, SkuData, Unsaid
from listings.fields import Findings
from listings.models import Category, Fulfilment, Listing, ListingState, Management, Sku
from listings.prices import PriceChange
from listings.states import sources
from policies.rules import ListingRules

_KNOWN = {
    "title", "titles", "category", "brand", "state", "management", "fulfilment", "logistics_template", "main_image", "skus",
}  # fmt: skip


@dataclass(slots=True)
class Changes:
    """A PATCH, proven. `plain` are columns of the listing; `sku_edits` are (code, cost, stock) with UNSAID and None for "as it is".

    `names_prices`: sale prices are named, whether or not they differ. `new_places`: where each of `new_skus` stands, such as `skus.2`.
    """

    plain: dict[str, Any] = field(default_factory=dict)
    category: Category | None = None
    brand: str | None = None
    put_on_sale: bool = False
    prices: list[PriceChange] = field(default_factory=list)
    names_prices: bool = False
    sku_edits: list[tuple[str, Decimal | None | Unsaid, int | None]] = field(default_factory=list)
    new_skus: list[CleanSku] = field(default_factory=list)
    new_places: list[str] = field(default_factory=list)

    @property
    def edits(self) -> bool:
        """Whether anything but sale prices is touched."""
        return bool(
            self.plain or self.category or self.brand is not None or self.put_on_sale or self.sku_edits or self.new_skus
        )


def read_changes(
    changes: Mapping[str, Any],
    listing: Listing,
    skus: Mapping[str, Sku],
    *,
    store: Store,
    categories: Mapping[str, Category],
    rules: ListingRules,
) -> tuple[Changes, list[FieldError]]:
    """Prove a PATCH against the listing as it stands; answers the changes and every error. `skus` are its SKUs by code."""
    read, findings = Changes(), Findings()
    for name in changes.keys() - _KNOWN:
        findings.add(str(name), "ERR_FIELD_UNKNOWN", _("There is no such field."))
    _texts(changes, read, findings, rules)
    if "category" in changes:
        read.category = findings.take(drafts.category_of(changes["category"], "category", categories), None)
    if "brand" in changes:
        read.brand = findings.take(fields.text(changes["brand"], "brand", longest=80), None)
    _state(changes, listing, read, findings)
    _management(changes, listing, read, findings)
    if "skus" in changes:
        _skus(changes["skus"], listing, skus, store, read, findings, rules)
    return read, findings.errors


def _texts(changes: Mapping[str, Any], read: Changes, findings: Findings, rules: ListingRules) -> None:
    if "title" in changes:
        longest = rules.title_max_length
        found = fields.text(changes["title"], "title", longest=longest, required="ERR_TITLE_MISSING")
        read.plain["title"] = findings.take(found, "")
    if "titles" in changes:
        read.plain["titles"], wrong = fields.titles(changes["titles"], "titles", rules)
        findings.errors.extend(wrong)
    if "logistics_template" in changes:
        found = fields.text(changes["logistics_template"], "logistics_template", longest=80)
        read.plain["logistics_template"] = findings.take(found, "")
    if "main_image" in changes:
        read.plain["main_image"] = findings.take(fields.image(changes["main_image"], "main_image"), "")


def _state(changes: Mapping[str, Any], listing: Listing, read: Changes, findings: Findings) -> None:
    """A PATCH can put goods on sale; taking them off is its own act with its own right."""
    wanted = changes.get("state", listing.state)
    if wanted == listing.state:
        return
    if wanted == ListingState.ON_SALE and listing.state in sources(Listing, ListingState.ON_SALE) - {
        ListingState.TAKEN_DOWN,
        ListingState.IN_REVIEW,
    }:
        read.put_on_sale = True
        return
    words = _("A listing that is “%(state)s” cannot become “%(wanted)s” here; to take goods off, delist them.")
    words = words % {"state": listing.get_state_display(), "wanted": fields.printable(str(wanted), 20)}
    findings.add("state", "ERR_LISTING_STATE", words)


def _management(changes: Mapping[str, Any], listing: Listing, read: Changes, findings: Findings) -> None:
    """Who sells is settled when a listing is made; the mode of fulfilment of fully-managed goods may change (R126)."""
    if changes.get("management", listing.management) != listing.management:
        findings.add("management", "ERR_MANAGEMENT", _("Who sells is settled when the listing is made."))
    if "fulfilment" not in changes:
        return
    value = changes["fulfilment"]
    if value not in (None, "") and listing.management != Management.FULLY_MANAGED:
        findings.add("fulfilment", "ERR_FULFILMENT_MODE", _("Only fully-managed goods have a fulfilment mode."))
    elif value in (None, ""):
        read.plain["fulfilment"] = None
    else:
        found = fields.choice(value, "fulfilment", Fulfilment.values, "ERR_FULFILMENT_MODE")
        read.plain["fulfilment"] = findings.take(found, "")


def _skus(
    value: object,
    listing: Listing,
    skus: Mapping[str, Sku],
    store: Store,
    read: Changes,
    findings: Findings,
    rules: ListingRules,
) -> None:
    if not isinstance(value, Sequence) or isinstance(value, str):
        findings.add("skus", "ERR_TYPE", _("This must be a list of SKUs."))
        return
    if len(value) > rules.skus_per_listing:
        most = {"most": rules.skus_per_listing}
        findings.add("skus", "ERR_ROWS_LIMIT", _("A listing has at most %(most)s SKUs.") % most)
        return
    currency = next((sku.currency for sku in skus.values()), store.currency)
    seen: set[str] = set()
    for index, row in enumerate(value):
        place = f"skus.{index}"
        if not isinstance(row, Mapping):
            findings.add(place, "ERR_TYPE", _("This must be a SKU with its fields."))
            continue
        for name in row.keys() - set(SkuData.__dataclass_fields__):
            findings.add(f"{place}.{name}", "ERR_FIELD_UNKNOWN", _("There is no such field."))
        code = row.get("sku")
        code = code.strip() if isinstance(code, str) else code
        if isinstance(code, str) and code in seen:
            findings.add(f"{place}.sku", "ERR_SKU_REPEATED", _("This SKU code is given twice."))
            continue
        held = skus.get(code) if isinstance(code, str) else None
        if held is not None:
            seen.add(held.code)
            _held_sku(row, held, place, read, findings, rules)
            continue
        _new_sku(row, place, currency, read, findings, rules)
        if isinstance(code, str):
            seen.add(code)
    findings.errors.extend(taken(store, read))
    if len(skus) + len(read.new_skus) > rules.skus_per_listing:
        most = {"most": rules.skus_per_listing}
        findings.add("skus", "ERR_ROWS_LIMIT", _("A listing has at most %(most)s SKUs.") % most)


def _new_sku(
    row: Mapping[str, Any],
    place: str,
    currency: str,
    read: Changes,
    findings: Findings,
    rules: ListingRules,
) -> None:
    known = {name: value for name, value in row.items() if name in SkuData.__dataclass_fields__}
    clean = drafts.sku(SkuData(**known), place, currency, rules, findings)
    if clean.currency != currency:
        words = _("All SKUs of a listing are priced in one currency.")
        findings.add(f"{place}.currency", "ERR_CURRENCY_MIXED", words)
    read.new_skus.append(clean)
    read.new_places.append(place)


def taken(store: Store, read: Changes) -> list[FieldError]:
    """Those of the new SKUs whose code the store has already; one query."""
    places = {row.code: place for row, place in zip(read.new_skus, read.new_places, strict=True) if row.code}
    held = Sku.objects.filter(store=store, code__in=list(places)).values_list("code", flat=True) if places else ()
    words = _("The SKU code “%(code)s” is in use in this store.")
    return [FieldError(f"{places[code]}.sku", "ERR_SKU_TAKEN", words % {"code": code}) for code in sorted(held)]


def _held_sku(
    row: Mapping[str, Any], sku: Sku, place: str, read: Changes, findings: Findings, rules: ListingRules
) -> None:
    if row.get("currency", sku.currency) not in (sku.currency, None, ""):
        words = _("The currency of a SKU stays as it was made: %(currency)s.") % {"currency": sku.currency}
        findings.add(f"{place}.currency", "ERR_CURRENCY_FIXED", words)
    if "sale_price" in row:
        read.names_prices = True
        before = len(findings.errors)
        price = drafts.amount(row["sale_price"], sku.currency, f"{place}.sale_price", findings, positive=True)
        if len(findings.errors) == before and price != sku.sale_price:
            read.prices.append(PriceChange(sku.pk, sku.listing_id, sku.code, sku.sale_price, price))
    cost: Decimal | None | Unsaid = UNSAID
    if "cost" in row:
        empty = row["cost"] in (None, "")
        cost = None if empty else drafts.amount(row["cost"], sku.currency, f"{place}.cost", findings, positive=False)
        cost = UNSAID if cost == sku.cost else cost
    stock: int | None = None
    if "stock" in row:
        found = fields.whole_number(row["stock"], f"{place}.stock", least=0, most=rules.max_stock)
        stock = findings.take(found, sku.stock)
        stock = None if stock == sku.stock else stock
    if cost is not UNSAID or stock is not None:
        read.sku_edits.append((sku.code, cost, stock))
