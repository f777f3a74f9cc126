"""The room's place in Django."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Clock, outbox, errors, money, codes."""

    name = "core"
