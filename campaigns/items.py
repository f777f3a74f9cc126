"""Putting items into a campaign and taking them out, set-based."""

from __future__ import annotations

from collections.abc import Sequence

from django.db import connection
from django.db.backends.utils import CursorWrapper

from campaigns.checking import GoodItem
from campaigns.models import Campaign

_PUT = """
    INSERT INTO campaigns_campaignitem AS i (store_id, campaign_id, sku_id, listing_id, price)
    SELECT %(store)s, %(campaign)s, v.sku_id, v.listing_id, v.price
    FROM unnest(%(skus)s::bigint[], %(listings)s::bigint[], %(prices)s::numeric[]) AS v(sku_id, listing_id, price)
    ORDER BY v.sku_id
    ON CONFLICT (campaign_id, sku_id) DO UPDATE SET price = excluded.price, ended_at = NULL, end_reason = ''
"""
_COUNT = """
    UPDATE campaigns_campaign SET item_count = (SELECT count(*) FROM campaigns_campaignitem WHERE campaign_id = %(campaign)s)
    WHERE id = %(campaign)s RETURNING item_count
"""


def put(campaign: Campaign, items: Sequence[GoodItem], *, replace: bool = False) -> None:
    """Write the items: a SKU that is there already gets the new price, one that had left takes part again. With `replace` all others
    leave. Keeps `item_count`."""
    with connection.cursor() as cursor:
        if replace:
            cursor.execute(
                "DELETE FROM campaigns_campaignitem WHERE campaign_id = %s AND sku_id <> ALL(%s::bigint[])",
                [campaign.pk, [item.sku_id for item in items]],
            )
        cursor.execute(
            _PUT,
            {
                "store": campaign.store_id,
                "campaign": campaign.pk,
                "skus": [item.sku_id for item in items],
                "listings": [item.listing_id for item in items],
                "prices": [item.price for item in items],
            },
        )
        _recount(campaign, cursor)


def remove(campaign: Campaign, skus: Sequence[str]) -> int:
    """Take SKUs out by code; answers how many were in. Keeps `item_count`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "DELETE FROM campaigns_campaignitem i USING listings_sku s"
            " WHERE i.campaign_id = %s AND s.id = i.sku_id AND s.code = ANY(%s)",
            [campaign.pk, list(skus)],
        )
        gone = cursor.rowcount
        _recount(campaign, cursor)
    return int(gone)


def copy(source: Campaign, target: Campaign) -> None:
    """Copy the items of a campaign into a new one. Keeps `item_count`."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_campaignitem (store_id, campaign_id, sku_id, listing_id, price)"
            " SELECT store_id, %s, sku_id, listing_id, price FROM campaigns_campaignitem WHERE campaign_id = %s"
            " AND ended_at IS NULL ORDER BY sku_id",
            [target.pk, source.pk],
        )
        _recount(target, cursor)


def _recount(campaign: Campaign, cursor: CursorWrapper) -> None:
    cursor.execute(_COUNT, {"campaign": campaign.pk})
    (campaign.item_count,) = cursor.fetchone()
