"""A store as its own people and as platform staff see it."""

from __future__ import annotations

from typing import Annotated, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Body, Time, Version, optional
from api.schemas.finance import Deposit, Penalties

Entity = Literal["company", "sole_trader"]
AccountState = Literal["normal", "frozen", "serious_violation"]
Kyc = Literal["none", "pending", "verified"]


class SiteIn(Body):
    """A language site of a new store."""

    code: str = Field(max_length=80, examples=["en"])
    language: str = Field(max_length=80, examples=["en"])
    currency: str = Field(max_length=80, examples=["USD"])


class StoreIn(Body):
    """A new store; its owner is made if unknown, without a password, and is a member at once."""

    slug: str = Field(max_length=200)
    name: str = Field(max_length=400)
    name_zh: str = Field("", max_length=400)
    entity: Entity = "company"
    owner_email: str = Field(max_length=400)
    sites: list[SiteIn] = Field(default_factory=list)
    currency: str = Field("", max_length=80, description=_("The first site's unless given."))
    time_zone: str = Field("Asia/Shanghai", max_length=80)


class StorePatch(Body):
    """What platform staff set; fields left out stay."""

    account_state: AccountState = optional()
    kyc: Kyc = optional()
    entity: Entity = optional()
    decoration_waived: bool = optional()
    alipay_level: Annotated[int, Field(ge=0, le=2)] | None = optional(
        description=_("KYC level of the Alipay+ account; null: as the account's KYC says.")
    )
    positive_rating: Annotated[str, Field(max_length=10)] | None = optional(
        description=_("Positive rating over 90 days, in percent."), examples=["97.5"]
    )
    official_logistics: bool | None = optional(description=_("Whether official logistics is opened."))
    reason: str = Field("", max_length=500)
    version: Version = None


class SiteOut(Answer):
    """A language site."""

    code: str
    language: str
    currency: str


class StaffStore(Answer):
    """A store for platform staff."""

    slug: str
    name: str
    name_zh: str
    entity: Entity
    account_state: AccountState
    kyc: Kyc
    decoration_waived: bool
    alipay_level: int | None
    positive_rating: str | None
    official_logistics: bool | None
    owners: list[str]
    currency: str
    time_zone: str
    sites: list[SiteOut]
    version: int


class Decoration(Answer):
    """Logo, banner and main category; without them the campaign console is closed."""

    logo: bool
    banner: bool
    main_category: str | None
    waived: bool
    complete: bool


class ReasonOut(Answer):
    """Why something is closed to the store."""

    code: str
    detail: str


class Capability(Answer):
    """What the store may do at this moment; rights of the member apart."""

    capability: str
    allowed: bool
    reasons: list[ReasonOut]


class StoreOut(Answer):
    """The token's own store."""

    slug: str
    name: str
    name_zh: str
    entity: Entity
    kyc: Kyc
    account_state: AccountState
    decoration: Decoration
    deposit: Deposit
    penalties: Penalties
    currency: str
    time_zone: str
    opened_at: Time
    sites: list[SiteOut]
    capabilities: list[Capability]
    version: int
