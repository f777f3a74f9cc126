"""Tables of the listing pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.tables import BaseTable, CellColumn, NumberColumn, PickColumn, WhenColumn


class ListingTable(BaseTable):
    """Listings, newest first; the columns after the name come from one query each for the whole page."""

    caption = _("Listings")
    row_header = "title"

    pick = PickColumn(accessor="pk", about="label")
    title = CellColumn(template_name="listings/_title_cell.html", verbose_name=_("Product"), orderable=False)
    price = CellColumn(
        template_name="listings/_price_cell.html",
        verbose_name=_("Sale price"),
        orderable=False,
        attrs={"th": {"class": "bo-num"}, "td": {"class": "bo-num"}},
    )
    stock = NumberColumn(verbose_name=_("Stock"), orderable=False)
    tags = CellColumn(
        template_name="listings/_tags_cell.html", verbose_name=_("Marketing information"), orderable=False
    )
    state = CellColumn(template_name="listings/_state_cell.html", verbose_name=_("State"), orderable=False)
    updated_at = WhenColumn(verbose_name=_("Last change"), orderable=False)
