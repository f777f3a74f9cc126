"""Comparing what a buyer's client saw with what a stopped campaign may still show: no tag, and no campaign price (R40, R44, R50)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db import connection

from campaigns.models import Campaign, Check
from publishing.probe import PageReading

TAG, PRICE = "tag", "price"

_ITEMS = """
    SELECT i.campaign_id, i.listing_id, s.code, s.currency, i.price
    FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id
    WHERE i.campaign_id = ANY(%s) AND i.price IS NOT NULL
"""
# Items that ended alone: their listings, and whether another item of the listing still takes part, so that its tag is right.
_ENDED = """
    SELECT i.campaign_id, i.sku_id, i.listing_id, s.code, s.currency, i.price, EXISTS (
        SELECT FROM campaigns_campaignitem o
        WHERE o.campaign_id = i.campaign_id AND o.listing_id = i.listing_id AND o.ended_at IS NULL)
    FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id
    WHERE i.campaign_id = ANY(%s) AND i.sku_id = ANY(%s) AND i.ended_at IS NOT NULL
"""
# A SKU may rightly cost what the campaign asked: its sale price is the same, or another promotion asks it.
_RIGHTLY = """
    SELECT s.code, s.sale_price FROM listings_sku s WHERE s.store_id = %(store)s AND s.code = ANY(%(skus)s)
    UNION
    SELECT s.code, o.price FROM listings_liveoffer o JOIN listings_sku s ON s.id = o.sku_id
    WHERE s.store_id = %(store)s AND s.code = ANY(%(skus)s) AND o.campaign_code <> %(campaign)s AND o.price IS NOT NULL
        AND o.active AND o.starts_at <= %(now)s AND o.ends_at > %(now)s
"""


@dataclass(frozen=True, slots=True)
class Expectations:
    """What must not be seen of one campaign: its code as a tag, and by SKU code its campaign price with its currency.

    `tagless`: the listings that may not bear the tag, None for all; `listings`: those to be looked at, None for all of the campaign.
    """

    code: str
    prices: Mapping[str, tuple[Decimal, str]]
    tagless: frozenset[int] | None = None
    listings: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """Something on a page that looks like the campaign. `sku` and `price` are set where it is a price."""

    listing_id: int
    site_id: int
    site: str
    client: str
    what: str
    url: str
    excerpt: str
    sku: str = ""
    price: Decimal | None = None

    @classmethod
    def on(cls, reading: PageReading, what: str, sku: str = "", price: Decimal | None = None) -> Suspect:
        """What a reading of a page showed: `what` is TAG or PRICE."""
        return cls(
            reading.listing_id, reading.site_id, reading.site, reading.client, what, reading.url, reading.excerpt, sku, price
        )  # fmt: skip


def expectations(campaigns: Sequence[Campaign]) -> dict[int, Expectations]:
    """What must not be seen of each campaign, by id; one query."""
    prices: dict[int, dict[str, tuple[Decimal, str]]] = {campaign.pk: {} for campaign in campaigns}
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [list(prices)])
        for campaign_id, _listing, sku, currency, price in cursor.fetchall():
            prices[campaign_id][sku] = (price, currency)
    return {campaign.pk: Expectations(campaign.code, prices[campaign.pk]) for campaign in campaigns}


def of_items(checks: Sequence[Check]) -> dict[int, Expectations]:
    """What must not be seen of items that ended alone, by the id of the check that looks for it (`Check.skus`); at most one query."""
    if not checks:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_ENDED, [[one.campaign_id for one in checks], [sku for one in checks for sku in one.skus]])
        rows = cursor.fetchall()
    found = {}
    for check in checks:
        skus = set(check.skus)
        mine = [row[2:] for row in rows if row[0] == check.campaign_id and row[1] in skus]
        found[check.pk] = Expectations(
            check.campaign.code,
            {sku: (price, currency) for _listing, sku, currency, price, _others in mine if price is not None},
            frozenset(listing for listing, _sku, _currency, _price, others in mine if not others),
            frozenset(row[0] for row in mine),
        )
    return found


def suspects(reading: PageReading, expected: Expectations) -> list[Suspect]:
    """What one reading shows of the campaign; a page that could not be read shows nothing certain."""
    if reading.error:
        return []
    found = []
    if expected.code in reading.tags and (expected.tagless is None or reading.listing_id in expected.tagless):
        found.append(Suspect.on(reading, TAG))
    for offer in reading.offers:
        price, currency = expected.prices.get(offer.sku, (None, ""))
        if price is not None and offer.currency == currency and offer.price == price:
            found.append(Suspect.on(reading, PRICE, offer.sku, price))
    return found


def confirmed(campaign: Campaign, found: Sequence[Suspect], *, now: datetime) -> list[Suspect]:
    """The suspects that are leftovers indeed: a price that the SKU may rightly have now is none; at most one query."""
    skus = sorted({one.sku for one in found if one.what == PRICE})
    rightly = _rightly(campaign, skus, now) if skus else frozenset()
    return [one for one in found if one.what == TAG or (one.sku, one.price) not in rightly]


def _rightly(campaign: Campaign, skus: Sequence[str], now: datetime) -> frozenset[tuple[str, Decimal]]:
    with connection.cursor() as cursor:
        cursor.execute(
            _RIGHTLY, {"store": campaign.store_id, "skus": list(skus), "campaign": campaign.code, "now": now}
        )
        return frozenset((sku, price) for sku, price in cursor.fetchall())
