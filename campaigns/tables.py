"""Tables of the campaign pages."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

import policies
from campaigns.cells import CampaignCells
from campaigns.listed import Listed
from core import clock, display
from core.tables import (
    ActionsColumn,
    AmountColumn,
    BaseTable,
    CellColumn,
    DrawnColumn,
    NumberColumn,
    PickColumn,
    StateColumn,
    WhenColumn,
)
from core.templatetags.bo import chip
from policies.rules import GuardRules


class CampaignTable(BaseTable):
    """活动管理."""

    caption = _("Campaigns")
    row_header = "name"

    pick = PickColumn(accessor="code", about="label")
    name = DrawnColumn(verbose_name=_("Campaign"))
    state = DrawnColumn(verbose_name=_("State"))
    ends_at = WhenColumn(verbose_name=_("Ends"), orderable=False)
    actions = DrawnColumn(
        accessor="code", verbose_name=_("Actions"), attrs={"th": {"class": "bo-acts"}, "td": {"class": "bo-acts"}}
    )

    def __init__(self, *args: Any, cells: CampaignCells, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cells = cells

    def render_name(self, record: Listed) -> SafeString:
        """Name, code, kind and size."""
        return self.cells.name(record)

    def render_state(self, record: Listed) -> SafeString:
        """The chip of the state, and what else is to be known about it."""
        return self.cells.state(record, self.context)

    def render_actions(self, record: Listed) -> SafeString:
        """The buttons in sight and the menu."""
        return self.cells.actions(record, self.context)


class PriceColumn(AmountColumn):
    """An amount of an item: bare in the currency of the heading, with its own sign where its SKU is sold in another."""

    def render(self, value: Decimal, record: Any) -> str:
        """In the SKU's own currency."""
        own = record.sku.currency
        return display.amount(value, own) if own == self.currency else display.money(value, own)


class ItemTable(BaseTable):
    """Products of a campaign."""

    caption = _("Products of this campaign")
    row_header = "sku"

    sku = CellColumn(template_name="campaigns/_item_cell.html", verbose_name=_("Product"), orderable=False)
    sale_price = PriceColumn(accessor="sku__sale_price", verbose_name=_("Sale price"), orderable=False)
    price = PriceColumn(verbose_name=_("Campaign price"), orderable=False)
    percent_off = tables.Column(
        empty_values=(),
        verbose_name=pgettext_lazy("price", "Off"),
        orderable=False,
        attrs={"th": {"class": "bo-num"}, "td": {"class": "bo-num"}},
    )
    available = NumberColumn(accessor="sku__available", verbose_name=_("Available"), orderable=False)

    def __init__(self, *args: object, currency: str, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        for name, word in (("sale_price", _("Sale price")), ("price", _("Campaign price"))):
            self.columns[name].column.currency = currency
            self.columns[name].column.verbose_name = f"{word} ({currency})"

    def render_percent_off(self, record: object) -> str:
        """How much below the sale price of now."""
        price, sale = record.price, record.sku.sale_price  # type: ignore[attr-defined]  # a CampaignItem
        return "—" if price is None or not sale else f"{(1 - price / sale) * 100:.0f}%"


class ProtectedItemTable(ItemTable):
    """Products under Price Protection, beside the lowest price that a buyer paid lately (R23)."""

    lowest_deal = PriceColumn(verbose_name=_("Lowest deal price in 30 days"), orderable=False)
    kept = tables.Column(empty_values=(), verbose_name=_("Price Protection promise"), orderable=False)

    class Meta:
        sequence = ("sku", "sale_price", "price", "lowest_deal", "kept")
        exclude = ("percent_off", "available")

    def __init__(self, *args: object, currency: str, **kwargs: object) -> None:
        super().__init__(*args, currency=currency, **kwargs)
        days = policies.active(GuardRules, clock.now()).lowest_deal_days
        words = _("Lowest deal price in %(days)s days") % {"days": days}
        self.columns["lowest_deal"].column.currency = currency
        self.columns["lowest_deal"].column.verbose_name = f"{words} ({currency})"

    def render_kept(self, record: Any) -> SafeString:
        """Whether the SKU stands in the way of a close."""
        gap = record.deal_gap
        if gap is None:
            return chip("paused", "alert", gettext("Not sold lately"))
        if gap > 0:
            return chip("cancel", "alert-octagon", gettext("Above the campaign price"))
        return chip("run", "check-circle", gettext("At or below it"))


class PlanTable(BaseTable):
    """Affiliate plans."""

    caption = _("Affiliate plans")
    row_header = "name"

    name = CellColumn(template_name="campaigns/_plan_cell.html", verbose_name=_("Plan"), orderable=False)
    state = StateColumn(kind="affiliate_plan", orderable=False)
    state_since = WhenColumn(verbose_name=_("Since"), orderable=False)
    promotes = CellColumn(
        template_name="campaigns/_plan_campaigns.html", verbose_name=_("Promotes"), orderable=False, accessor="id"
    )
    actions = ActionsColumn("campaigns/_plan_actions.html", accessor="id")


class ConflictTable(BaseTable):
    """Overlap groups: a SKU, and the campaigns that are on it at the same time."""

    caption = _("SKUs that are in several campaigns at the same time")
    row_header = "sku"

    sku = CellColumn(template_name="campaigns/_conflict_sku.html", verbose_name=_("SKU"), orderable=False)
    parties = CellColumn(
        template_name="campaigns/_conflict_parties.html", verbose_name=_("Campaigns on it"), orderable=False
    )
    actions = ActionsColumn("campaigns/_conflict_actions.html", accessor="sku_id")


class LeftoverTable(BaseTable):
    """The leftover hunter."""

    caption = _("Leftovers")
    row_header = "page"

    pick = PickColumn(accessor="pk", about="page_url")
    page = CellColumn(template_name="campaigns/_leftover_page.html", verbose_name=_("Page"), orderable=False)
    campaign = CellColumn(
        template_name="campaigns/_leftover_campaign.html", verbose_name=_("Campaign"), orderable=False
    )
    what = CellColumn(template_name="campaigns/_leftover_what.html", verbose_name=_("What"), orderable=False)
    seen = CellColumn(
        template_name="campaigns/_leftover_seen.html",
        verbose_name=_("Seen since"),
        accessor="first_seen_at",
        orderable=False,
    )
    state = CellColumn(
        template_name="campaigns/_leftover_state.html", verbose_name=_("State"), accessor="pk", orderable=False
    )
