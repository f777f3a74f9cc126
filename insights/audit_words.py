"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare

declare("campaign", {"spend": ("coin", _("Record ad spend"))})
declare("event", {"take": ("eye", _("Take events of a storefront"))})
declare(
    "history", {"export": ("download", _("Export past campaigns"))}, fields={"rows": _("Rows"), "filters": _("Filters")}
)
