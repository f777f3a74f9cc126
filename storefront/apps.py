"""The room's place in Django."""

from __future__ import annotations

from importlib import import_module

from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    """Floor 9: what a buyer meets: product pages per language site, quote, checkout."""

    name = "storefront"

    def ready(self) -> None:
        """Join the checks after a close: would an order still get anything of the campaign?"""
        import_module("storefront.order_flow")
