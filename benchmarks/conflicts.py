"""The conflict diagnosis of a store with ten thousand campaigns over a hundred thousand SKUs, against one indexed SQL query.

The floor is the least that finds the same conflicts: one self-join of the items over their index, fetched as pairs. It groups, orders and
explains nothing, and does not say what the campaigns or the SKUs are called.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection, transaction

from benchmarks.frame import MIB, Line, database, interleaved, line, publish
from campaigns import conflicts
from campaigns.conflicts import Wanted
from campaigns.models import Campaign
from core import clock
from core.scopes import across_stores

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
GOAL = 3.0
MEMORY_GOAL = 400 * MIB

_STORE = """
    INSERT INTO accounts_store (slug, name, name_zh, entity, account_state, kyc, currency, time_zone, opened_at, version)
    VALUES (%(slug)s, 'Bench', '', 'company', 'normal', 'verified', 'USD', 'UTC', now(), 1) RETURNING id
"""
_LAID = (
    """INSERT INTO listings_listing (store_id, title, titles, category_id, state, management, logistics_template, main_image,
           search_terms, version)
       SELECT %(store)s, 'Thing ' || n, '{}', (SELECT min(id) FROM listings_category), 'on_sale', 'self', '', '', '{}', 1
       FROM generate_series(1, %(skus)s) AS n""",
    """INSERT INTO listings_sku (store_id, listing_id, code, position, sale_price, currency, stock, reserved)
       SELECT store_id, id, 'SKU-' || id, 0, 24.90, 'USD', 100, 0 FROM listings_listing WHERE store_id = %(store)s""",
    # a live campaign starts within a quarter of a year and lasts three to ten days; two past ones stand behind each
    """INSERT INTO campaigns_campaign (store_id, code, kind, name, name_zh, state, starts_at, ends_at, rules, price_protected,
           logistics_guarantee, platform_enforced, min_items, stacks, freeze_claimed, item_count, stop_reason, stop_note,
           state_before_cancel, lock_holder, version)
       SELECT %(store)s, %(tag)s || lpad(n::text, 6, '0'), 'limited_time_discount', 'Bench ' || n, '',
           CASE WHEN n > %(campaigns)s THEN 'ended' WHEN begins <= %(now)s THEN 'running' ELSE 'scheduled' END,
           begins, begins + make_interval(hours => 72 + n * 31 %% 168), '{}', false, false, false, 0, n %% 10 = 0, false, %(each)s, '', '',
           '', '', 1
       FROM (
           SELECT n, CASE WHEN n > %(campaigns)s THEN %(now)s - make_interval(hours => 400 + n * 13 %% 9000)
               ELSE %(now)s + make_interval(hours => n * 7919 %% 2160 - 48) END AS begins
           FROM generate_series(1, %(campaigns)s * 3) AS n
       ) AS planned""",
    """INSERT INTO campaigns_campaignitem (store_id, campaign_id, sku_id, listing_id, price)
       SELECT %(store)s, c.id, s.id, s.listing_id, 18.90
       FROM (SELECT id, row_number() OVER (ORDER BY id) AS n FROM campaigns_campaign WHERE store_id = %(store)s) c
       CROSS JOIN generate_series(1, %(each)s) AS k
       JOIN (SELECT *, row_number() OVER (ORDER BY id) - 1 AS place FROM listings_sku WHERE store_id = %(store)s) s
           ON s.place = (c.n * 7 + k * 4999 + c.n * k %% 97) %% %(skus)s
       ON CONFLICT DO NOTHING""",
)
_FLOOR = """
    SELECT a.sku_id, a.campaign_id, a.price, ca.starts_at, ca.ends_at, b.campaign_id, b.price, cb.starts_at, cb.ends_at
    FROM campaigns_campaignitem a
    JOIN campaigns_campaign ca ON ca.id = a.campaign_id AND ca.store_id = %(store)s AND ca.state IN ('scheduled', 'running', 'paused')
        AND ca.ends_at > %(now)s
    JOIN campaigns_campaignitem b ON b.store_id = a.store_id AND b.sku_id = a.sku_id AND b.campaign_id > a.campaign_id
    JOIN campaigns_campaign cb ON cb.id = b.campaign_id AND cb.store_id = %(store)s AND cb.state IN ('scheduled', 'running', 'paused')
        AND cb.ends_at > %(now)s AND cb.starts_at < ca.ends_at AND cb.ends_at > ca.starts_at AND NOT (ca.stacks AND cb.stacks)
    WHERE a.store_id = %(store)s
