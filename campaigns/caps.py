"""How much a lent right reaches: the caps of a grant against the size of a campaign (design.md §7)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Count

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from campaigns.models import Campaign, CampaignItem
from core.errors import DomainError


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
