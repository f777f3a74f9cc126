"""Tables of the deposit pages."""

from __future__ import annotations

from typing import Any

import django_tables2 as tables
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from core.tables import AmountColumn, BaseTable, WhenColumn
from core.templatetags.bo import chip
from finance.models import EntryKind


class EntryTable(BaseTable):
    """Charges and payments, newest first."""

    caption = _("Payment record")
    row_header = "kind"

    kind = tables.Column(verbose_name=_("What"), orderable=False)
    at = WhenColumn(verbose_name=_("When"), orderable=False)
    amount = AmountColumn(verbose_name=_("Amount"), orderable=False)
    arrears = AmountColumn(verbose_name=_("In arrears after it"), orderable=False)
    note = tables.Column(verbose_name=_("Note"), orderable=False)
    actor_label = tables.Column(verbose_name=_("By"), orderable=False)

    def render_kind(self, record: Any) -> SafeString:
        """Charge or payment, as a chip."""
        if record.kind == EntryKind.CHARGE:
            return chip("paused", "coin", record.get_kind_display())
        return chip("run", "check-circle", record.get_kind_display())
