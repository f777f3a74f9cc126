"""What a close will touch, counted by the selections that the close itself executes; five queries for any number of campaigns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from django.db import connection

from campaigns.models import Campaign
from campaigns.outcomes import Impact
from campaigns.selection import ITEM_COUNTS, LINKED_COUPONS, OPEN_ORDERS, SHOWN_OFFERS, parameters

_ITEMS = f"""
    SELECT c.id, COALESCE(t.listings, 0), COALESCE(t.review, 0),
        (SELECT count(*) FROM publishing_site s WHERE s.store_id = c.store_id AND s.is_active)
    FROM campaigns_campaign c
    LEFT JOIN ({ITEM_COUNTS}) t ON t.id = c.id
    WHERE c.id = ANY(%(ids)s::bigint[])
"""  # noqa: S608 - constants of this house
_TAGS = f"SELECT o.campaign_code, count(DISTINCT o.listing_id) {SHOWN_OFFERS} GROUP BY 1"
_ORDERS = f"SELECT n.campaign_code, count(DISTINCT n.order_id) {OPEN_ORDERS} GROUP BY 1"
_COUPONS = f"""
    SELECT g.campaign_id, count(*),
        COALESCE(sum((SELECT count(*) FROM coupons_claim k WHERE k.coupon_id = c.id AND k.state = 'claimed')), 0)::bigint,
        COALESCE(sum((SELECT sum(r.units) FROM coupons_reservation r WHERE r.coupon_id = c.id)), 0)::bigint
    {LINKED_COUPONS} GROUP BY 1
"""  # noqa: S608 - constants of this house
_ORDERS_AT_END = f"""
    SELECT n.campaign_code, count(DISTINCT n.order_id) {OPEN_ORDERS}
    WHERE n.placed_at < (SELECT c.ends_at FROM campaigns_campaign c WHERE c.code = n.campaign_code)
    GROUP BY 1
"""  # noqa: S608 - constants of this house

_COUPON_FIGURES = ("coupons", "claimed_unused", "reserved_units")


def forecast(campaigns: Sequence[Campaign], *, at_end: bool = False) -> dict[int, Impact]:
    """The impact of stopping each of these campaigns, by id, as things stand now; with `at_end` without the orders that came after the end,
    at prices quoted before it.
    """
    if not campaigns:
        return {}
    given = parameters(campaigns)
    with connection.cursor() as cursor:
        cursor.execute(_TAGS, given)
        tags: dict[str, int] = dict(cursor.fetchall())
        cursor.execute(_ORDERS_AT_END if at_end else _ORDERS, given)
        orders: dict[str, int] = dict(cursor.fetchall())
        cursor.execute(_ITEMS, given)
        items = {pk: (listings, review, sites) for pk, listings, review, sites in cursor.fetchall()}
        cursor.execute(_COUPONS, given)
        coupons = {pk: (count, unused, units) for pk, count, unused, units in cursor.fetchall()}
    return {
        campaign.id: Impact(
            listings=items[campaign.id][0],
            tags=tags.get(campaign.code, 0),
            sites=items[campaign.id][2],
            **dict(zip(_COUPON_FIGURES, coupons.get(campaign.id, (0, 0, 0)), strict=True)),
            open_orders=orders.get(campaign.code, 0),
            prices_to_review=items[campaign.id][1],
        )
        for campaign in campaigns
        if campaign.id in items
    }


def executed(
    campaigns: Sequence[Campaign],
    before: Mapping[int, Impact],
    tags: Mapping[str, Sequence[int]],
    coupons: Mapping[int, Mapping[str, int]] | None = None,
) -> dict[int, Impact]:
    """What came of the forecast, within its own transaction: tags and coupons as the writes answered them (listings by campaign code,
    figures by campaign), the orders counted again, for a buyer may have ordered in between; the rest nobody could have moved. Where
    nothing differs it is the forecast itself. One query.
    """
    with connection.cursor() as cursor:
        cursor.execute(_ORDERS, parameters(campaigns))
        orders: dict[str, int] = dict(cursor.fetchall())
    found: dict[int, Impact] = {}
    for campaign in campaigns:
        foreseen, more = before[campaign.id], (coupons or {}).get(campaign.id, {})
        shown, open_orders = len(tags.get(campaign.code, ())), orders.get(campaign.code, 0)
        if not more and (shown, open_orders) == (foreseen.tags, foreseen.open_orders):
            found[campaign.id] = foreseen
            continue
        done = replace(foreseen, tags=shown, open_orders=open_orders, **more)
        found[campaign.id] = foreseen if done == foreseen else done
    return found
