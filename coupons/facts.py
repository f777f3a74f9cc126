"""What a refusal keeps in `Refusal.facts`, by its code: the plain explanation and the refusal mirror read nothing else (R74, R141).

    Refusal(…, code=RegionFacts.code, facts=RegionFacts(regions=coupon.regions).stored())

Amounts are in the coupon's currency, times in UTC. What a buyer's row says already (country, channel, phase, time) is not repeated. `also`
names the further codes that stood in the way of the same claim or use: a change that mends one of several would not have let it in.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from coupons.models import PausedBy

Kind = TypeVar("Kind", bound="Facts")

OUTSIDE_MAX = 20
"""A refusal remembers no more listings outside the pool than this."""


class Facts(BaseModel):
    """The base, and the facts of a code that needs none of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    code: ClassVar[str] = ""

    also: tuple[str, ...] = ()

    def stored(self) -> dict[str, Any]:
        """As the refusal's row keeps it: without what is as always."""
        return self.model_dump(mode="json", exclude_defaults=True)


class RegionFacts(Facts):
    """The coupon was for `regions` (ISO 3166 alpha-2)."""

    code: ClassVar[str] = "ERR_COUPON_REGION"

    regions: tuple[str, ...]


class StockFacts(Facts):
    """Why no product of the pool could be sold. `sku` is one of them, `as_of` when its stock was counted last."""

    code: ClassVar[str] = "ERR_STOCK_SYNC_FAIL"

    reason: Literal["sold_out", "delisted", "stale"]
    sku: str = ""
    as_of: datetime | None = None


class DisputeFacts(Facts):
    """Orders of the buyer in arbitration, counted over `days`."""

    code: ClassVar[str] = "ERR_COUPON_DISPUTES"

    disputes: int
    days: int


class LimitFacts(Facts):
    """The buyer had this coupon already; `used` when it was redeemed too. `claim` is the claim's code."""

    code: ClassVar[str] = "ERR_COUPON_LIMIT"

    used: bool = False
    claim: str = ""


class ExhaustedFacts(Facts):
    """What was used up. `left` is what the budget still had, `needed` what this use would have taken off."""

    code: ClassVar[str] = "ERR_COUPON_EXHAUSTED"

    limit: Literal["quota", "budget"]
    quota: int | None = None
    budget: Decimal | None = None
    left: Decimal | None = None
    needed: Decimal | None = None


class WindowFacts(Facts):
    """The validity as it was."""

    code: ClassVar[str] = "ERR_COUPON_WINDOW"

    starts_at: datetime
    ends_at: datetime


class LogisticsFacts(Facts):
    """The order went by `logistics`; the coupon was for `allowed`."""

    code: ClassVar[str] = "ERR_COUPON_LOGISTICS"

    logistics: str
    allowed: tuple[str, ...]


class MinOrderFacts(Facts):
    """The lines of the pool came to `eligible`. `outside`: other listings of the basket and their amounts, up to OUTSIDE_MAX of them."""

    code: ClassVar[str] = "ERR_COUPON_MIN_ORDER"

    eligible: Decimal
    min_order: Decimal
    outside: dict[int, Decimal] = Field(default_factory=dict)


class FirstOrderFacts(Facts):
    """The buyer had ordered before: so many orders (counted no further than the one that settles it is fine)."""

    code: ClassVar[str] = "ERR_COUPON_FIRST_ORDER"

    orders: int


class StateFacts(Facts):
    """The state as it was, whose stop it was, whether claimed ones were frozen, and the campaign that did not run."""

    code: ClassVar[str] = "ERR_COUPON_STATE"

    state: str
    paused_by: PausedBy = PausedBy.NOBODY
    frozen: bool = False
    campaign: str = ""


class VelocityFacts(Facts):
    """Claims of the same address in the last `seconds` before this one. The address itself is never here (R193)."""

    code: ClassVar[str] = "ERR_COUPON_VELOCITY"

    claims: int
    seconds: int


_BY_CODE: dict[str, type[Facts]] = {
    kind.code: kind
    for kind in (
        RegionFacts,
        StockFacts,
        DisputeFacts,
        LimitFacts,
        ExhaustedFacts,
        WindowFacts,
        LogisticsFacts,
        MinOrderFacts,
        FirstOrderFacts,
        StateFacts,
        VelocityFacts,
    )
}


def declare(kind: type[Kind]) -> type[Kind]:
    """Facts of a further code, such as that of a condition that another module adds to claiming. Raises ValueError for a code taken."""
    if not kind.code or _BY_CODE.get(kind.code, kind) is not kind:
        raise ValueError(f"{kind.code!r} has no code of its own")
    _BY_CODE[kind.code] = kind
    return kind


def of(code: str, stored: object) -> Facts | None:
    """The facts of a refusal's row; None where the code has none or the row's do not fit (then only the code is explained)."""
    kind = _BY_CODE.get(code, Facts)
    try:
        return kind.model_validate(stored)
    except ValidationError:
        return None
