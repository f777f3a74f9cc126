"""Quotes and orders."""

from __future__ import annotations

from typing import Any, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Amount, Answer, Body, Count, Money, Time, Version, optional

State = Literal["unpaid", "paid", "shipped", "completed", "cancelled"]
Dispute = Literal["none", "open", "arbitration", "closed"]


class OrderLineOut(Answer):
    """A line as it was sold. `order_discount` is its share of the order's discounts."""

    sku: str
    quantity: int
    list_price: Money
    unit_price: Money
    order_discount: Money
    campaign: str | None


class OrderOut(Answer):
    """An order; its snapshot (discounts, free-shipping threshold, gifts) never changes."""

    order: str
    placed_at: Time
    state: State
    fulfilment_number: str
    dispute: Dispute
    currency: str
    subtotal: Money
    discount: Money
    total: Money
    lines: list[OrderLineOut]
    snapshot: dict[str, Any]
    version: int


class OrderPatch(Body):
    """Where an order is. The state only moves forward and may skip steps; what was sold never changes."""

    state: State = optional()
    fulfilment_number: str = optional(max_length=400)
    dispute: Dispute = optional()
    version: Version = None


class LineIn(Body):
    """A line of a basket."""

    sku: str = Field(min_length=1, max_length=200)
    quantity: Count = Field(ge=1)


class PricedLineIn(LineIn):
    """A line of an order; `unit_price` says what was paid when there is no quote."""

    unit_price: Amount | None = None


class QuoteIn(Body):
    """A basket."""

    buyer: str = Field("", max_length=400)
    country: str = Field("", max_length=80, description=_("Two letters, ISO 3166."))
    logistics: str = Field("", max_length=80)
    site: str = Field("", max_length=80, description=_("The code of the language site, where it is known."))
    lines: list[LineIn] = Field(min_length=1)
    coupons: list[str] = Field(default_factory=list)


class OrderIn(Body):
    """An order by a quote, or with the quote's fields and a price on each line."""

    order: str = Field(min_length=1, max_length=200, description=_("The merchant's own number, unique in the store."))
    quote: str | None = Field(None, max_length=80)
    placed_at: Time | None = Field(
        None,
        description=_(
            "Now unless given; in the past it is history. At most %(orders__future_seconds__seconds)s ahead."
        ),
    )
    buyer: str = Field("", max_length=400)
    country: str = Field("", max_length=80)
    logistics: str = Field("", max_length=80)
    lines: list[PricedLineIn] = Field(default_factory=list)
    coupons: list[str] = Field(default_factory=list)
    currency: str = Field("", max_length=80)


class Refusal(Answer):
    """Why a coupon was not applied."""

    code: str
    message: str


class QuoteCoupon(Answer):
    """What became of a coupon."""

    code: str
    applied: bool
    amount: Money
    refusal: Refusal | None


class QuoteLine(Answer):
    """What a buyer pays for a line, and why."""

    sku: str
    quantity: int
    list_price: Money
    unit_price: Money
    campaign: str | None
    why: list[Any]


class QuoteOut(Answer):
    """Terms that are honoured until `expires_at`."""

    quote: str
    expires_at: Time
    currency: str
    lines: list[QuoteLine]
    coupons: list[QuoteCoupon]
    subtotal: Money
    discount: Money
    total: Money
