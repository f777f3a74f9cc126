"""The room's place in Django."""

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules


class AuditConfig(AppConfig):
    """Floor 1: the append-only, tamper-evident record."""

    name = "audit"

    def ready(self) -> None:
        """Collect the words of each room's actions."""
        autodiscover_modules("audit_words")
