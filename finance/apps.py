"""The room's place in Django."""

from __future__ import annotations

from django.apps import AppConfig


class FinanceConfig(AppConfig):
    """Floor 7: marketing deposits, arrears, payments."""

    name = "finance"
