"""What is known of a store beyond its account: what coupons ask for before they open, and what they advise on (R57, R174)."""

from __future__ import annotations

from django.core.validators import MaxValueValidator
from django.db import models
from django_scopes import ScopedManager

from accounts.models import Store


class Evidence(models.Model):
    """Set by platform staff. None means: not said. Then the KYC of the account speaks for its Alipay+ account, too, and the rating and the
    logistics are unknown."""

    store = models.OneToOneField(Store, on_delete=models.CASCADE, primary_key=True, related_name="+")
    alipay_level = models.PositiveSmallIntegerField(null=True, blank=True, validators=[MaxValueValidator(2)])
    positive_rating = models.DecimalField(max_digits=5, decimal_places=2, null=True, blank=True)
    official_logistics = models.BooleanField(null=True, blank=True)

    objects = ScopedManager(store="store")

    def __str__(self) -> str:
        return f"evidence of {self.store_id}"
