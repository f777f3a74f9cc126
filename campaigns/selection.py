"""Which rows a stop touches, written once as SQL: the forecast counts exactly what the close will change (R150).

Each selection is a FROM … WHERE over the parameters `%(ids)s` (campaign ids) and `%(codes)s` (their codes, with commas between). Both are
one text, because an array of ten thousand would be quoted item by item.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from campaigns.kinds import SPECS
from campaigns.models import Campaign
from core.database import arrays

#: Kinds whose discount is taken off the order and not off a product.
ORDER_KINDS = [key for key, spec in SPECS.items() if not spec.item_prices]

#: The offers that buyers may still see: tags and promotion prices.
SHOWN_OFFERS = "FROM listings_liveoffer o WHERE o.campaign_code = ANY(string_to_array(%(codes)s, ',')) AND o.active"

#: Orders sold under the campaigns that are on their way: they keep their terms (R14). An order is a campaign's by a line at its price; a
#: discount on the whole order, and the price that several make together, stand in the order's terms.
OPEN_ORDERS = """FROM (
        SELECT l.campaign_code, r.id AS order_id, r.placed_at FROM orders_orderline l JOIN orders_order r ON r.id = l.order_id
        WHERE l.store_id = ANY(%(stores)s) AND l.campaign_code = ANY(string_to_array(%(codes)s, ',')) AND l.campaign_code <> ''
            AND r.state IN ('unpaid', 'paid', 'shipped')
        UNION ALL
        SELECT w.code, r.id, r.placed_at FROM campaigns_campaign w
        JOIN orders_order r ON r.store_id = w.store_id AND (r.snapshot -> 'campaigns') ? w.code
        WHERE w.id = ANY(%(ids)s::bigint[]) AND (w.stacks OR w.kind = ANY(%(order_kinds)s)) AND r.state IN ('unpaid', 'paid', 'shipped')
    ) AS n"""

#: SKUs whose sale price will not return by itself: it was changed during the campaign, or equals the campaign price (R44, R45).
#: A price set after the close is somebody's decision and needs no second look, unless that decision was undone.
_TO_REVIEW = (
    "i.price_before IS NOT NULL AND (s.sale_price <> i.price_before OR s.sale_price = i.price)"
    " AND COALESCE((SELECT h.source FROM listings_pricehistory h WHERE h.store_id = s.store_id AND h.sku_id = s.id"
    " AND h.at > pc.closed_at ORDER BY h.at DESC, h.id DESC LIMIT 1), 'undo') = 'undo'"
)
_ITEMS = (
    "FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id JOIN campaigns_campaign pc ON pc.id = i.campaign_id"
    " WHERE i.campaign_id = ANY(%(ids)s::bigint[])"
)
PRICES_TO_REVIEW = f"{_ITEMS} AND {_TO_REVIEW}"

#: By campaign, in one look at its items: listings of those that take part (the others were closed on their own), prices to review.
ITEM_COUNTS = f"""
    SELECT i.campaign_id AS id, count(DISTINCT i.listing_id) FILTER (WHERE i.ended_at IS NULL) AS listings,
        count(*) FILTER (WHERE {_TO_REVIEW}) AS review
    {_ITEMS} GROUP BY 1
"""

#: The linked coupons that a close voids: every one that is not over yet.
LINKED_COUPONS = (
    "FROM campaigns_campaigncoupon g JOIN coupons_coupon c ON c.id = g.coupon_id"
    " WHERE g.campaign_id = ANY(%(ids)s::bigint[]) AND c.state IN ('draft', 'active', 'paused')"
)


def parameters(campaigns: Sequence[Campaign]) -> dict[str, Any]:
    """The parameters of every selection for these campaigns."""
    return {
        "ids": arrays.numbers(campaign.id for campaign in campaigns),
        "codes": ",".join(campaign.code for campaign in campaigns),
        "stores": sorted({campaign.store_id for campaign in campaigns}),
        "order_kinds": ORDER_KINDS,
    }
