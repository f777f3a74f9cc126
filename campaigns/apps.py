"""The room's place in Django."""

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Floor 8: campaigns, items, lifecycle, guards, closing, post-close checks."""

    name = "campaigns"
