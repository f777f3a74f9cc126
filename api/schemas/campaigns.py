"""Campaigns: what they are, what stops them, what a close did."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Amount, Answer, Body, Count, Moment, Money, Time, Version, optional
from api.lists import ListQuery
from api.schemas.common import FixOut
from campaigns.models import CampaignState, Kind

State = Literal[
    "draft", "in_review", "rejected", "scheduled", "running", "paused", "ending", "cancelling", "ended", "cancelled"
]
Text = Annotated[str, Field(max_length=2000)]
Code = Annotated[str, Field(max_length=40, examples=["C-7F3KQ"])]


class ItemIn(Body):
    """A SKU and its campaign price."""

    sku: str = Field(max_length=200)
    price: Amount | None = None


class CampaignIn(Body):
    """A new campaign, as a draft."""

    kind: str = Field(max_length=40, examples=["limited_time_discount"])
    name: str = Field(max_length=1000)
    name_zh: str = Field("", max_length=1000)
    starts_at: Moment = Field(description=_("In the past: as soon as submitted."))
    ends_at: Moment
    items: list[ItemIn] = Field(default_factory=list)
    rules: dict[str, Any] = Field(
        default_factory=dict,
        description=_(
            "The terms of the kind. spend_and_save: threshold, discount, and if wanted steps (threshold, discount),"
            " free_shipping_threshold, gifts; platform_promotion: venue; others have none."
        ),
    )
    price_protected: bool = False
    logistics_guarantee: bool = False
    min_items: Count = 0
    stacks: bool = Field(False, description=_("Declares that other campaigns on the same SKUs are meant."))


class CampaignPatch(Body):
    """What changes; fields left out stay. `items` replaces the whole list."""

    name: str = optional(max_length=1000)
    name_zh: str = optional(max_length=1000)
    starts_at: Moment = optional()
    ends_at: Moment = optional()
    items: list[ItemIn] = optional()
    rules: dict[str, Any] = optional()
    price_protected: bool = optional()
    logistics_guarantee: bool = optional()
    min_items: Count = optional()
    stacks: bool = optional()
    version: Version = None


class ItemsIn(Body):
    """Items to add; a SKU that is there already gets the new price."""

    items: list[ItemIn] = Field(min_length=1)
    version: Version = None


class Reviewed(Body):
    """A decision of platform staff. `reason`: a code of the rules, or words of one's own; the merchant reads both."""

    reason: Text = ""
    note: Text = ""
    version: Version = None


class EmergencyIn(Body):
    """Why platform staff stop it; the store reads it."""

    reason: Text


class EndItemsIn(Body):
    """Items of a platform promotion that leave, by SKU."""

    skus: list[Annotated[str, Field(max_length=200)]] = Field(min_length=1)
    reason: Text = ""
    version: Version = None


class EnforcedIn(Body):
    """Whether the platform runs it to its end, and by which rule or placement."""

    enforced: bool
    reason: Text = ""
    version: Version = None


class PauseIn(Body):
    """Why it is paused. `freeze_claimed` freezes coupons that buyers have claimed already."""

    reason: Text = ""
    note: Text = ""
    freeze_claimed: bool = False
    version: Version = None


class CancelIn(Body):
    """Final after the hold. `confirm_code` is the campaign's own code and is checked first."""

    reason: Text = ""
    note: Text = ""
    confirm_code: Code
    version: Version = None


class BulkIn(Body):
    """One action on many campaigns; `confirm_count` is how many codes are meant."""

    action: Literal["pause", "resume", "cancel"]
    codes: list[Code] = Field(min_length=1)
    reason: Text = ""
    note: Text = ""
    freeze_claimed: bool = Field(False, description=_("For a pause: freeze coupons that buyers have claimed already."))
    confirm_count: Count | None = Field(None, description=_("How many campaigns are meant; a cancel needs it."))


class RestoreIn(Body):
    """SKUs whose sale price goes back to what it was before the campaign; none named: all that wait for a decision."""

    skus: list[Annotated[str, Field(max_length=200)]] = Field(default_factory=list)


class ItemOut(Answer):
    """A SKU in the campaign."""

    sku: str
    price: Money | None
    currency: str
    ended_at: Time | None = Field(description=_("When this item alone was closed."))


class ReviewOut(Answer):
    """The decision of platform staff on an enrolment."""

    decided_at: Time
    reason: str
    note: str


