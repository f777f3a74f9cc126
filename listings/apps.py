"""The room's place in Django."""

from django.apps import AppConfig


class ListingsConfig(AppConfig):
    """Floor 5: categories, brands, listings, SKUs, live offers, price history, stock."""

    name = "listings"
