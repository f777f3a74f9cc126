"""The twelve metrics: their keys, their words, and the formulas of those that are worked out (R146). The only place that knows them.

    click_rate           = clicks / impressions
    conversion_rate      = orders / clicks
    average_order_value  = sales_amount / orders
    roi                  = sales_amount / (discount_cost + ad_spend): what one unit of money put in brought in

A rate whose denominator is zero is not zero but unknown (None).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import money

ZERO = Decimal(0)
_RATE, _ROI = Decimal("0.000001"), Decimal("0.0001")


@dataclass(frozen=True, slots=True)
class Metric:
    """One of the twelve. `form`: count, rate (a share of one), money, or ratio."""

    key: str
    label: str | Promise
    form: str
    formula: str | Promise


METRICS: tuple[Metric, ...] = (
    Metric("impressions", _("Impressions"), "count", _("Times that a storefront showed the campaign or one of its products.")),
    Metric("clicks", _("Clicks"), "count", _("Times that somebody opened one of them.")),
    Metric("click_rate", _("Click rate"), "rate", _("Clicks ÷ impressions.")),
    Metric("add_to_cart", _("Added to cart"), "count", _("Units put into a cart from the campaign.")),
    Metric("orders", pgettext_lazy("metric", "Orders"), "count",
           _("Orders with a line under the campaign; called-off orders do not count.")),
    Metric("buyers", _("Buyers"), "count", _("Different buyers of these orders; an order without a buyer counts as one.")),
    Metric("units", _("Units sold"), "count", _("Units of the lines under the campaign.")),
    Metric("sales_amount", _("Sales amount"), "money", _("What was paid for these units after the seller’s discounts, before freight.")),
    Metric("conversion_rate", _("Conversion rate"), "rate", _("Orders ÷ clicks.")),
    Metric("average_order_value", _("Average order value"), "money", _("Sales amount ÷ orders.")),
    Metric("discount_cost", _("Discount cost"), "money", _("What the campaign took off the sale prices and orders.")),
    Metric("roi", "ROI", "ratio", _("Sales amount ÷ (discount cost + ad spend).")),
)  # fmt: skip
KEYS = tuple(metric.key for metric in METRICS)
#: What nobody may do with the figures of several campaigns, and why.
SHARED: str | Promise = _(
    "A line counts for every campaign that priced it. Where several stack, each counts the order, its units and what was paid for them in "
    "full, and of the discount only the part that it took off itself. So one order may stand in several campaigns: figures of several "
    "campaigns are not to be added up."
)
#: Those that are worked out, as the database works them out of a sealed row `f`; one parameter: the places of each currency, as JSON.
_IN_SQL = {
    "click_rate": "round(f.clicks::numeric / nullif(f.impressions, 0), 6)",
    "conversion_rate": "round(f.orders::numeric / nullif(f.clicks, 0), 6)",
    "average_order_value": "round(f.sales_amount / nullif(f.orders, 0), (%s::jsonb ->> f.currency)::int)",
    "roi": "round(f.sales_amount / nullif(f.discount_cost + f.ad_spend, 0), 4)",
}
#: The twelve of a sealed row `f`, in their order, for whoever reads a hundred thousand of them.
TWELVE_SQL = ", ".join(_IN_SQL.get(key, f"f.{key}") for key in KEYS)


@dataclass(slots=True)
class Figures:
    """What was counted of one campaign, in one currency; the rest is worked out. `sealed_at` is set when an archive holds them."""

    currency: str
    impressions: int = 0
    clicks: int = 0
    add_to_cart: int = 0
    orders: int = 0
    buyers: int = 0
    units: int = 0
    sales_amount: Decimal = ZERO
    discount_cost: Decimal = ZERO
    ad_spend: Decimal = ZERO
    others: list[dict[str, Any]] = field(default_factory=list)
    last_event_at: datetime | None = None
    last_order_at: datetime | None = None
    sealed_at: datetime | None = None

    @property
    def click_rate(self) -> Decimal | None:
        """Clicks ÷ impressions."""
        return share(self.clicks, self.impressions)

    @property
    def conversion_rate(self) -> Decimal | None:
        """Orders ÷ clicks."""
        return share(self.orders, self.clicks)

    @property
    def average_order_value(self) -> Decimal | None:
        """Sales amount ÷ orders, in the currency's places."""
        return money.quantise(self.sales_amount / self.orders, self.currency) if self.orders else None

    @property
    def cost(self) -> Decimal:
        """What was put in: discounts and advertising."""
        return self.discount_cost + self.ad_spend

    @property
    def roi(self) -> Decimal | None:
        """Sales amount ÷ cost."""
        return (self.sales_amount / self.cost).quantize(_ROI, ROUND_HALF_UP) if self.cost else None

    def twelve(self) -> dict[str, Any]:
        """The twelve by key: ints, Decimals or None."""
        return {key: getattr(self, key) for key in KEYS}

    def document(self) -> dict[str, Any]:
        """The twelve for machines: counts and rates as numbers, money as text."""
        return {metric.key: plain(metric, getattr(self, metric.key), self.currency) for metric in METRICS}


def share(part: int, whole: int) -> Decimal | None:
    """`part / whole` to six places; None of nothing."""
    return (Decimal(part) / whole).quantize(_RATE, ROUND_HALF_UP) if whole else None


def plain(metric: Metric, value: Any, currency: str) -> Any:
    """A metric for machines: money as text in its currency's places, rates and ratios as numbers."""
    if value is None:
        return None
    if metric.form == "money":
        return money.text(value, currency)
    return int(value) if metric.form == "count" else float(value)
