"""The room's place in Django."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings

from core.catalogue import ensure_compiled


class CoreConfig(AppConfig):
    """Clock, outbox, errors, money, codes."""

    name = "core"

    def ready(self) -> None:
        """Both languages speak from the first request, in every process, after a plain clone; no query escapes the scopes."""
        import_module("core.scopes")
        import_module("core.database.arrays")
        ensure_compiled(settings.LOCALE_PATHS)
