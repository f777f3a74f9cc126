"""Claims, their refusals, and the addresses that the velocity rule counts."""

from __future__ import annotations

from datetime import datetime

from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.coupon import Coupon
from listings.models import MONEY


class ClaimState(models.TextChoices):
    """What became of a claim. An unused one of an expired coupon stays `claimed`; the coupon's end says the rest."""

    CLAIMED = "claimed", _("Claimed")
    REDEEMED = "redeemed", _("Redeemed")
    VOIDED = "voided", _("Void")


class Claim(models.Model):
    """A buyer holds a coupon: once each (R55). `amount` is what the redemption took off, in the coupon's currency."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="claims", db_index=False)
    code = models.CharField(max_length=20)
    buyer = models.CharField(max_length=80)
    country = models.CharField(max_length=2, blank=True)
    channel = models.CharField(max_length=20, blank=True)
    state = models.CharField(max_length=8, choices=ClaimState.choices, default=ClaimState.CLAIMED)
    claimed_at = models.DateTimeField()
    redeemed_at = models.DateTimeField(null=True)
    order_code = models.CharField(max_length=64, blank=True, default="")
    amount = models.DecimalField(**MONEY, null=True)
    voided_at = models.DateTimeField(null=True)
    void_reason = models.CharField(max_length=40, blank=True, default="")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["coupon", "buyer"], name="claim_once_per_buyer"),
            models.UniqueConstraint(fields=["store", "code"], name="claim_code_once"),
            models.CheckConstraint(
                condition=~models.Q(state="redeemed")
                | (models.Q(redeemed_at__isnull=False) & ~models.Q(order_code="") & models.Q(amount__isnull=False)),
                name="claim_redeemed_by_an_order",
            ),
        ]
        indexes = [
            # Each row stands in one of these three, under the moment that its state is about: the usage list, newest first.
            models.Index(
                fields=["coupon", "-claimed_at", "-id"], name="claim_unused", condition=models.Q(state="claimed")
            ),
            models.Index(
                fields=["coupon", "-redeemed_at", "-id"], name="claim_redeemed", condition=models.Q(state="redeemed")
            ),
            models.Index(
                fields=["coupon", "-voided_at", "-id"], name="claim_voided", condition=models.Q(state="voided")
            ),
            models.Index(fields=["coupon", "channel", "-claimed_at", "-id"], name="claim_of_channel"),
            models.Index(fields=["store", "buyer"], name="claim_of_buyer"),
            models.Index(fields=["store", "order_code"], name="claim_of_order", condition=~models.Q(order_code="")),
        ]

    def __str__(self) -> str:
        return self.code

    @cached_property
    def expires_at(self) -> datetime:
        """Until when it can be used: its coupon's end."""
        return self.coupon.ends_at


class Phase(models.TextChoices):
    """When a coupon was refused."""

    CLAIM = "claim", _("Claim")
    QUOTE = "quote", _("Quote")
    ORDER = "order", _("Order")


class Refusal(models.Model):
    """A refused claim or use, with its code (R74, R141). The same refusal of the same buyer within an hour counts in `times`.

    `facts` are what the plain explanation and the refusal mirror need: limits, what was missing, the SKU.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="refusals", db_index=False)
    phase = models.CharField(max_length=5, choices=Phase.choices)
    code = models.CharField(max_length=40)
    buyer = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2, blank=True)
    channel = models.CharField(max_length=20, blank=True)
    hour = models.DateTimeField(help_text="The hour it began in.")
    at = models.DateTimeField()
    last_at = models.DateTimeField()
    times = models.PositiveIntegerField(default=1)
    facts = models.JSONField(default=dict)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["coupon", "phase", "code", "buyer", "hour"], name="refusal_once_an_hour")
        ]
        indexes = [
            # `times` is in none of them, so that counting a repeated refusal stays a heap-only update.
            models.Index(fields=["coupon", "-at", "-id"], name="refusal_list"),
            models.Index(fields=["coupon", "code", "-at", "-id"], name="refusal_by_code"),
            models.Index(fields=["coupon", "channel", "-at", "-id"], name="refusal_of_channel"),
            # A handful of rows: what the effect watch looks for every minute.
            models.Index(fields=["at"], name="refusal_velocity", condition=models.Q(code="ERR_COUPON_VELOCITY")),
        ]

    def __str__(self) -> str:
        return f"{self.code} x {self.times}"


class ClaimAddress(models.Model):
    """A granted claim by the keyed hash of its address, for the velocity rule (R69). Dropped after a day (R193)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="+", db_index=False)
    digest = models.BinaryField(max_length=32)
    at = models.DateTimeField()

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [
            models.Index(fields=["coupon", "digest", "at"], name="claim_address_recent"),
            models.Index(fields=["at"], name="claim_address_old"),
        ]

    def __str__(self) -> str:
        return f"claim of {self.coupon_id} at {self.at:%H:%M}"
