"""Reading one row of an order file: one line of one order."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import lru_cache

from django.utils.translation import gettext as _

from core import money
from core.errors import FieldError
from listings import fields
from listings.moments import Moments
from listings.tabular import Column
from orders.countries import country_code
from policies.rules import ImportRules, ListingRules, OrderRules

COLUMNS = (
    Column("order", ("order code", "订单号", "订单编号"), required=True),
    Column("sku", ("SKU code", "SKU编码", "商品编码", "货号"), required=True),
    Column("quantity", ("数量",), required=True),
    Column("placed_at", ("下单时间",), required=True),
    Column("unit_price", ("price", "单价", "成交价"), required=True),
    Column("buyer", ("买家",)),
    Column("country", ("国家", "国家/地区")),
    Column("currency", ("币种",)),
    Column("list_price", ("销售价", "标价")),
)
#: Columns of the staging table, in the order of `Good`. `owner` is the order's code, `amount` quantity × unit price.
STAGED = (
    ("owner", 'text COLLATE "C"'), ("sku", 'text COLLATE "C"'), ("quantity", "integer"), ("placed_at", "timestamptz"),
    ("unit_price", "numeric"), ("buyer", "text"), ("country", "text"), ("currency", "text"), ("list_price", "numeric"),
    ("amount", "numeric"),
)  # fmt: skip
Good = tuple[str, str, int, datetime, Decimal, str, str, str, Decimal, Decimal]
_CACHED = 1 << 16
_FLOAT_ID = re.compile(r"(\d{1,30})\.0+", re.ASCII)
_LARGEST_LINE = Decimal(10) ** 11


@dataclass(slots=True)
class Refusal:
    """Why a row is refused, with the order it names and what it is worth, as far as either can be read."""

    problem: FieldError
    order: str = ""
    amount: Decimal | None = None


@dataclass
class RowReader:
    """Reads rows into staging values. Repeated values are proven once."""

    places: Mapping[str, int]
    currency: str
    moments: Moments
    skus: ListingRules
    orders: OrderRules
    limits: ImportRules
    unknown_countries: dict[str, int] = field(default_factory=dict)
    unread_amounts: int = 0
    total: Decimal = Decimal(0)

    def __post_init__(self) -> None:
        self._sku = lru_cache(_CACHED)(lambda raw: fields.sku_code(raw, "sku", self.skus))
        self._price = lru_cache(_CACHED)(self._price_of)
        self._number = lru_cache(_CACHED)(_number)
        self._quantity = lru_cache(_CACHED)(self._quantity_of)
        self._buyer = lru_cache(_CACHED)(self._buyer_of)
        self._at = [self.places.get(column.field, -1) for column in COLUMNS]
        self._book_entries = (
            (
                self.limits.cancellation_prefix,
                "ERR_ORDER_CANCELLATION",
                _("A cancellation takes an earlier order back."),
            ),
            (self.limits.adjustment_prefix, "ERR_ORDER_ADJUSTMENT", _("A book entry; nobody bought anything.")),
        )

    def read(self, cells: Sequence[str]) -> Good | Refusal:
        """The values of a row, or the first thing that is wrong with it. Its worth goes into `total` either way."""
        order_at, sku_at, quantity_at, placed_at, price_at, buyer_at, country_at, currency_at, list_at = self._at
        order = cells[order_at].strip()
        amount = self._worth(cells[quantity_at], cells[price_at])
        problem = self._order_problem(order)
        if problem is not None:
            return Refusal(problem, order[:64], amount)
        currency = self._currency_of(cells[currency_at]) if currency_at >= 0 else self.currency
        quantity, sku = self._quantity(cells[quantity_at]), self._sku(cells[sku_at])
        if isinstance(currency, FieldError):
            return Refusal(currency, order, amount)
        price = self._price(cells[price_at], currency, "unit_price")
        moment = self.moments.read(cells[placed_at])
        buyer = self._buyer(cells[buyer_at]) if buyer_at >= 0 else ""
        raw_list = cells[list_at].strip() if list_at >= 0 else ""
        list_price = self._price(raw_list, currency, "list_price") if raw_list else price
        for value in (quantity, price, sku, moment, buyer, list_price):
            if isinstance(value, FieldError):
                return Refusal(value, order, amount)
        country = self._country(cells[country_at]) if country_at >= 0 else ""
        return (order, sku, quantity, moment, price, buyer, country, currency, list_price, amount or Decimal(0))  # type: ignore[return-value]  # see the loop

    def worth(self, cells: Sequence[str]) -> Decimal | None:
        """What a row is worth that cannot be read as one."""
        quantity_at, price_at = self.places["quantity"], self.places["unit_price"]
        if max(quantity_at, price_at) >= len(cells):
            self.unread_amounts += 1
            return None
        return self._worth(cells[quantity_at], cells[price_at])

    def _worth(self, quantity: str, price: str) -> Decimal | None:
        """Quantity × price of any row, good or not, so that the sums of the file can be checked."""
        units, unit_price = self._number(quantity), self._number(price)
        if units is None or unit_price is None:
            self.unread_amounts += 1
            return None
        amount = units * unit_price
        if abs(amount) > _LARGEST_LINE:
            self.unread_amounts += 1
            return None
        self.total += amount
        return amount

    def _order_problem(self, order: str) -> FieldError | None:
        if not order or len(order) > 64 or not order.isprintable():
            return FieldError("order", "ERR_ORDER_CODE", _("The order's code is missing, too long or not printable."))
        for prefix, code, words in self._book_entries:
            rest = order[len(prefix) :]
            if prefix and order.startswith(prefix) and rest.isascii() and rest.isdigit():
                return FieldError("order", code, words)
        return None

    def _quantity_of(self, raw: str) -> int | FieldError:
        most = self.orders.max_quantity
        return fields.whole_number(raw.strip(), "quantity", least=1, most=most, code="ERR_ORDER_QUANTITY")

    def _price_of(self, raw: str, currency: str, name: str) -> Decimal | FieldError:
        return money.parse(raw.strip(), currency, name, positive=True)

    def _currency_of(self, raw: str) -> str | FieldError:
        return fields.currency_code(raw.strip().upper(), "currency") if raw.strip() else self.currency

    def _buyer_of(self, raw: str) -> str | FieldError:
        """A buyer's id; `17850.0`, as spreadsheets write numbers, is `17850`."""
        text = raw.strip()
        if found := _FLOAT_ID.fullmatch(text):
            return found[1]
        if len(text) > 80 or not text.isprintable():
            return FieldError("buyer", "ERR_ORDER_BUYER", _("The buyer is too long or not printable."))
        return text

    def _country(self, raw: str) -> str:
        code = country_code(raw.strip())
        if not code and raw.strip():
            shown = fields.printable(raw.strip(), 40)
            if shown in self.unknown_countries or len(self.unknown_countries) < 100:
                self.unknown_countries[shown] = self.unknown_countries.get(shown, 0) + 1
        return code


def _number(raw: str) -> Decimal | None:
    if len(raw) > 40:
        return None
    try:
        value = Decimal(raw.strip())
    except InvalidOperation:
        return None
    return value if value.is_finite() and abs(value.adjusted()) < 30 else None
