"""What a listing is made of, as it arrives and as it is once proven. Every broken rule comes back at once (R83, R90)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from typing import Any

from django.utils.translation import gettext as _

from core import money
from core.errors import FieldError, InvalidInput
from listings import fields
from listings.fields import Findings
from listings.models import Category, Fulfilment, ListingState, Management
from policies.rules import ListingRules


class Unsaid(Enum):
    """A field that was left out, where null would mean something else."""

    UNSAID = "unsaid"


UNSAID = Unsaid.UNSAID


@dataclass(frozen=True, slots=True)
class SkuData:
    """One SKU as it arrives. `sale_price` and `cost` are text; `currency` empty means the store's."""

    sku: object = ""
    sale_price: object = None
    currency: object = None
    cost: object = None
    stock: object = 0


@dataclass(frozen=True, slots=True)
class ListingData:
    """A new listing as it arrives; names and meaning are those of the REST API."""

    title: object = ""
    category: object = ""
    skus: Sequence[SkuData] = ()
    titles: object = None
    brand: object = ""
    state: object = ListingState.ON_SALE.value
    management: object = Management.SELF.value
    fulfilment: object = None
    logistics_template: object = ""
    main_image: object = ""

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> ListingData:
        """Read a JSON body. Raises InvalidInput for names that do not exist: a typing error must not pass silently."""
        known = set(cls.__dataclass_fields__)
        wrong = [
            FieldError(str(name), "ERR_FIELD_UNKNOWN", _("There is no such field.")) for name in body.keys() - known
        ]
        skus = body.get("skus", ())
        rows: list[SkuData] = []
        if not isinstance(skus, Sequence) or isinstance(skus, str):
            wrong.append(FieldError("skus", "ERR_TYPE", _("This must be a list of SKUs.")))
            skus = ()
        for index, row in enumerate(skus):
            found = _sku_of(row, f"skus.{index}")
            if isinstance(found, SkuData):
                rows.append(found)
            else:
                wrong.extend(found)
        if wrong:
            raise InvalidInput(_("The listing cannot be read."), wrong)
        return cls(**{name: value for name, value in body.items() if name != "skus"}, skus=rows)


def _sku_of(row: object, place: str) -> SkuData | list[FieldError]:
    if not isinstance(row, Mapping):
        return [FieldError(place, "ERR_TYPE", _("This must be a SKU with its fields."))]
    unknown = row.keys() - set(SkuData.__dataclass_fields__)
    if unknown:
        return [FieldError(f"{place}.{name}", "ERR_FIELD_UNKNOWN", _("There is no such field.")) for name in unknown]
    return SkuData(**row)


@dataclass(slots=True)
class CleanSku:
    """One SKU, proven."""

    code: str
    sale_price: Decimal
    currency: str
    cost: Decimal | None
    stock: int


@dataclass(slots=True)
class CleanListing:
    """A new listing, proven; what only the database knows (codes taken, quota) is not yet."""

    title: str
    titles: dict[str, str]
    category: Category | None
    brand: str
    state: str
    management: str
    fulfilment: str | None
    logistics_template: str
    main_image: str
    skus: list[CleanSku] = field(default_factory=list)


def category_of(value: object, name: str, known: Mapping[str, Category]) -> Category | FieldError:
    """A category by its code. `known` is the tree by code."""
    found = known.get(value) if isinstance(value, str) else None
    if found is not None:
        return found
    shown = fields.printable(str(value), 40)
    return FieldError(
        name, "ERR_CATEGORY_UNKNOWN", _("“%(text)s” is not a code of the category tree.") % {"text": shown}
    )


