"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare

declare(
    "deposit",
    {
        "charge": ("coin", _("Charge marketing deposit")),
        "pay": ("coin", _("Pay marketing deposit")),
    },
    objects={"deposit": _("Marketing deposit")},
    fields={"amount": _("Amount"), "arrears": _("In arrears"), "note": _("Note")},
)
