"""The room's place in Django."""

from django.apps import AppConfig


class AccountsConfig(AppConfig):
    """Floor 3: users, stores, memberships, lent rights, API tokens."""

    name = "accounts"