def sku(row: SkuData, place: str, currency: str, rules: ListingRules, findings: Findings) -> CleanSku:
    """Prove one SKU; errors go to `findings` under `place`, such as `skus.0`."""
    code = findings.take(fields.sku_code(row.sku, f"{place}.sku", rules), "")
    unit = currency
    if row.currency not in (None, ""):
        unit = findings.take(fields.currency_code(row.currency, f"{place}.currency"), currency)
    price = amount(row.sale_price, unit, f"{place}.sale_price", findings, positive=True)
    cost = None
    if row.cost not in (None, ""):
        cost = amount(row.cost, unit, f"{place}.cost", findings, positive=False)
    stock = findings.take(fields.whole_number(row.stock, f"{place}.stock", least=0, most=rules.max_stock), 0)
    return CleanSku(code, price, unit, cost, stock)


def amount(value: object, currency: str, name: str, findings: Findings, *, positive: bool) -> Decimal:
    """An amount in `currency`; errors go to `findings` under `name`, and 0 stands for the value."""
    if value is None or isinstance(value, bool) or not isinstance(value, str | int | Decimal) or value == "":
        findings.add(name, "ERR_MONEY_FORMAT", _("Write an amount as text, such as 12.50."))
        return Decimal(0)
    return findings.take(money.parse(value, currency, name, positive=positive), Decimal(0))


def prove(
    data: ListingData, *, currency: str, categories: Mapping[str, Category], rules: ListingRules
) -> tuple[CleanListing, list[FieldError]]:
    """Prove a new listing, all fields; answers the clean listing and every error. `currency` is the store's."""
    findings = Findings()
    titles, wrong = fields.titles(data.titles, "titles", rules)
    findings.errors.extend(wrong)
    category = findings.take(category_of(data.category, "category", categories), None)
    management = findings.take(
        fields.choice(data.management, "management", Management.values, "ERR_MANAGEMENT"), Management.SELF.value
    )
    clean = CleanListing(
        title=findings.take(
            fields.text(data.title, "title", longest=rules.title_max_length, required="ERR_TITLE_MISSING"), ""
        ),
        titles=titles,
        category=category,
        brand=findings.take(fields.text(data.brand, "brand", longest=80), ""),
        state=findings.take(
            fields.choice(
                data.state, "state", {ListingState.ON_SALE.value, ListingState.DRAFT.value}, "ERR_LISTING_STATE"
            ),
            ListingState.DRAFT.value,
        ),
        management=management,
        fulfilment=_fulfilment(data.fulfilment, management, findings),
        logistics_template=findings.take(fields.text(data.logistics_template, "logistics_template", longest=80), ""),
        main_image=findings.take(fields.image(data.main_image, "main_image"), ""),
    )
    if not data.skus:
        findings.add("skus", "ERR_SKU_MISSING", _("A listing has at least one SKU."))
    elif len(data.skus) > rules.skus_per_listing:
        most = {"most": rules.skus_per_listing}
        findings.add("skus", "ERR_ROWS_LIMIT", _("A listing has at most %(most)s SKUs.") % most)
        return clean, findings.errors
    clean.skus = [sku(row, f"skus.{index}", currency, rules, findings) for index, row in enumerate(data.skus)]
    one_currency_and_once(clean.skus, findings)
    return clean, findings.errors


def _fulfilment(value: object, management: str, findings: Findings) -> str | None:
    """Stock ahead or JIT belong to fully-managed goods only (R126)."""
    if value in (None, ""):
        return None
    found = findings.take(fields.choice(value, "fulfilment", Fulfilment.values, "ERR_FULFILMENT_MODE"), "")
    if found and management != Management.FULLY_MANAGED:
        findings.add("fulfilment", "ERR_FULFILMENT_MODE", _("Only fully-managed goods have a fulfilment mode."))
    return found or None


def one_currency_and_once(skus: Sequence[CleanSku], findings: Findings) -> None:
    """Within a listing a code stands once, and all prices are in one currency."""
    seen: set[str] = set()
    for index, row in enumerate(skus):
        if row.code and row.code in seen:
            findings.add(f"skus.{index}.sku", "ERR_SKU_REPEATED", _("This SKU code is given twice."))
        seen.add(row.code)
        if row.currency != skus[0].currency:
            findings.add(
                f"skus.{index}.currency", "ERR_CURRENCY_MIXED", _("All SKUs of a listing are priced in one currency.")
            )
