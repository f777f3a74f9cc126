"""Writing `listings.LiveOffer`, the one place where a SKU's promotion of the moment stands; set-based, whatever the number.

Callers have locked the campaigns. Each function answers what it touched, so that the sites can be told and the report can count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection

from campaigns.models import Campaign
from campaigns.selection import SHOWN_OFFERS, parameters
from publishing.desire import want, want_found

# The sale price at the start is kept on the item, so that it can be put back after the close (R45).
_FREEZE = """
    UPDATE campaigns_campaignitem i SET price_before = s.sale_price
    FROM listings_sku s
    WHERE s.id = i.sku_id AND i.campaign_id = ANY(%(ids)s) AND i.price_before IS NULL
"""
_ON = """
    INSERT INTO listings_liveoffer AS o
        (store_id, sku_id, listing_id, campaign_code, kind, label, label_zh, price, stacks, starts_at, ends_at, active)
    SELECT i.store_id, i.sku_id, i.listing_id, c.code, c.kind, c.name, c.name_zh, i.price, c.stacks, c.starts_at, c.ends_at, true
    FROM campaigns_campaignitem i JOIN campaigns_campaign c ON c.id = i.campaign_id
    WHERE i.campaign_id = ANY(%(ids)s) AND i.ended_at IS NULL
    ORDER BY c.id, i.sku_id
    ON CONFLICT (campaign_code, sku_id) DO UPDATE SET
        active = true, label = excluded.label, label_zh = excluded.label_zh, price = excluded.price, stacks = excluded.stacks,
        starts_at = excluded.starts_at, ends_at = excluded.ends_at
    RETURNING o.campaign_code, o.store_id, o.listing_id
"""
_OFF = f"""
    UPDATE listings_liveoffer o SET active = false {SHOWN_OFFERS.removeprefix("FROM listings_liveoffer o ")}
    RETURNING o.campaign_code, o.store_id, o.listing_id
"""  # noqa: S608 - constants of this house
_OFF_ENDED = _OFF.replace(
    "WHERE ",
    "WHERE EXISTS (SELECT FROM campaigns_campaignitem e JOIN campaigns_campaign x ON x.id = e.campaign_id AND x.code = o.campaign_code"
    " WHERE e.sku_id = o.sku_id AND e.campaign_id = ANY(%(ids)s) AND e.ended_at IS NOT NULL) AND ",
    1,
)
_OFF_ITEMS = _OFF.replace("WHERE ", "WHERE o.sku_id = ANY(%(skus)s) AND ", 1)
_RESET = """
    UPDATE listings_liveoffer o
    SET label = c.name, label_zh = c.name_zh, stacks = c.stacks, starts_at = c.starts_at, ends_at = c.ends_at
    FROM campaigns_campaign c
    WHERE c.id = ANY(%(ids)s) AND o.campaign_code = c.code
    RETURNING o.campaign_code, o.store_id, o.listing_id
"""
_LISTINGS = "SELECT DISTINCT i.store_id, i.listing_id FROM campaigns_campaignitem i WHERE i.campaign_id = ANY(%(ids)s::bigint[])"


@dataclass(slots=True)
class Touched:
    """What a change of offers touched: offers and listings by campaign code, listings by store; `pages` were wanted anew."""

    offers: dict[str, int] = field(default_factory=dict)
    listings: dict[str, list[int]] = field(default_factory=dict)
    by_store: dict[int, set[int]] = field(default_factory=dict)
    pages: int = 0

    def add(self, code: str, store_id: int, listings: Iterable[int], offers: int) -> None:
        """Count one campaign."""
        ids = list(listings)
        self.offers[code] = self.offers.get(code, 0) + offers
        self.listings.setdefault(code, []).extend(ids)
        self.by_store.setdefault(store_id, set()).update(ids)


def switch_on(campaigns: Sequence[Campaign], *, now: datetime) -> Touched:
    """Put the offers of these campaigns before buyers (start, resume, take-back) and tell the sites."""
    given = parameters(campaigns)
    with connection.cursor() as cursor:
        cursor.execute(_FREEZE, given)
    return _told(_changed(_ON, campaigns), now)


def switch_off(campaigns: Sequence[Campaign], *, now: datetime, tell: bool = True) -> Touched:
    """Take the offers of these campaigns from buyers at once (R7), and tell the sites unless they were told already."""
    touched = _changed(_OFF, campaigns)
    return _told(touched, now) if tell else touched


def switch_off_items(campaign: Campaign, sku_ids: Sequence[int], *, now: datetime) -> Touched:
    """Take the offers of single items from buyers at once, and tell the sites (R4)."""
    return _told(_changed(_OFF_ITEMS, [campaign], skus=list(sku_ids)), now)


def switch_off_ended(campaigns: Sequence[Campaign], *, now: datetime) -> Touched:
    """Take offers of items that ended alone from buyers, where some are on again all the same, and tell the sites (R4)."""
    return _told(_changed(_OFF_ENDED, campaigns), now)


def reset(campaigns: Sequence[Campaign], *, now: datetime) -> Touched:
    """Bring label and window of the offers in line with the campaigns after an edit, and tell the sites."""
    return _told(_changed(_RESET, campaigns), now)


def tell_sites(campaigns: Sequence[Campaign], *, now: datetime) -> int:
    """Have the pages of these campaigns published again without changing an offer (the clock has ended them); answers how many pages."""
    given = parameters(campaigns)
    return want_found(_LISTINGS, given, stores=given["stores"], now=now)


def _changed(statement: str, campaigns: Sequence[Campaign], **more: Any) -> Touched:
    """Run a statement that answers (code, store, listing) per offer; the database groups, Python reads one row a campaign."""
    grouped = (
        f"WITH changed AS ({statement}) SELECT campaign_code, store_id, array_agg(DISTINCT listing_id), count(*)"  # noqa: S608 - constants of this house
        " FROM changed GROUP BY 1, 2"
    )
    touched = Touched()
    with connection.cursor() as cursor:
        cursor.execute(grouped, {**parameters(campaigns), **more})
        for code, store_id, listings, count in cursor.fetchall():
            touched.add(code, store_id, listings, count)
    return touched


def _told(touched: Touched, now: datetime) -> Touched:
    for store_id in sorted(touched.by_store):
        touched.pages += want(store_id, touched.by_store[store_id], now=now)
    return touched