"""


@dataclass(frozen=True)
class Laid:
    """A store as the benchmark found it."""

    store: int
    campaigns: int


def lay_out(*, campaigns: int, each: int, skus: int, slug: str = "bench") -> Laid:
    """Write a store with its catalogue, its live campaigns and twice as many past ones."""
    given: dict[str, Any] = {
        "slug": slug,
        "tag": f"{slug[:4]}-",
        "campaigns": campaigns,
        "each": each,
        "skus": skus,
        "now": NOON,
        "store": 0,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_STORE, given)
        (given["store"],) = cursor.fetchone()
        for statement in _LAID:
            cursor.execute(statement, given)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE listings_listing, listings_sku, campaigns_campaign, campaigns_campaignitem")
    return Laid(given["store"], campaigns)


def floor(material: object) -> None:
    """The pairs, fetched."""
    assert isinstance(material, Laid)
    with connection.cursor() as cursor:
        cursor.execute(_FLOOR, {"store": material.store, "now": NOON})
        assert cursor.fetchall()


def _whole(material: object) -> None:
    """Every overlap group of the store, as the API hands them out page by page."""
    assert isinstance(material, Laid)
    with clock.freeze(NOON), across_stores("the benchmark"):
        assert sum(group.total for group in conflicts.every(Wanted(material.store, NOON), batch=1000)) > 0


def _first_page(material: object) -> None:
    """What the page of the whole store shows first."""
    assert isinstance(material, Laid)
    with clock.freeze(NOON), across_stores("the benchmark"):
        assert conflicts.page(Wanted(material.store, NOON), size=50).groups


def _one_campaign(material: object) -> None:
    """What the guard asks before a campaign of the store is closed."""
    assert isinstance(material, Laid)
    with clock.freeze(NOON), across_stores("the benchmark"):
        campaigns = list(Campaign.objects.filter(store_id=material.store, state="running").order_by("id")[:1])
        conflicts.summaries(material.store, campaigns, now=NOON, sample=20)


def run(*, quick: bool = False) -> bool:
    """Measure a store of full size; answers whether the goals were met."""
    campaigns, each, skus, rounds = (200, 20, 2000, 1) if quick else (10_000, 20, 100_000, 5)
    lines: list[Line] = []
    with database("conflicts"):
        laid = lay_out(campaigns=campaigns, each=each, skus=skus)
        for work, ours, goal in (
            (f"the whole store: {campaigns:,} campaigns × {each} items over {skus:,} SKUs", _whole, f"< {GOAL:g}"),
            ("the first page of 50 groups", _first_page, "reported"),
            ("one campaign, as its guard asks", _one_campaign, "reported"),
        ):
            measured = interleaved(lambda: laid, floor, ours, rounds=rounds)
            lines.append(line(work, measured, goal=goal))
        publish("Conflict diagnosis", lines, _INTRO, keep=not quick)
    return lines[0].ratio < GOAL and all(one.peak < MEMORY_GOAL for one in lines)


_INTRO = (
    "A store with its live campaigns, and twice as many of the past behind them. The floor is one self-join of the items over their index,"
    " fetched as pairs; ours reads overlap groups with names, prices and windows, page by page as the API does. The floor of the second and"
    " third line is the same query over the whole store: a page and a guard must not cost as much."
)
