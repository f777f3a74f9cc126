"""What buyers will pay at a chosen moment: the prices of a campaign's products with every campaign that is planned for then (R30)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from campaigns.models import Campaign, CampaignItem
from campaigns.pricing import ItemOffer, ItemPrice, item_price

# What is paused stays out, except the campaign that is looked at: the question is what it will do.
_OFFERS = """
    SELECT i.sku_id, c.code, c.name, c.kind, i.price, c.starts_at, c.ends_at, c.stacks
    FROM campaigns_campaignitem i JOIN campaigns_campaign c ON c.id = i.campaign_id
    WHERE i.store_id = %(store)s AND i.sku_id = ANY(%(skus)s) AND i.ended_at IS NULL
        AND c.starts_at <= %(at)s AND c.ends_at > %(at)s AND (c.state IN ('scheduled', 'running') OR c.id = %(campaign)s)
    ORDER BY i.sku_id, c.starts_at, c.code
"""


@dataclass(frozen=True, slots=True)
class Forecast:
    """A product at the chosen moment: its price with the candidates that were beaten, and the campaigns that discount the order."""

    item: CampaignItem
    price: ItemPrice
    offers: tuple[ItemOffer, ...]

    @property
    def mine(self) -> bool:
        """Whether the campaign that is looked at sets the price."""
        return self.item.campaign.code in {
            offer.campaign for offer in (self.price.winner.offers if self.price.winner else ())
        }

    @property
    def order_campaigns(self) -> list[str]:
        """Campaigns that may discount an order with this product."""
        return [offer.campaign for offer in self.offers if offer.price is None]


def prices_at(campaign: Campaign, items: Sequence[CampaignItem], at: datetime) -> list[Forecast]:
    """The prices of these items of a campaign (with their `sku`) at the moment `at`, from sale prices as they are now; one query."""
    found: dict[int, list[ItemOffer]] = {}
    with connection.cursor() as cursor:
        cursor.execute(
            _OFFERS,
            {
                "store": campaign.store_id,
                "skus": [item.sku_id for item in items],
                "at": at,
                "campaign": campaign.pk,
            },
        )
        for sku_id, *offer in cursor.fetchall():
            found.setdefault(sku_id, []).append(ItemOffer(*offer))
    return [
        Forecast(
            item,
            item_price(item.sku.sale_price, found.get(item.sku_id, ()), item.sku.currency),
            tuple(found.get(item.sku_id, ())),
        )
        for item in items
    ]
