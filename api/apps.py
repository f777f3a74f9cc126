"""The room's place in Django."""

from django.apps import AppConfig


class ApiConfig(AppConfig):
    """Floor 10: REST routers, idempotency, problem documents."""

    name = "api"
