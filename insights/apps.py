"""The room's place in Django."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class InsightsConfig(AppConfig):
    """Floor 9: counters, the twelve metrics, archives' figures, history, export."""

    name = "insights"

    def ready(self) -> None:
        """Join the archive of a close, and the pages of a campaign."""
        import_module("insights.sealing")
        import_module("insights.lending")
