"""The check before a close: every guard and the impact of one campaign of 10,000 items, against the bare queries that must be asked.

The floor counts what a close would touch and compares the prices, each in one indexed query, and shows nothing of it: no checklist, no
evidence, no savepoint that keeps a failing guard from the others, no right, no policy.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from audit.actors import system
from benchmarks.closing import NOON, Stage
from benchmarks.frame import database, interleaved, line, publish
from campaigns.guards import close_check
from campaigns.models import Campaign
from core import clock
from core.scopes import across_stores, in_store

ITEMS = 10_000
FEW = 10
RATIO_GOAL = 2.0
QUERIES_GOAL = 50

_PROMISES = (
    "UPDATE campaigns_campaign SET price_protected = true, logistics_guarantee = true WHERE id = ANY(%(ids)s)",
    """INSERT INTO orders_lowestdeal (store_id, sku_id, at, price)
       SELECT i.store_id, i.sku_id, %(now)s::timestamptz - n * interval '5 days', 17.90 + n
       FROM campaigns_campaignitem AS i CROSS JOIN generate_series(1, 3) AS n WHERE i.campaign_id = ANY(%(ids)s)""",
    """INSERT INTO orders_order (store_id, code, buyer, country, state, placed_at, currency, subtotal, discount, total, snapshot,
           logistics, fulfilment_number, dispute, version)
       SELECT %(store)s, 'ORDER-' || n, '', 'US', 'paid', %(now)s::timestamptz - interval '1 day', 'USD', 18.90, 0, 18.90, '{}', '', '',
           'none', 1 FROM generate_series(1, %(orders)s) AS n""",
    """INSERT INTO orders_orderline (store_id, order_id, position, sku_id, quantity, list_price, unit_price, order_discount,
           campaign_code, placed_at)
       SELECT o.store_id, o.id, 0, i.sku_id, 1, 24.90, 18.90, 0, c.code, o.placed_at
       FROM (SELECT *, row_number() OVER (ORDER BY id) AS n FROM orders_order WHERE store_id = %(store)s) AS o
       JOIN (SELECT *, row_number() OVER (ORDER BY id) AS n FROM campaigns_campaignitem WHERE campaign_id = ANY(%(ids)s)) AS i USING (n)
       JOIN campaigns_campaign AS c ON c.id = i.campaign_id""",
    "INSERT INTO finance_depositaccount (store_id, currency, charged, paid) VALUES (%(store)s, 'CNY', 2000, 0)",
)
_FLOOR = (
    """SELECT count(*), count(*) FILTER (WHERE deal IS NULL), count(*) FILTER (WHERE deal > price) FROM (
           SELECT i.id, i.price, min(d.price) AS deal
           FROM campaigns_campaignitem AS i JOIN listings_listing AS l ON l.id = i.listing_id AND l.state = 'on_sale'
           LEFT JOIN orders_lowestdeal AS d ON d.sku_id = i.sku_id AND d.at >= %(since)s
           WHERE i.campaign_id = ANY(%(ids)s) GROUP BY i.id
       ) AS sold""",
    """SELECT count(DISTINCT n.order_id) FROM orders_orderline AS n JOIN orders_order AS o ON o.id = n.order_id
       WHERE n.store_id = %(store)s AND n.campaign_code = ANY(%(codes)s) AND n.campaign_code <> '' AND o.fulfilment_number <> ''""",
    "SELECT count(DISTINCT i.listing_id) FROM campaigns_campaignitem AS i WHERE i.campaign_id = ANY(%(ids)s)",
    "SELECT count(DISTINCT o.listing_id) FROM listings_liveoffer AS o WHERE o.campaign_code = ANY(%(codes)s) AND o.active",
    """SELECT count(DISTINCT n.order_id) FROM orders_orderline AS n JOIN orders_order AS o ON o.id = n.order_id
       WHERE n.store_id = %(store)s AND n.campaign_code = ANY(%(codes)s) AND n.campaign_code <> ''
       AND o.state IN ('unpaid', 'paid', 'shipped')""",
    """SELECT count(*) FROM campaigns_campaignitem AS i JOIN listings_sku AS s ON s.id = i.sku_id
       WHERE i.campaign_id = ANY(%(ids)s) AND i.price_before IS NOT NULL AND (s.sale_price <> i.price_before OR s.sale_price = i.price)""",
    """SELECT count(*) FROM campaigns_affiliatelink AS l JOIN campaigns_affiliateplan AS p ON p.id = l.plan_id
       WHERE l.campaign_id = ANY(%(ids)s) AND p.state = 'running'""",
    "SELECT sum(charged - paid) FROM finance_depositaccount WHERE store_id = %(store)s",
    """SELECT count(*) FROM (
           SELECT i.sku_id FROM campaigns_campaignitem AS i
           JOIN campaigns_campaignitem AS j ON j.sku_id = i.sku_id AND j.campaign_id <> i.campaign_id
           JOIN campaigns_campaign AS c ON c.id = j.campaign_id AND c.state IN ('scheduled', 'running', 'paused')
           WHERE i.campaign_id = ANY(%(ids)s)
       ) AS overlapping""",
)


@dataclass(frozen=True)
class Case:
    """A running campaign with every promise made, its store, and the parameters of the floor."""

    store: Store
    campaign: Campaign
    given: dict[str, object]


def run(*, quick: bool) -> bool:
    """Measure and print; answers whether ratio and number of queries met their goals."""
    sizes = (FEW, 500) if quick else (FEW, ITEMS)
    with database("guards"), clock.freeze(NOON), across_stores("a benchmark over stores of its own"):
        cases = {size: _case(size) for size in sizes}
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        counts = {size: _queries(case) for size, case in cases.items()}
        lines = []
        for size, case in cases.items():
            measured = interleaved(partial(_same, case), _floor, _ours, rounds=5 if quick else 15)
            goal = f"≤ {RATIO_GOAL}" if size != FEW else ""
            lines.append(line(f"close-check of a campaign of {size:,} items", measured, goal=goal))
    publish(
        "The check before a close",
        lines,
        "Every guard and the impact before a cancel, price protection and logistics guarantee promised, three deals a SKU, one order per"
        " ten items. The floor asks the same tables one bare query each and shows nothing of it."
        f" Queries at {sizes[0]} items: {counts[sizes[0]]}, at {sizes[1]:,}: {counts[sizes[1]]}.",
        keep=not quick,
    )
    constant = len(set(counts.values())) == 1 and max(counts.values()) <= QUERIES_GOAL
    return constant and lines[-1].ratio <= RATIO_GOAL


def _case(items: int) -> Case:
    material = Stage(1, items).prepare()
    given: dict[str, object] = {
        "ids": material.ids,
        "store": material.store,
        "now": NOON,
        "since": NOON - timedelta(days=30),
        "orders": max(1, items // 10),
    }
    with connection.cursor() as cursor:
        for statement in _PROMISES:
            cursor.execute(statement, given)
    campaign = Campaign.objects.get(pk=material.ids[0])
    return Case(Store.objects.get(pk=material.store), campaign, given | {"codes": [campaign.code]})


def _same(case: Case) -> object:
    return case


def _ours(material: object) -> None:
    assert isinstance(material, Case)
    with in_store(material.store.pk):
        found = close_check(material.store, material.campaign, "cancel", actor=system("bench"), now=NOON)
    assert not found.allowed
    assert not any(row.status == "unknown" for row in found.guards), found.guards


def _floor(material: object) -> None:
    assert isinstance(material, Case)
    with transaction.atomic(), connection.cursor() as cursor:
        for statement in _FLOOR:
            cursor.execute(statement, material.given)
            cursor.fetchall()


def _queries(case: Case) -> int:
    with CaptureQueriesContext(connection) as captured:
        _ours(case)
    return len(captured)
