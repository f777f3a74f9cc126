"""The room's place in Django."""

from django.apps import AppConfig


class AuditConfig(AppConfig):
    """Floor 1: the append-only, tamper-evident record."""

    name = "audit"
