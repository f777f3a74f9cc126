"""The room's place in Django."""

from importlib import import_module

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class InboxConfig(AppConfig):
    """Floor 4: messages to people and the error-code catalogue."""

    name = "inbox"

    def ready(self) -> None:
        """Collect what the rooms declare in their `codes.py`; hear of lost rows, penalties and people; lend pages the words of codes."""
        autodiscover_modules("codes")
        import_module("inbox.parked").join()
        import_module("inbox.explaining").join()
        import_module("inbox.penalties").join()
        import_module("inbox.people").join()
