"""Words of the record about itself, and fields that many rooms share."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare

declare(
    "audit",
    {"erase": ("trash", _("Erase personal values")), "export": ("download", _("Export the audit log"))},
    objects={"person": _("Person"), "audit": _("Audit log")},
    fields={
        "state": _("State"), "name": _("Name"), "name_zh": _("Name in Chinese"), "title": _("Title"), "reason": _("Reason"),
        "note": _("Note"), "version": _("Version"), "code": _("Code"), "detail": _("Detail"), "rows": _("Rows"),
        "values": _("Values"), "events": _("Entries"), "starts_at": _("Starts"), "ends_at": _("Ends"), "items": _("Items"),
        "price": _("Price"), "right": _("Right"), "errors": _("Errors"), "holder": _("Held by"), "seconds_left": _("Seconds left"),
        "blockers": _("Checks not passed"), "filter": _("Filter"),
    },
)  # fmt: skip
