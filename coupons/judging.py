"""What a coupon asks of a buyer and an order, as rules that claims and redemption share. Each answers why not, or None.

The order in which the rules are asked decides which code a buyer sees when several stand in the way; the others are kept beside it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, ClassVar

from django.utils.translation import gettext as _

from core import display
from coupons import facts, links
from coupons.facts import Facts
from coupons.models import Bond, CouponState, PausedBy
from coupons.refusing import Why, explains

#: The columns of a coupon that the rules look at, in the order of the fields of `Coupon` below; `coupon` is the table's alias.
COLUMNS = """coupon.id, coupon.code, coupon.state, coupon.paused_by, coupon.freeze_claimed, coupon.bond, coupon.starts_at, coupon.ends_at,
    coupon.regions::text[], coupon.logistics::text[], coupon.channels::text[], coupon.sites::text[], coupon.first_order_only"""

_WIDTH = COLUMNS.count(",") + 1
#: How many orders the buyer made before, where the coupon asks: none or one; it wants `store` and `buyer`.
EARLIER = """CASE WHEN coupon.first_order_only THEN (
    SELECT count(*) FROM (SELECT FROM orders_order o WHERE o.store_id = %(store)s AND o.buyer = %(buyer)s AND o.buyer <> ''
        AND o.state <> 'cancelled' LIMIT 1) earlier) ELSE 0 END"""


@facts.declare
class ChannelFacts(Facts):
    """The coupon was given out in `channels` only."""

    code: ClassVar[str] = "ERR_COUPON_CHANNEL"

    channels: tuple[str, ...]


@facts.declare
class SiteFacts(Facts):
    """The buyer was on `site`; the coupon was for `sites` only."""

    code: ClassVar[str] = "ERR_COUPON_SITE"

    sites: tuple[str, ...]
    site: str = ""


@facts.declare
class NotClaimedFacts(Facts):
    """The buyer held no claim."""

    code: ClassVar[str] = "ERR_COUPON_NOT_CLAIMED"


@facts.declare
class StackingFacts(Facts):
    """Another coupon was better (`other`) where an order may use `most`; or it does not combine with the promotions `campaigns`."""

    code: ClassVar[str] = "ERR_COUPON_NOT_COMBINED"

    other: str = ""
    most: int = 0
    campaigns: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Terms:
    """A coupon as the rules need it."""

    id: int
    code: str
    state: str
    paused_by: str
    freeze_claimed: bool
    bond: str
    starts_at: datetime
    ends_at: datetime
    regions: Sequence[str]
    logistics: Sequence[str]
    channels: Sequence[str]
    sites: Sequence[str]
    first_order_only: bool


@dataclass(frozen=True, slots=True)
class Held:
    """The buyer's claim of a coupon."""

    id: int
    code: str
    state: str
    order_code: str = ""


@dataclass(slots=True)
class Findings:
    """Whys in the order of the rules."""

    found: list[Facts] = field(default_factory=list)

    def add(self, why: Facts | None) -> None:
        """Keep it, if it is one."""
        if why is not None:
            self.found.append(why)

    def why(self) -> Why | None:
        """The first with the codes of the others beside it; None when nothing stands in the way."""
        if not self.found:
            return None
        codes = tuple(dict.fromkeys(one.code for one in self.found[1:] if one.code != self.found[0].code))
        return Why(self.found[0].model_copy(update={"also": codes}) if codes else self.found[0])


def void(coupon: Terms) -> Facts | None:
    """A draft and a void coupon are nobody's."""
    if coupon.state in (CouponState.DRAFT, CouponState.VOIDED):
        return facts.StateFacts(state=coupon.state)
    return None


def window(coupon: Terms, now: datetime) -> Facts | None:
    """By the clock, whether or not a sweep has come by."""
    if coupon.starts_at <= now < coupon.ends_at and coupon.state != CouponState.EXPIRED:
        return None
    return facts.WindowFacts(starts_at=coupon.starts_at, ends_at=coupon.ends_at)


