"""Which coupons live and die with which campaign."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django_scopes import ScopedManager

from accounts.models import Store
from campaigns.models.campaign import Campaign
from coupons.models import Coupon


class CampaignCoupon(models.Model):
    """A coupon of a campaign; a coupon has at most one. Its window in force is the part of its own that lies within the campaign's.

    `froze`: the campaign froze claimed ones of a coupon that somebody else had stopped, and thaws them again when it goes on.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="coupon_links")
    coupon = models.OneToOneField(Coupon, on_delete=models.CASCADE, related_name="campaign_link")
    own_starts_at = models.DateTimeField(help_text="The coupon's window as it was asked for.")
    own_ends_at = models.DateTimeField()
    froze = models.BooleanField(default=False)
    linked_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=models.Q(own_ends_at__gt=models.F("own_starts_at")), name="campaign_coupon_own_window"
            )
        ]

    def __str__(self) -> str:
        return f"{self.coupon_id} of {self.campaign_id}"
