"""Tables of the order pages."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from core.tables import BaseTable, CellColumn, NumberColumn, WhenColumn


class OrderTable(BaseTable):
    """Orders, newest first."""

    caption = _("Orders")
    row_header = "code"

    code = CellColumn(template_name="orders/_code_cell.html", verbose_name=_("Order"), orderable=False)
    placed_at = WhenColumn(verbose_name=_("Placed"), orderable=False)
    state = CellColumn(template_name="orders/_state_cell.html", verbose_name=_("State"), orderable=False)
    lines_count = NumberColumn(verbose_name=_("Lines"), orderable=False)
    total = CellColumn(
        template_name="orders/_total_cell.html",
        verbose_name=_("Total"),
        orderable=False,
        attrs={"th": {"class": "bo-num"}, "td": {"class": "bo-num"}},
    )
