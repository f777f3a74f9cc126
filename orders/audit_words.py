"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare

declare(
    "order",
    {
        "record": ("receipt", _("Record orders")),
        "edit": ("pencil", _("Change state of order")),
        "place": ("receipt", _("Place order")),
    },
    objects={"order": _("Order")},
    fields={
        "fulfilment_number": _("Fulfilment number"),
        "dispute": _("Dispute"),
        "orders": _("Number of orders"),
        "lines": _("Lines"),
        "total": _("Total"),
        "placed_at": _("Placed at"),
        "subtotal": _("Subtotal"),
        "discount": _("Discount"),
        "history": _("Taken over as history"),
        "stock_returned": _("Units back in stock"),
    },
)
declare(
    "orders",
    {"upload": ("upload", _("Upload orders")), "import": ("upload", _("Import orders"))},
    objects={"orders": _("Order imports")},
)
