"""Reading one row of a catalogue file: which columns it may have, and what makes a row good (R83, R90)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache

from django.utils.translation import gettext as _

from core import money
from core.errors import FieldError
from listings import fields
from listings.models import Category
from listings.tabular import Column
from policies.rules import ImportRules, ListingRules

COLUMNS = (
    Column("sku", ("SKU code", "SKU编码", "商品编码", "货号"), required=True),
    Column("sale_price", ("price", "销售价", "价格"), required=True),
    Column("title", ("name", "标题", "商品标题", "商品名称")),
    Column("title_zh", ("中文标题",)),
    Column("title_en", ("英文标题",)),
    Column("currency", ("币种",)),
    Column("cost", ("成本", "成本价")),
    Column("stock", ("库存",)),
    Column("category", ("类目",)),
    Column("brand", ("品牌",)),
)

#: Columns of the staging table, in the order of `Good`.
STAGED = (
    ("sku", 'text COLLATE "C"'), ("sale_price", "numeric"), ("title", "text"), ("title_zh", "text"), ("title_en", "text"),
    ("currency", "text"), ("cost", "numeric"), ("stock", "integer"), ("category", "text"), ("brand", "text"),
)  # fmt: skip

Good = tuple[str, Decimal, str | None, str | None, str | None, str, Decimal | None, int | None, str | None, str | None]
_CACHED = 1 << 16


@dataclass(frozen=True, slots=True)
class Defaults:
    """What holds where the file is silent. `category` and `stock` are for new listings only."""

    currency: str
    category: str = ""
    stock: int = 0


@dataclass
class RowReader:
    """Reads rows into staging values. Repeated values are proven once: a file of half a million rows has few different prices."""

    places: Mapping[str, int]
    defaults: Defaults
    categories: Mapping[str, Category]
    rules: ListingRules
    limits: ImportRules
    _order: Sequence[int] = field(init=False)

    def __post_init__(self) -> None:
        self._order = [self.places.get(name, -1) for name, _ in STAGED]
        self._sku = lru_cache(_CACHED)(lambda raw: fields.sku_code(raw, "sku", self.rules))
        self._price = lru_cache(_CACHED)(self._price_of)
        self._amount = lru_cache(_CACHED)(lambda raw, unit: money.parse(raw, unit, "cost"))
        self._title = lru_cache(_CACHED)(self._text_of)
        self._category = lru_cache(1024)(lambda raw: self._category_of(raw))

    def read(self, cells: Sequence[str]) -> Good | FieldError:
        """The values of a row, None where its cell is empty; or the first thing that is wrong with it."""
        sku_at, price_at, title_at, zh_at, en_at, currency_at, cost_at, stock_at, category_at, brand_at = self._order
        sku = self._sku(cells[sku_at])
        if isinstance(sku, FieldError):
            return sku
        currency = self.defaults.currency
        if currency_at >= 0 and (said := cells[currency_at].strip()):
            found = fields.currency_code(said.upper(), "currency")
            if isinstance(found, FieldError):
                return found
            currency = found
        price = self._price(cells[price_at].strip(), currency)
        if isinstance(price, FieldError):
            return price
        titles: list[str | None] = []
        for at, name in ((title_at, "title"), (zh_at, "title_zh"), (en_at, "title_en")):
            title = self._title(cells[at], name) if at >= 0 else None
            if isinstance(title, FieldError):
                return title
            titles.append(title or None)
        rest = self._rest(cells, currency, cost_at, stock_at, category_at, brand_at)
        if isinstance(rest, FieldError):
            return rest
        return (sku, price, titles[0], titles[1], titles[2], currency, *rest)

    def _rest(
        self, cells: Sequence[str], currency: str, cost_at: int, stock_at: int, category_at: int, brand_at: int
    ) -> tuple[Decimal | None, int | None, str | None, str | None] | FieldError:
        cost: Decimal | FieldError | None = None
        if cost_at >= 0 and (said := cells[cost_at].strip()):
            cost = self._amount(said, currency)
        stock: int | FieldError | None = None
        if stock_at >= 0 and (said := cells[stock_at].strip()):
            stock = fields.whole_number(said, "stock", least=0, most=self.rules.max_stock)
        category: str | FieldError | None = None
        if category_at >= 0 and (said := cells[category_at].strip()):
            category = self._category(said)
        brand: str | FieldError | None = None
        if brand_at >= 0 and (said := cells[brand_at].strip()):
            brand = fields.text(said, "brand", longest=80)
        for value in (cost, stock, category, brand):
            if isinstance(value, FieldError):
                return value
        return cost, stock, category, brand  # type: ignore[return-value]  # no FieldError among them: see the loop

    def _price_of(self, raw: str, currency: str) -> Decimal | FieldError:
        if not raw:
            return FieldError("sale_price", "ERR_MONEY_FORMAT", _("The price is empty."))
        return money.parse(raw, currency, "sale_price", positive=True)

    def _text_of(self, raw: str, name: str) -> str | FieldError:
        return fields.text(raw, name, longest=self.rules.title_max_length)

    def _category_of(self, raw: str) -> str | FieldError:
        known = self.categories.get(raw) or self.categories.get(raw.lower())
        if known is None:
            known = next((row for row in self.categories.values() if raw in (row.name, row.name_zh)), None)
        if known is not None:
            return known.code
        words = _("“%(text)s” is not a code of the category tree.") % {"text": fields.printable(raw, 40)}
        return FieldError("category", "ERR_CATEGORY_UNKNOWN", words)
