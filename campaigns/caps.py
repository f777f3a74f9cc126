"""How much a lent right reaches: the caps of a grant against the size of a campaign (design.md §7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection
from django.db.models import Count

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from campaigns.models import Campaign, CampaignItem
from core.errors import DomainError

_REACH = """
    SELECT count(DISTINCT i.listing_id),
        COALESCE(max(ceil((s.sale_price - i.price) * 100 / s.sale_price)) FILTER (WHERE s.sale_price > 0 AND i.price < s.sale_price), 0)
    FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id WHERE i.campaign_id = %s
"""


def check_reach(store: Store, campaign: Campaign, right: str, *, actor: Actor, now: datetime) -> None:
    """Refuse unless the whole campaign, whoever wrote its items, lies inside the actor's loan of `right`: listings, deepest discount.

    Two queries. Raises PermissionRefused or Conflict ERR_GRANT_CAP.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REACH, [campaign.pk])
        listings, percent = cursor.fetchone()
    check(actor, store, right, now=now, listings=listings, percent_off=int(percent))


def refused_by_cap(
    store: Store, campaigns: Sequence[Campaign], right: str, *, actor: Actor, now: datetime
) -> dict[str, DomainError]:
    """The campaigns, by code, that hold more listings than the actor's grant of `right` reaches.

    Two queries when all are inside the cap; one more per campaign that is not.
    """
    if actor.is_system or not right or not campaigns:
        return {}
    sizes = dict(
        CampaignItem.objects.filter(campaign__in=[campaign.pk for campaign in campaigns])
        .order_by()
        .values("campaign_id")
        .annotate(listings=Count("listing_id", distinct=True))
        .values_list("campaign_id", "listings")
    )
    refused: dict[str, DomainError] = {}
    for campaign in sorted(campaigns, key=lambda row: -sizes.get(row.pk, 0)):
        try:
            check(actor, store, right, now=now, listings=sizes.get(campaign.pk, 0))
        except DomainError as error:
            refused[campaign.code] = error
        else:
            break  # the rest is smaller
    return refused
