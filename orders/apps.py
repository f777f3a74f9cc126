"""The room's place in Django."""

from importlib import import_module

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Floor 6: orders with frozen promotion snapshots."""

    name = "orders"

    def ready(self) -> None:
        """Declare the work of this room's jobs; answer what orders did to stock."""
        import_module("orders.import_job")
        import_module("orders.stock").join()
