"""The room's place in Django."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class InboxConfig(AppConfig):
    """Floor 4: messages to people and the error-code catalogue."""

    name = "inbox"

    def ready(self) -> None:
        """Collect what the rooms declare in their `codes.py`; hear of outbox rows that were given up."""
        autodiscover_modules("codes")
        import_module("inbox.parked").join()
