"""Events, metrics, ad spend."""

from __future__ import annotations

from typing import Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Amount, Answer, Body, Currency, Moment, Money, Time

Kind = Literal["impression", "click", "add_to_cart"]


class EventIn(Body):
    """Something that buyers did with a campaign or a coupon, counted."""

    kind: Kind
    campaign: str | None = Field(None, max_length=40, examples=["C-7F3KQ"])
    coupon: str | None = Field(
        None, max_length=40, examples=["KNIT-2-50"], description=_("A coupon's code, in place of a campaign.")
    )
    channel: str | None = Field(
        None,
        max_length=20,
        examples=["push"],
        description=_("Where buyers met the coupon: push, email, product_page …"),
    )
    sku: str | None = Field(
        None, max_length=200, description=_("A SKU of the campaign; nothing: the campaign as a whole.")
    )
    at: Moment | None = Field(None, description=_("Now unless given; the hour counts."))
    count: int = Field(1, ge=1, description=_("How often it happened."))


class EventsIn(Body):
    """Events, as many as the rules allow in one call."""

    events: list[EventIn]


class EventRejected(Answer):
    """An event that was not counted, and why."""

    index: int = Field(description=_("Its place in the call, from 0."))
    field: str
    code: str
    message: str


class EventsTaken(Answer):
    """What became of the events."""

    accepted: int
    rejected: list[EventRejected]


class OtherCurrency(Answer):
    """Orders of the campaign in another currency; nothing is added across currencies."""

    currency: Currency
    orders: int
    buyers: int
    units: int
    sales_amount: Money
    discount_cost: Money


class MetricsOut(Answer):
    """The twelve metrics. A rate whose denominator is zero is null."""

    campaign: str
    currency: Currency
    data_as_of: Time = Field(description=_("Up to when the figures reach."))
    delay_hours: int = Field(description=_("How late events may come."))
    final: bool = Field(description=_("True once the archive holds them; then they never change."))
    impressions: int
    clicks: int
    click_rate: float | None = Field(description=_("clicks ÷ impressions"))
    add_to_cart: int
    orders: int
    buyers: int
    units: int
    sales_amount: Money
    conversion_rate: float | None = Field(description=_("orders ÷ clicks"))
    average_order_value: Money | None = Field(description=_("sales_amount ÷ orders"))
    discount_cost: Money
    roi: float | None = Field(description=_("sales_amount ÷ (discount_cost + ad_spend)"))
    ad_spend: Money
    other_currencies: list[OtherCurrency]


class SpendRow(Body):
    """A day and what its advertising cost."""

    day: str = Field(max_length=10, examples=["2026-11-27"])
    amount: Amount


class SpendIn(Body):
    """Days of a campaign; a day told again takes the new amount."""

    spend: list[SpendRow]


class CauseOut(Answer):
    """A cause of refused closes."""

    code: str
    title: str
    attempts: int
    share: float = Field(description=_("Of all refused attempts, in percent; one attempt may have several causes."))
    source_share: float | None = Field(description=_("What the platform's own rules give for this cause."))


class OtherOut(Answer):
    """What the causes with a figure of the platform leave over."""

    attempts: int
    share: float
    source_share: float = Field(description=_("What the platform's figures leave unnamed."))


class FailuresOut(Answer):
    """Why closes were refused."""

    since: Time
    until: Time
    attempts: int
    refused: int
    causes: list[CauseOut]
    other: OtherOut


class StaleOut(Answer):
    """A live campaign that seems to do no good any more, and why."""

    code: str
    name: str
    state: str
    reasons: list[str]
    last_order_at: Time | None
    currency: Currency
    roi: float | None
    ad_spend: Money
    stock_at_risk: int = Field(description=_("Units on sale at the campaign price now."))
    sold_out: int = Field(description=_("SKUs of the campaign that have nothing left to sell."))


class StaleList(Answer):
    """The most doubtful first."""

    items: list[StaleOut]
