"""The table of the codes tab."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from core import display
from core.tables import ActionsColumn, BaseTable, DrawnColumn, NumberColumn, WhenColumn
from core.templatetags.bo import chip
from coupons.models import BatchState


class BatchTable(BaseTable):
    """Batches of single-use codes, newest first."""

    caption = _("Batches of single-use codes")
    row_header = "name"

    name = tables.Column(verbose_name=_("Batch"), orderable=False)
    state = DrawnColumn(verbose_name=_("State"))
    size = NumberColumn(verbose_name=_("Codes"), orderable=False)
    used = NumberColumn(verbose_name=_("Used"), orderable=False)
    created_at = WhenColumn(verbose_name=_("Made"), orderable=False)
    exports = NumberColumn(verbose_name=_("Downloads"), orderable=False)
    actions = ActionsColumn("coupons/_batch_actions.html", accessor="pk")

    def render_state(self, record: Any) -> SafeString:
        """The state as a chip; how far the making is."""
        if record.state == BatchState.MAKING:
            if record.failed:
                return chip("cancel", "cross-circle", _now("Failed"))
            share = _now("%(made)s of %(size)s made") % {
                "made": display.number(record.made), "size": display.number(record.size),
            }  # fmt: skip
            return format_html(
                '{}<span class="bo-sub">{}</span>', chip("sched", "loader", record.get_state_display()), share
            )
        if record.state == BatchState.WITHDRAWN:
            return chip("cancel", "ban", record.get_state_display())
        if record.sealed_at is not None:
            return chip("run", "lock", _now("Ready, sealed"))
        return chip("run", "check-circle", record.get_state_display())
