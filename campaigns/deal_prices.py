"""A campaign's items beside their lowest deal prices, those that stand in the way of a close first (R23)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import DecimalField, F, Min, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

import policies
from campaigns.models import CampaignItem
from orders.models import LowestDeal
from policies.rules import GuardRules


def with_lowest_deal(rows: QuerySet[CampaignItem], now: datetime) -> QuerySet[CampaignItem, Any]:
    """The items with `lowest_deal` (None: never sold in the window) and `deal_gap` above the campaign price, the widest gap first."""
    since = now - timedelta(days=policies.active(GuardRules, now).lowest_deal_days)
    deals = LowestDeal.objects.filter(sku_id=OuterRef("sku_id"), at__gte=since).order_by()
    lowest = Subquery(
        deals.values("sku_id").annotate(lowest=Min("price")).values("lowest"), output_field=DecimalField()
    )
    found = rows.annotate(lowest_deal=lowest)
    found = found.annotate(deal_gap=F("lowest_deal") - Coalesce("price", "sku__sale_price"))
    return found.order_by(F("deal_gap").desc(nulls_last=True), "id")
