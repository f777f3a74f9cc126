"""The lowest deal price per SKU (R23, R181): a table that orders keep up to date, so that a guard reads a few rows and never all orders.

A deal's price is the unit price paid after the seller's discounts (item campaigns, and the line's share of order discounts), before
platform subsidy and freight. For each SKU the table holds only deals that can still be the lowest of some span up to now: a deal is left
out once a later one was as low or lower. So the lowest of the last n days is the lowest row younger than n days, for every n up to the
memory (`deal_memory_days`), to the microsecond, with nothing to do when a day passes.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection

import policies
from orders.models import LowestDeal, Order
from policies.rules import OrderRules

#: Of what is later than a deal, the lowest: a deal that is not below it can never be the lowest again.
_STEPS = """
    SELECT sku_id, at, price FROM (
        SELECT sku_id, at, price,
            min(price) OVER (PARTITION BY sku_id ORDER BY at DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS later
        FROM sold
    ) AS s WHERE later IS NULL OR price < later
"""
#: A row may stay although it is outdone (another sale may hold it at this moment); a row that is not outdone never goes.
_FEED = f"""
    WITH sold AS (
        SELECT sku_id, at, min(round(unit_price - discount / quantity, 6)) AS price
        FROM unnest(%(skus)s::bigint[], %(at)s::timestamptz[], %(prices)s::numeric[], %(discounts)s::numeric[], %(quantities)s::integer[])
            AS v(sku_id, at, unit_price, discount, quantity)
        GROUP BY sku_id, at
    ), steps AS ({_STEPS}), outdone AS (
        DELETE FROM orders_lowestdeal WHERE id IN (
            SELECT d.id FROM orders_lowestdeal AS d
            JOIN steps AS s ON s.sku_id = d.sku_id AND (d.at < %(horizon)s OR (s.at > d.at AND s.price <= d.price))
            FOR UPDATE OF d SKIP LOCKED
        )
    )
    INSERT INTO orders_lowestdeal (store_id, sku_id, at, price)
    SELECT %(store)s, s.sku_id, s.at, s.price FROM steps AS s
    WHERE NOT EXISTS (
        SELECT 1 FROM orders_lowestdeal AS d WHERE d.sku_id = s.sku_id AND d.at > s.at AND d.price <= s.price
    )
    ORDER BY s.sku_id, s.at
    ON CONFLICT (sku_id, at) DO UPDATE SET price = least(orders_lowestdeal.price, EXCLUDED.price)
"""  # noqa: S608 - texts of our own
_REBUILD = f"""
    WITH sold AS (
        SELECT l.sku_id, l.placed_at AS at, min(round(l.unit_price - l.order_discount / l.quantity, 6)) AS price
        FROM orders_orderline AS l JOIN orders_order AS o ON o.id = l.order_id
        WHERE l.sku_id = ANY(%(skus)s) AND l.placed_at >= %(horizon)s AND o.state <> 'cancelled'
        GROUP BY l.sku_id, l.placed_at
    ), steps AS ({_STEPS})
    INSERT INTO orders_lowestdeal (store_id, sku_id, at, price)
    SELECT %(store)s, sku_id, at, price FROM steps ORDER BY sku_id, at
    ON CONFLICT (sku_id, at) DO UPDATE SET price = least(orders_lowestdeal.price, EXCLUDED.price)
"""  # noqa: S608 - names of our own
_HELD_BY = """
    SELECT DISTINCT d.sku_id FROM orders_orderline AS l JOIN orders_lowestdeal AS d ON d.sku_id = l.sku_id AND d.at = l.placed_at
    WHERE l.order_id = %s ORDER BY 1
"""


def horizon(now: datetime) -> datetime:
    """The moment before which deals are forgotten."""
    return now - timedelta(days=policies.active(OrderRules, now).deal_memory_days)


def feed(store_id: int, sold: Sequence[tuple[int, datetime, Decimal, Decimal, int]], *, now: datetime) -> None:
    """Take in sold lines as (SKU, moment, unit price, the line's share of order discounts, quantity): one statement, or none for old ones.

    Runs in the transaction that records the orders.
    """
    oldest = horizon(now)
    recent = [row for row in sold if row[1] >= oldest]
    if not recent:
        return
    skus, moments, prices, discounts, quantities = (list(column) for column in zip(*recent, strict=True))
    given: dict[str, Any] = {
        "skus": skus, "at": moments, "prices": prices, "discounts": discounts, "quantities": quantities,
        "store": store_id, "horizon": oldest,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_FEED, given)


def forget(order: Order, *, now: datetime) -> None:
    """The order was called off: its prices are no deals any more. Where one was the lowest, the SKU's rows are made anew from its lines."""
    with connection.cursor() as cursor:
        cursor.execute(_HELD_BY, [order.pk])
        skus = [sku_id for (sku_id,) in cursor.fetchall()]
        if skus:
            cursor.execute("DELETE FROM orders_lowestdeal WHERE sku_id = ANY(%s)", [skus])
            cursor.execute(_REBUILD, {"skus": skus, "horizon": horizon(now), "store": order.store_id})


def lowest(sku_ids: Sequence[int], *, since: datetime) -> dict[int, Decimal]:
    """The lowest deal price of each SKU at or after `since`, to six places, by SKU id; SKUs without a deal are left out. One query."""
    found: dict[int, Decimal] = {}
    rows = LowestDeal.objects.filter(sku_id__in=list(sku_ids), at__gte=since).order_by("sku_id", "price", "id")
    for sku_id, price in rows.values_list("sku_id", "price"):
        found.setdefault(sku_id, price)
    return found
