"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare

declare("api", {"call": ("plug", _("Call over the API"))}, objects={"api": _("API operation")})
