"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare
from listings.delisting import DelistReason
from listings.models import ChangeSource, Fulfilment, Management

declare(
    "listing",
    {
        "create": ("plus", _("Create listing")),
        "edit": ("pencil", _("Edit listing")),
        "delist": ("archive", _("Delist listings")),
    },
    objects={"listing": _("Listing"), "sku": _("SKU")},
    reasons=dict(DelistReason.choices),
    fields={
        "sale_price": _("Sale price"), "prices": _("Sale prices"), "stock": _("Stock"), "category": _("Category"), "brand": _("Brand"),
        "skus": _("SKUs"), "cost": _("Cost"), "listings": _("Number of listings"), "mode": _("Way"), "applied": _("Applied"),
        "rejected": _("Rejected rows"), "source": _("Source"), "main_image": _("Main image"), "management": _("Management"),
        "fulfilment": _("Fulfilment"), "logistics_template": _("Shipping template"), "titles": _("Titles"),
        "changed": _("Changed"), "unchanged": _("Unchanged"),
    },
    values={
        "management": dict(Management.choices), "fulfilment": dict(Fulfilment.choices), "source": dict(ChangeSource.choices),
    },
)  # fmt: skip
declare("price", {"set": ("coin", _("Set sale prices"))}, objects={"price": _("Sale prices")})
declare("stock", {"set": ("box", _("Set stock"))}, objects={"stock": _("Stock")})
declare(
    "catalogue",
    {
        "upload": ("upload", _("Upload catalogue")),
        "import": ("upload", _("Import catalogue")),
        "write": ("upload", _("Write a part of an import")),
    },
    objects={"catalogue": _("Catalogue"), "job": _("Import job")},
    fields={"file": _("File"), "sha256": _("SHA-256 of the file"), "created": _("Created"), "updated": _("Changed")},
)
declare(
    "store",
    {"decorate": ("photo", _("Decorate the store"))},
    fields={
        "logo": _("Logo"),
        "banner": _("Banner"),
        "main_category": _("Main category"),
        "decoration_waived": _("Decoration waived"),
    },
)