def issuing(store_id: int, coupon: Terms) -> Facts | None:
    """Claims stop with the issuing, and wait for a campaign that has not begun."""
    if coupon.state == CouponState.PAUSED or coupon.bond == Bond.WAITS:
        return stopped(store_id, coupon)
    return None


def frozen(store_id: int, coupon: Terms) -> Facts | None:
    """Claimed ones stay usable while the issuing stands still, unless they were frozen too."""
    if coupon.state == CouponState.PAUSED and coupon.freeze_claimed:
        return stopped(store_id, coupon)
    return None


def stopped(store_id: int, coupon: Terms) -> facts.StateFacts:
    """What is said of a coupon that stands still; a query for its campaign's name where it is the campaign's stop."""
    campaign = ""
    if coupon.paused_by == PausedBy.CAMPAIGN or coupon.bond == Bond.WAITS:
        linked = links.of(store_id, [coupon.id]).get(coupon.id)
        campaign = linked.code if linked else ""
    return facts.StateFacts(
        state=coupon.state, paused_by=PausedBy(coupon.paused_by), frozen=coupon.freeze_claimed, campaign=campaign
    )


def region(coupon: Terms, country: str) -> Facts | None:
    """R71. A country that nobody told is outside every area."""
    return (
        facts.RegionFacts(regions=tuple(coupon.regions)) if coupon.regions and country not in coupon.regions else None
    )


def channel(coupon: Terms, given: str) -> Facts | None:
    """R51, R64."""
    return ChannelFacts(channels=tuple(coupon.channels)) if coupon.channels and given not in coupon.channels else None


def site(coupon: Terms, given: str) -> Facts | None:
    """R81: asked only where the storefront says which site the buyer is on."""
    if not coupon.sites or not given or given in coupon.sites:
        return None
    return SiteFacts(sites=tuple(coupon.sites), site=given)


def logistics(coupon: Terms, given: str) -> Facts | None:
    """R75."""
    if not coupon.logistics or given in coupon.logistics:
        return None
    return facts.LogisticsFacts(logistics=given, allowed=tuple(coupon.logistics))


def first_order(coupon: Terms, orders: int) -> Facts | None:
    """R77: `orders` are those that the buyer made before and that were not called off."""
    return facts.FirstOrderFacts(orders=orders) if coupon.first_order_only and orders else None


def budget(limit: Decimal | None, spent: Decimal, needed: Decimal = Decimal(0)) -> Facts | None:
    """The money that the coupon may cost; `needed` is what a use would take off, nothing for a claim."""
    if limit is None or (spent + needed <= limit and spent < limit):
        return None
    return facts.ExhaustedFacts(limit="budget", budget=limit, left=max(Decimal(0), limit - spent), needed=needed)


def read(row: Sequence[Any]) -> tuple[Terms, Sequence[Any]]:
    """The terms of a row that begins with `COLUMNS`, and the columns after them."""
    return Terms(*row[:_WIDTH]), row[_WIDTH:]


@explains(ChannelFacts)
def _channel(told: ChannelFacts) -> str:
    return _("This coupon is not given out here.")


@explains(SiteFacts)
def _site(told: SiteFacts) -> str:
    return _("This coupon is for these sites: %(sites)s.") % {"sites": display.series(told.sites)}


@explains(NotClaimedFacts)
def _not_claimed(told: NotClaimedFacts) -> str:
    return _("This buyer has not claimed this coupon.")


@explains(StackingFacts)
def _stacking(told: StackingFacts) -> str:
    if told.campaigns:
        words: Mapping[str, Any] = {"campaigns": display.series(told.campaigns)}
        return _("This coupon does not combine with the platform promotion %(campaigns)s.") % words
    if told.other:
        return _("Coupon %(other)s takes more off; an order uses no more coupons at once.") % {"other": told.other}
    return _("An order uses no coupon more.")
