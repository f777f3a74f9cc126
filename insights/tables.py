"""Tables of the history and the analytics pages."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from core import display
from core.tables import ActionsColumn, BaseTable, CellColumn, NumberColumn, WhenColumn
from insights.words import UNKNOWN, percent, ratio

_NUMBER = {"th": {"class": "bo-num"}, "td": {"class": "bo-num"}}


class RateColumn(tables.Column):
    """A share of one, as percent."""

    def __init__(self, **extra: Any) -> None:
        super().__init__(orderable=False, attrs=_NUMBER, empty_values=(), **extra)

    def render(self, value: Any, record: Any) -> str:
        """`4.12%`, or a dash."""
        return UNKNOWN if value is None else percent(value)


class RatioColumn(RateColumn):
    """A ratio."""

    def render(self, value: Any, record: Any) -> str:
        """`2.65`, or a dash."""
        return UNKNOWN if value is None else ratio(value)


class MoneyColumn(RateColumn):
    """An amount in the currency of the row's figures."""

    def render(self, value: Any, record: Any) -> str:
        """With its sign: rows may differ in currency."""
        return UNKNOWN if value is None else display.money(value, record.figures.currency)


class HistoryTable(BaseTable):
    """历史活动."""

    caption = _("Past campaigns")
    row_header = "name"

    name = CellColumn(template_name="campaigns/_name_cell.html", verbose_name=_("Campaign"), orderable=False)
    state = CellColumn(template_name="insights/_state_cell.html", verbose_name=_("State"), orderable=False)
    closed_at = WhenColumn(verbose_name=_("Closed at"), orderable=False)
    impressions = NumberColumn(accessor="figures__impressions", verbose_name=_("Impressions"), orderable=False)
    click_rate = RateColumn(accessor="figures__click_rate", verbose_name=_("Click rate"))
    orders = NumberColumn(accessor="figures__orders", verbose_name=pgettext_lazy("metric", "Orders"), orderable=False)
    sales_amount = MoneyColumn(accessor="figures__sales_amount", verbose_name=_("Sales amount"))
    roi = RatioColumn(accessor="figures__roi", verbose_name="ROI")
    actions = ActionsColumn("insights/_row_actions.html", accessor="code")

    METRICS = ("impressions", "click_rate", "orders", "sales_amount", "roi")


class StaleTable(BaseTable):
    """Live campaigns that do no good any more (R11, R12)."""

    caption = _("Stale campaigns")
    row_header = "name"

    name = CellColumn(
        template_name="insights/_stale_name.html", accessor="campaign", verbose_name=_("Campaign"), orderable=False
    )
    reasons = CellColumn(template_name="insights/_reasons.html", verbose_name=_("Why"), orderable=False)
    last_order_at = WhenColumn(
        accessor="figures__last_order_at", verbose_name=_("Last order"), orderable=False, default=UNKNOWN
    )
    ad_spend = MoneyColumn(accessor="figures__ad_spend", verbose_name=_("Ad spend"))
    stock = CellColumn(
        template_name="insights/_stock_cell.html", verbose_name=_("Stock at risk"), orderable=False, attrs=_NUMBER
    )
    roi = RatioColumn(accessor="figures__roi", verbose_name="ROI")
    actions = ActionsColumn("insights/_stale_actions.html", accessor="campaign")


class CauseTable(BaseTable):
    """Why closes are refused (R149)."""

    caption = _("Why closes are refused")
    row_header = "title"

    title = CellColumn(template_name="insights/_cause_cell.html", verbose_name=_("Cause"), orderable=False)
    attempts = NumberColumn(verbose_name=_("Refused attempts"), orderable=False)
    share = CellColumn(template_name="insights/_share_cell.html", verbose_name=_("Share"), orderable=False)
    source_share = tables.Column(
        verbose_name=_("By the platform’s figures"), orderable=False, attrs=_NUMBER, default=UNKNOWN
    )

    def render_source_share(self, value: float) -> str:
        """`41.2%`."""
        return f"{value:.1f}%"


class DayTable(BaseTable):
    """A campaign day by day: the twin of the charts."""

    caption = _("By day")
    row_header = "day"

    day = tables.Column(verbose_name=_("Day"), orderable=False)
    impressions = NumberColumn(verbose_name=_("Impressions"), orderable=False, default=0)
    clicks = NumberColumn(verbose_name=_("Clicks"), orderable=False, default=0)
    add_to_cart = NumberColumn(verbose_name=_("Added to cart"), orderable=False, default=0)
    orders = NumberColumn(verbose_name=pgettext_lazy("metric", "Orders"), orderable=False, default=0)
    units = NumberColumn(verbose_name=_("Units sold"), orderable=False, default=0)
    sales_amount = tables.Column(verbose_name=_("Sales amount"), orderable=False, attrs=_NUMBER)
