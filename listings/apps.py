"""The room's place in Django."""

from importlib import import_module
from typing import Any

from django.apps import AppConfig
from django.db.models.signals import post_migrate

from listings.tree import plant


class ListingsConfig(AppConfig):
    """Floor 5: categories, brands, listings, SKUs, live offers, price history, stock."""

    name = "listings"

    def ready(self) -> None:
        """Plant the category tree after each migrate; join the news of stores; declare the work of this room's jobs."""
        import_module("listings.import_job")
        import_module("listings.profile").join()
        post_migrate.connect(self._plant, sender=self, dispatch_uid="listings.tree")

    def _plant(self, using: str, **_: Any) -> None:
        plant(self.get_model("Category"), using)
