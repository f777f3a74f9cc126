"""The room's place in Django."""

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    """Floor 6: orders with frozen promotion snapshots."""

    name = "orders"
