"""The room's place in Django."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    """Floor 8: campaigns, items, lifecycle, guards, closing, post-close checks."""

    name = "campaigns"

    def ready(self) -> None:
        """Register the guards and the outbox handlers."""
        import_module("campaigns.house_guards")
        import_module("campaigns.business_guards")
        import_module("campaigns.conflict_guard")
        import_module("campaigns.events")
        import_module("campaigns.coupon_links").join()
