"""Words of this room's entries in the audit log."""

from __future__ import annotations

from django.utils.translation import gettext_lazy as _

from audit.actions import declare

declare("quote", {"make": ("receipt", _("Make quote"))}, objects={"quote": _("Quote")}, fields={"quote": _("Quote")})