class WarningOut(Answer):
    """Worth a look; refuses nothing. SKUs and campaigns are a sample, `count` all of them."""

    code: str
    message: str
    count: int
    skus: list[str]
    campaigns: list[str]


class CampaignRow(Answer):
    """A campaign in a list."""

    code: Code
    kind: Kind
    name: str
    name_zh: str
    state: State
    starts_at: Time
    ends_at: Time
    closes_at: Time = Field(description=_("When it is closed for good: the end and the grace, or an earlier close."))
    started_at: Time | None
    paused_at: Time | None
    take_back_until: Time | None = Field(description=_("Until when a cancel can be taken back."))
    item_count: int
    rules: dict[str, Any]
    price_protected: bool
    logistics_guarantee: bool
    min_items: int
    stacks: bool
    platform_enforced: bool
    submitted_at: Time | None = Field(description=_("When it was handed in for review."))
    review: ReviewOut | None = Field(description=_("The last decision of platform staff."))
    version: int


class CampaignOut(CampaignRow):
    """One campaign with its items."""

    items: list[ItemOut]
    warnings: list[WarningOut]


class PriceQuery(ListQuery):
    """At which moment; without one the start, or now when it has passed."""

    at: Moment | None = None


class PriceAt(Answer):
    """What a buyer pays for one unit at that moment, and which campaigns set it; `order_campaigns` may discount the order."""

    sku: str
    currency: str
    sale_price: Money
    unit_price: Money
    campaigns: list[Code]
    order_campaigns: list[Code]


class CampaignQuery(ListQuery):
    """Filters of the campaigns."""

    state: CampaignState | None = None
    kind: Kind | None = None
    q: str = Field("", max_length=200, description=_("A code, or a part of the name."))
    ends_before: Moment | None = None


class GuardOut(Answer):
    """One line of the checklist."""

    code: str
    status: Literal["blocked", "warning", "passed", "unknown"]
    title: str
    detail: str
    evidence: dict[str, Any]
    fix: FixOut | None
    policy: str


class ImpactOut(Answer):
    """What a close touches."""

    listings: int
    tags: int
    sites: int
    coupons: int
    claimed_unused: int
    reserved_units: int
    open_orders: int
    prices_to_review: int


class CloseCheckOut(Answer):
    """Whether a pause or a cancel is allowed, every guard, and what it would touch."""

    allowed: bool
    guards: list[GuardOut]
    impact: ImpactOut


class BulkError(Answer):
    """Why a row was refused or failed."""

    code: str
    message: str
    blockers: list[GuardOut]


class BulkRow(Answer):
    """What became of one campaign."""

    code: str
    result: Literal["done", "refused", "failed"]
    error: BulkError | None


class FrozenOut(Answer):
    """Coupons whose use was frozen, and how many claimed ones among them are not used yet."""

    coupons: int
    claimed_unused: int


class BulkOut(Answer):
    """A result for each code, in the order asked, and what a pause froze."""

    results: list[BulkRow]
    frozen: FrozenOut


class Difference(Answer):
    """A figure that came out otherwise than forecast, explained."""

    key: str
    forecast: Any
    result: Any
    why: str


class StepOut(Answer):
    """A step of the close."""

    key: str
    state: Literal["pending", "running", "done", "failed"]
    done: int
    total: int
    finished_at: Time | None
    evidence: Any


class CheckOut(Answer):
    """What one client saw on one site."""

    at: Time
    site: str
    client: str
    state: str
    leftovers: list[Any]


class PriceToReview(Answer):
    """A SKU whose sale price will not return by itself."""

    sku: str
    currency: str
    before: Money | None
    now: Money
    campaign: Money | None


class LeftItem(Answer):
    """An item that left, with its title in both languages."""

    sku: str
    title: str
    title_zh: str


class PageTextOut(Answer):
    """What of the campaign page's text is to be rewritten; `words` by language, empty when nothing is."""

    open: bool
    total: int
    items: list[LeftItem]
    since: Time | None
    words: dict[str, str]


class ClosingOut(Answer):
    """The latest close."""

    closed_at: Time
    close_kind: Literal["auto", "manual"]
    forecast: dict[str, Any]
    result: dict[str, Any]
    differences: list[Difference]
    steps: list[StepOut]
    checks: list[CheckOut]
    prices_to_review: list[PriceToReview]
