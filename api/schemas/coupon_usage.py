"""Usage of a coupon."""

from __future__ import annotations

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Currency, Money, Time


class UsageOut(Answer):
    """A claim, a use or a refusal. No buyer is in it."""

    status: str = Field(description=_("claimed, redeemed, voided or refused."))
    at: Time = Field(description=_("The moment of its status."))
    claim: str | None = Field(description=_("The claim's code; nothing for a refusal."))
    claimed_at: Time | None
    country: str
    channel: str
    order: str | None = Field(description=_("The order that redeemed it."))
    amount: Money | None = Field(description=_("What the redemption took off."))
    currency: Currency
    code: str | None = Field(description=_("Of a refusal."))
    phase: str | None = Field(description=_("claim, quote or order."))
    message: str | None = Field(description=_("Why it was refused, in plain words."))
    fix: str | None = Field(description=_("What would have mended it."))
    times: int = Field(description=_("The same refusal of the same buyer within an hour is one row."))


class UsageList(Answer):
    """Newest first."""

    items: list[UsageOut]
    next_cursor: str | None
