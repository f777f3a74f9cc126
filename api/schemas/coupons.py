"""Coupons: what they are, how often they were claimed."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop as _
from pydantic import ConfigDict, Field, WithJsonSchema

from api.fields import Amount, Answer, Body, Count, Currency, Moment, Money, Time, Version, optional
from api.lists import ListQuery
from coupons.models import CouponKind, CouponState

Kind = Literal["spend", "no_threshold"]
State = Literal["draft", "active", "paused", "expired", "voided"]
Stopper = Literal["", "operator", "campaign", "effect_watch", "budget"]
CouponCode = Annotated[str, Field(max_length=80, examples=["SPRING-5"])]
Words = Annotated[str, Field(max_length=400)]
ListingId = Annotated[Any, WithJsonSchema({"type": ["integer", "string"]})]
_REQUIRED = ("kind", "face_value", "starts_at", "ends_at", "quota", "pool")


class PoolIn(Body):
    """The products of a coupon; SKUs stand for their listings, categories for all that is below them."""

    listings: list[ListingId] = Field(default_factory=list)
    skus: list[Words] = Field(default_factory=list)
    categories: list[Words] = Field(default_factory=list, examples=[["apparel"]])
    brands: list[Words] = Field(default_factory=list)


class CouponFields(Body):
    """What a coupon is made of. Fields may be left out here so that every fault comes back at once; the schema names those that are due."""

    code: CouponCode = optional(description=_("What buyers enter; made when left out."))
    name: Words = optional(description=_("The terms when left out."))
    name_zh: Words = optional()
    kind: str = optional(max_length=40, examples=["spend"])
    face_value: Amount | None = optional()
    currency: str = optional(max_length=10, examples=["USD"], description=_("The store's unless given."))
    min_order: Amount | None = optional(description=_("A no-threshold coupon has the platform's floor."))
    starts_at: Moment = optional()
    ends_at: Moment = optional(description=_("%(coupons__min_days)s to %(coupons__max_days)s days after the start."))
    quota: Count = optional(description=_("How many may be claimed."))
    per_buyer: Count = optional(description=_("Always 1."))
    pool: PoolIn = optional()
    regions: list[Words] = optional(description=_("Country codes (ISO 3166); none: everywhere."), examples=[["RU"]])
    logistics: list[Words] = optional(
        description=_("standard, premium; none: unrestricted, with a warning; left out: Worry-free only.")
    )
    channels: list[Words] = optional(description=_("product_page, store_home, push, email, off_site; none: all."))
    sites: list[Words] = optional(description=_("Codes of language sites; none: all."))
    segment: dict[str, Any] = optional(description=_("Who may claim; empty: everybody."))
    first_order_only: bool = optional()
    stacks_with_platform: bool = optional()
    stacks_from: Moment | None = optional()
    stacks_until: Moment | None = optional()
    budget: Amount | None = optional(description=_("Money after which issuing stops."))
    cpc_cost: Amount | None = optional(description=_("What one click on the coupon's slot costs."))
    confirm_face_value: Amount | None = optional(
        description=_("The face value again: asked for above a limit when a coupon has no threshold.")
    )


class CouponIn(CouponFields):
    """A new coupon, issued at once unless it is a draft."""

    model_config = ConfigDict(json_schema_extra={"required": list(_REQUIRED)})

    campaign: Words | None = optional(description=_("A campaign that the coupon lives and dies with."))
    draft: bool = optional()


class CouponPatch(CouponFields):
    """What changes in a draft; fields left out stay."""

    version: Version = None


class CampaignCouponIn(Body):
    """A coupon of the store, by its code; `version` is the coupon's."""

    coupon: CouponCode
    version: Version = None


class CouponQuery(ListQuery):
    """Filters of the coupons."""

    state: CouponState | None = None
    kind: CouponKind | None = None
    q: str = Field("", max_length=200, description=_("The beginning of a code, or a part of the name."))


class PoolOut(Answer):
    """What the pool names."""

    listings: list[int]
    categories: list[str]
    brands: list[str]


class CouponRow(Answer):
    """A coupon in a list."""

    code: str
    name: str
    name_zh: str
    kind: Kind
    face_value: Money
    currency: Currency
    min_order: Money
    starts_at: Time
    ends_at: Time
    quota: int
    per_buyer: int
    regions: list[str]
    logistics: list[str]
    channels: list[str]
    sites: list[str]
    segment: dict[str, Any]
    first_order_only: bool
    stacks_with_platform: bool
    stacks_from: Time | None
    stacks_until: Time | None
    budget: Money | None
    cpc_cost: Money | None
    campaign: str | None
    state: State
    paused_by: Stopper = Field(description=_("Who stopped the issuing; empty while nobody did."))
    freeze_claimed: bool = Field(description=_("Claimed ones cannot be used either."))
    reason: str
    claimed: int
    redeemed: int
    refused: int
    redemption_rate: float | None = Field(description=_("redeemed ÷ claimed"))
    spent: Money = Field(description=_("Face value given so far."))
    activated_at: Time | None
    version: int


class CouponWarningOut(Answer):
    """What deserves a look and refuses nothing."""

    code: str
    message: str
    count: int
    skus: list[str]


class CouponOut(CouponRow):
    """One coupon with its pool."""

    pool: PoolOut
    warnings: list[CouponWarningOut] = Field(description=_("Of the create or change that was just made."))
