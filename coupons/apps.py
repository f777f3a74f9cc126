"""The room's place in Django."""

from __future__ import annotations

from django.apps import AppConfig


class CouponsConfig(AppConfig):
    """Floor 7: coupons, claims, redemptions, refusals, effect watch."""

    name = "coupons"
