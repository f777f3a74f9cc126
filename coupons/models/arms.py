"""Two coupons of a store tested against each other (R67)."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.coupon import Coupon


class ArmsState(models.TextChoices):
    """States of a test."""

    RUNNING = "running", _("Test running")
    STOPPED = "stopped", _("Test stopped")


class CouponTest(models.Model):
    """A test of two arms. `code` is what buyers enter; a hash of `salt` and the buyer's name says which arm they get, always the same.

    `share` is the percentage of buyers who get arm B.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=80)
    arm_a = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="+")
    arm_b = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="+")
    share = models.PositiveSmallIntegerField(default=50)
    salt = models.BinaryField(max_length=16)
    state = models.CharField(max_length=7, choices=ArmsState.choices, default=ArmsState.RUNNING)
    started_at = models.DateTimeField()
    stopped_at = models.DateTimeField(null=True)
    started_by = models.CharField(max_length=160)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "code"], name="coupon_test_code_once"),
            models.CheckConstraint(condition=models.Q(share__gte=1, share__lte=99), name="coupon_test_share"),
            models.CheckConstraint(condition=~models.Q(arm_a=models.F("arm_b")), name="coupon_test_two_arms"),
            models.CheckConstraint(
                condition=models.Q(state="running") ^ models.Q(stopped_at__isnull=False), name="coupon_test_stopped_at"
            ),
        ]

    def __str__(self) -> str:
        return self.code
