"""The room's place in Django."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class CouponsConfig(AppConfig):
    """Floor 7: coupons, claims, redemptions, refusals, effect watch."""

    name = "coupons"

    def ready(self) -> None:
        """Join what lower rooms ask for, and lend pages; a line a module."""
        import_module("coupons.creation_codes")
        import_module("coupons.evidence")
        import_module("coupons.events")
        import_module("coupons.stop_codes")
        import_module("coupons.views.states")
        import_module("coupons.views.stock")
        import_module("coupons.watch_codes")
        import_module("coupons.watch_pages")
        import_module("coupons.beyond")
        import_module("coupons.claim_codes")
        import_module("coupons.returning")
        import_module("coupons.claim_reach")
