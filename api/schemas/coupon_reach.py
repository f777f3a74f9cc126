"""Costs, single-use codes, segments and tests of coupons."""

from __future__ import annotations

from typing import Annotated, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import BIGGEST, Amount, Answer, Body, Count, Currency, Money, Time, Version


class BudgetIn(Body):
    """The money budget of a coupon."""

    budget: Amount | None = Field(description=_("Null lifts it."))
    version: Version = None


class EffectOut(Answer):
    """A figure of what a coupon brings, in percent; `beside` is what it is compared with."""

    key: str
    percent: str | None
    beside: str | None
    definition: str


class CostsOut(Answer):
    """What a coupon costs and brings. Shares are in percent; null where there is nothing to divide by."""

    code: str
    currency: Currency
    cost: Money
    face_values: Money
    clicks: int
    clicks_cost: Money
    redemptions: int
    budget: Money | None
    spent: Money
    state: str
    version: int
    margin_share: str | None = Field(
        description=_("Cost in the gross margin of the orders' goods whose cost is known.")
    )
    net_margin: str | None
    effects: list[EffectOut]


class BatchIn(Body):
    """A batch of single-use codes."""

    name: str = Field(max_length=400)
    size: int = Field(ge=1, le=BIGGEST)


class BatchOut(Answer):
    """A batch of single-use codes; the codes themselves come as CSV."""

    id: int
    name: str
    state: Literal["making", "ready", "withdrawn"]
    size: Count
    made: Count
    used: Count
    sealed: bool
    exports: Count
    created_at: Time
    job: int | None = Field(description=_("The job that makes them: `GET /jobs/{id}`."))


class SegmentOut(Answer):
    """Who may claim a coupon."""

    rules: list[str] = Field(description=_("In the language asked for; none: for everybody."))
    buyers: int | None = Field(description=_("How many match now; null where they cannot be known."))


class TestIn(Body):
    """An A/B test of two coupons."""

    __test__ = False

    code: str = Field(max_length=400, description=_("What buyers enter."))
    name: str = Field(max_length=400)
    arms: Annotated[list[str], Field(min_length=2, max_length=2, description=_("Codes of two coupons."))]
    share_percent: int = Field(50, ge=1, le=99, description=_("Buyers who get the second."))


class TestArm(Answer):
    """What came of one arm."""

    __test__ = False

    coupon: str
    claimed: Count
    redeemed: Count
    redemption_rate: float | None
    cost: Money
    sales: Money


class TestOut(Answer):
    """A test with its results. `better` is null while chance explains the difference."""

    __test__ = False

    code: str
    name: str
    state: Literal["running", "stopped"]
    share_percent: int
    started_at: Time
    stopped_at: Time | None
    enough_data: bool
    p_value: float | None
    significant: bool
    better: str | None
    arms: list[TestArm]
