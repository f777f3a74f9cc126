"""The room's place in Django."""

from django.apps import AppConfig


class InboxConfig(AppConfig):
    """Floor 4: messages to people and the error-code catalogue."""

    name = "inbox"
