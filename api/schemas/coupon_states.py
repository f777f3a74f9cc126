"""What stops a coupon and lets it go on."""

from __future__ import annotations

from typing import Annotated

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Body, Version
from api.schemas.coupons import CouponOut

Reason = Annotated[str, Field(max_length=500, examples=["Wrong face value"])]


class CouponPauseIn(Body):
    """Why issuing stops. `freeze_claimed` freezes those that buyers have claimed already."""

    reason: Reason = ""
    freeze_claimed: bool = False
    version: Version = None


class CouponVoidIn(Body):
    """Why it is voided. `confirm_code`, where given, has to be the coupon's own code."""

    reason: Reason = ""
    confirm_code: Annotated[str, Field(max_length=80)] | None = None
    version: Version = None


class Shortage(Answer):
    """Stock that could not be reserved again."""

    skus: int = Field(description=_("SKUs of the pool."))
    short: int = Field(description=_("SKUs with less stock than the quota left."))
    units: int = Field(description=_("Units that lack in all."))
    examples: list[str] = Field(description=_("The first of these SKUs."))


class CouponResumed(CouponOut):
    """The coupon, and what stock is short."""

    shortage: Shortage
