"""The margin calculator: what a coupon leaves of an order (R60–R63, R76). Pure arithmetic in one currency; percentages of 100."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from policies.rules import CouponRules

_HUNDRED = Decimal(100)
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Sums:
    """An order with the coupon. `order` is what its goods sell for, `cost` what they cost the merchant, `click` what it paid for the
    visit that led to the claim (CPC)."""

    order: Decimal
    cost: Decimal
    face: Decimal
    freight: Decimal = ZERO
    click: Decimal = ZERO

    @property
    def gross(self) -> Decimal:
        """Gross margin: before coupon, freight and clicks."""
        return self.order - self.cost

    @property
    def gross_percent(self) -> Decimal:
        """Gross margin of the order's value."""
        return share(self.gross, self.order)

    @property
    def coupon_share(self) -> Decimal | None:
        """How much of the gross margin the coupon costs; None when there is no margin."""
        return share(self.face + self.click, self.gross) if self.gross > 0 else None

    @property
    def after_freight(self) -> Decimal:
        """Margin − coupon − freight: below zero the freight is inverted (运费倒挂, R76)."""
        return self.gross - self.face - self.freight

    @property
    def net(self) -> Decimal:
        """What is left of the order."""
        return self.after_freight - self.click

    @property
    def net_percent(self) -> Decimal:
        """What is left, of what the buyer pays."""
        return share(self.net, self.order - self.face)


@dataclass(frozen=True, slots=True)
class Verdict:
    """A line of the calculator: a figure against its limit. `tone` is a chip's: run (kept), paused (tight), cancel (broken)."""

    key: str
    figure: Decimal | None
    tone: str


def share(part: Decimal, whole: Decimal) -> Decimal:
    """Percent of `whole`; zero of nothing."""
    return part * _HUNDRED / whole if whole else ZERO


def band(face: Decimal, average: Decimal, rules: CouponRules) -> Verdict:
    """Face value against the average item price: the best band is 8 to 12 % (R63)."""
    found = share(face, average)
    inside = rules.best_face_from_percent <= found <= rules.best_face_to_percent
    return Verdict("band", found, "run" if inside else "paused")


def verdicts(sums: Sums, rules: CouponRules) -> list[Verdict]:
    """The order against every limit: cost share (R61), the healthy and the advised net margin (R61, R62), freight (R76)."""
    cost = sums.coupon_share
    within = cost is not None and cost <= rules.margin_share_percent
    if sums.net_percent >= rules.advised_margin_percent:
        net = "run"
    else:
        net = "paused" if sums.net_percent >= rules.healthy_margin_percent else "cancel"
    return [
        Verdict("share", cost, "run" if within else "cancel"),
        Verdict("net", sums.net_percent, net),
        Verdict("freight", sums.after_freight, "run" if sums.after_freight >= 0 else "cancel"),
    ]
