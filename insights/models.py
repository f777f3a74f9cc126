"""Hourly counters, ad spend by day, the sealed figures of archived campaigns, a store's days. None of them knows a buyer (R147)."""

from __future__ import annotations

from typing import Any

from django.db import models
from django_scopes import ScopedManager

from accounts.models import Store
from campaigns.models import Campaign
from listings.models import MONEY, Sku

TOTAL: Any = {"max_digits": 20, "decimal_places": 3}


class EventCount(models.Model):
    """What storefronts counted of a campaign in one hour, on one SKU (null: of the campaign as a whole)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    sku = models.ForeignKey(Sku, null=True, on_delete=models.CASCADE, related_name="+")
    hour = models.DateTimeField()
    impressions = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    add_to_cart = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(help_text="The latest event counted here.")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store", "campaign", "hour", "sku"], name="event_count_once", nulls_distinct=False
            )
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.hour:%Y-%m-%dT%H}"


class AdSpend(models.Model):
    """What a campaign's advertising cost on one day of the store's calendar, in the store's currency (R12)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    day = models.DateField()
    amount = models.DecimalField(**MONEY)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "campaign", "day"], name="ad_spend_once"),
            models.CheckConstraint(condition=models.Q(amount__gte=0), name="ad_spend_not_negative"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_id} {self.day}: {self.amount}"


class CampaignFigures(models.Model):
    """The figures of a campaign as its archive holds them, in columns; written with the archive, never changed (a trigger refuses it).

    Rates are worked out from these by `insights.formulas`, in one place.
    """

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE, related_name="+")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    sealed_at = models.DateTimeField()
    currency = models.CharField(max_length=3)
    impressions = models.BigIntegerField()
    clicks = models.BigIntegerField()
    add_to_cart = models.BigIntegerField()
    orders = models.BigIntegerField()
    buyers = models.BigIntegerField()
    units = models.BigIntegerField()
    sales_amount = models.DecimalField(**TOTAL)
    discount_cost = models.DecimalField(**TOTAL)
    ad_spend = models.DecimalField(**TOTAL)
    others = models.JSONField(default=list, help_text="The same of orders in other currencies.")

    objects = ScopedManager(store="store")

    def __str__(self) -> str:
        return f"figures of {self.campaign_id}"


class StoreDay(models.Model):
    """The last reading of one day of a store's calendar, for the small charts of the dashboard."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    day = models.DateField()
    read_at = models.DateTimeField()
    promoted_skus = models.PositiveIntegerField()
    pages = models.PositiveIntegerField(help_text="Public pages: one for each listing and language site.")
    pages_shown = models.PositiveIntegerField(help_text="Those that were as wanted.")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "day"], name="store_day_once")]

    def __str__(self) -> str:
        return f"{self.store_id} {self.day}"
