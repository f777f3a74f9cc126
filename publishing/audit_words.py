"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare

declare(
    "site",
    {
        "connect": ("world", _("Connect site")),
        "retry": ("refresh", _("Publish site again")),
    },
    objects={"site": _("Site")},
    fields={
        "publisher": _("Publisher"),
        "language": _("Language"),
        "behind": _("Listings behind"),
        "failed_calls": _("Failed calls"),
        "url": _("Web address"),
    },
)
