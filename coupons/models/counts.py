"""Claims counted by quarters of an hour, so that figures over months cost no more than those over a day (`coupons.counting`, R52, R153)."""

from __future__ import annotations

from django.db import models
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.claim import Claim
from coupons.models.coupon import Coupon


class ClaimCount(models.Model):
    """Claims made in one quarter of an hour on one channel, and how many of them were followed by an order, and redeemed.

    A quarter, because a store's day may begin at a half or three quarters of an hour of UTC.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="+", db_index=False)
    at = models.DateTimeField(help_text="When the quarter began.")
    channel = models.CharField(max_length=20, blank=True)
    claims = models.PositiveIntegerField(default=0)
    orders = models.PositiveIntegerField(default=0)
    redemptions = models.PositiveIntegerField(default=0)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["coupon", "at", "channel"], name="claim_count_once")]

    def __str__(self) -> str:
        return f"{self.claims} of {self.coupon_id} at {self.at:%Y-%m-%dT%H:%M} {self.channel}"


class Counted(models.Model):
    """How far a coupon's claims are counted: all claimed before `until` are, `claims` of them."""

    coupon = models.OneToOneField(Coupon, on_delete=models.CASCADE, primary_key=True, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    until = models.DateTimeField()
    claims = models.PositiveIntegerField(default=0)

    objects = ScopedManager(store="store")

    def __str__(self) -> str:
        return f"{self.coupon_id} until {self.until:%Y-%m-%dT%H:%M}"


class Stage(models.IntegerChoices):
    """What became of a claim; one that nothing became of has no row."""

    ORDERED = 1
    REDEEMED = 2


class ClaimStage(models.Model):
    """The stage under which a claim is counted."""

    claim = models.OneToOneField(Claim, on_delete=models.CASCADE, primary_key=True, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    stage = models.PositiveSmallIntegerField(choices=Stage.choices)

    objects = ScopedManager(store="store")

    def __str__(self) -> str:
        return f"{self.claim_id} {self.stage}"


class ClaimNews(models.Model):
    """A claim whose stage may have changed, or that came too late to be counted with its quarter; gone once it is counted."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="+")
    claim = models.ForeignKey(Claim, on_delete=models.CASCADE, related_name="+")
    late = models.BooleanField(default=False, db_default=False)

    objects = ScopedManager(store="store")

    def __str__(self) -> str:
        return f"news of {self.claim_id}"
