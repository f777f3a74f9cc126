"""The room's place in Django."""

from django.apps import AppConfig


class PoliciesConfig(AppConfig):
    """Floor 2: versioned rule sets: every threshold, window and limit, with version and date."""

    name = "policies"
