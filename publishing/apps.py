"""The room's place in Django."""

from django.apps import AppConfig


class PublishingConfig(AppConfig):
    """Floor 6: language sites, published snapshots, publishers, probes of public pages."""

    name = "publishing"
