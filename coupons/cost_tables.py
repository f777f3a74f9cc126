"""Tables of the costs tab."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from core.tables import AmountColumn, BaseTable, NumberColumn, WhenColumn
from core.templatetags.bo import chip
from coupons.models import CostKind


class CostTable(BaseTable):
    """The ledger, newest entry first."""

    caption = _("Cost ledger")
    row_header = "kind"

    kind = tables.Column(verbose_name=_("What"), orderable=False)
    at = WhenColumn(verbose_name=_("When"), orderable=False)
    amount = AmountColumn(verbose_name=_("Cost"), orderable=False)
    order_code = tables.Column(verbose_name=_("Order"), orderable=False, default="—")
    claim = tables.Column(verbose_name=_("Claim"), orderable=False, default="—")
    note = tables.Column(verbose_name=_("Note"), orderable=False, default="—")

    def render_kind(self, record: Any) -> SafeString:
        """The kind as a chip; clicks with their number."""
        if record.kind == CostKind.CLICKS:
            return chip("sched", "speaker", _now("%(n)s clicks") % {"n": record.units})
        if record.kind == CostKind.REVERSAL:
            return chip("paused", "undo", record.get_kind_display())
        return chip("run", "check-circle", record.get_kind_display())


class CostDayTable(BaseTable):
    """Cost by day: the twin of the chart."""

    caption = _("Cost by day")
    row_header = "day"

    day = tables.Column(verbose_name=_("Day"), orderable=False)
    cost = tables.Column(
        verbose_name=_("Cost"), orderable=False, attrs={"th": {"class": "bo-num"}, "td": {"class": "bo-num"}}
    )
    redemptions = NumberColumn(verbose_name=_("Redemptions"), orderable=False)
