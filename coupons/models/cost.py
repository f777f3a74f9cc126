"""What a coupon costs, entry by entry (R58). Amounts in the coupon's currency."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.claim import Claim
from coupons.models.coupon import Coupon
from listings.models import MONEY


class CostKind(models.TextChoices):
    """What made a coupon cost something."""

    REDEMPTION = "redemption", _("Redemption")
    REVERSAL = "reversal", _("Redemption taken back")
    CLICKS = "clicks", _("Clicks on the slot")


class CostEntry(models.Model):
    """One entry of the ledger. Never changed, never deleted: a database trigger refuses it; what comes back is an entry of its own.

    `amount` is what the seller bears: above zero for a redemption, below for one taken back. `goods_sales` and `goods_margin` are those of
    the order's lines whose cost was known at that moment, `lines_without_cost` counts the others; `units` are clicks.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="costs", db_index=False)
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+", null=True, db_index=False)
    kind = models.CharField(max_length=10, choices=CostKind.choices)
    at = models.DateTimeField()
    amount = models.DecimalField(**MONEY)
    currency = models.CharField(max_length=3)
    order_code = models.CharField(max_length=64, blank=True, default="")
    units = models.IntegerField(default=0)
    goods_sales = models.DecimalField(**MONEY, default=0)
    goods_margin = models.DecimalField(**MONEY, default=0)
    lines_without_cost = models.IntegerField(default=0)
    note = models.CharField(max_length=200, blank=True, default="")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            # A retried job, or two of them at once, write a redemption once and take it back once.
            models.UniqueConstraint(
                fields=["claim", "order_code", "kind"],
                name="coupon_cost_once",
                condition=models.Q(claim__isnull=False),
            ),
            models.CheckConstraint(
                condition=models.Q(kind="redemption", amount__gt=0, claim__isnull=False)
                | models.Q(kind="reversal", amount__lt=0, claim__isnull=False)
                | models.Q(kind="clicks", claim__isnull=True),
                name="coupon_cost_sign",
            ),
        ]
        indexes = [models.Index(fields=["coupon", "-id"], name="coupon_cost_list")]

    def __str__(self) -> str:
        return f"{self.kind} {self.amount} {self.currency}"
