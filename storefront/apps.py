"""The room's place in Django."""

from django.apps import AppConfig


class StorefrontConfig(AppConfig):
    """Floor 9: what a buyer meets: product pages per language site, quote, checkout."""

    name = "storefront"
