"""The room's place in Django."""

from importlib import import_module

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    """Floor 6: language sites, published snapshots, publishers, probes of public pages."""

    name = "publishing"

    def ready(self) -> None:
        """Hear of new stores and changed listings; take the outbox's calls."""
        import_module("publishing.joins").join()
