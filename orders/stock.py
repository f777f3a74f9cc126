"""What orders do to stock: units go back when one is called off before shipping; a late count is told what came after it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Sum

from core.database import arrays
from listings import hooks
from listings.stock import put_back
from orders.models import Order, OrderLine, OrderState

#: From these states the goods are still in the house.
UNSHIPPED = frozenset((OrderState.UNPAID, OrderState.PAID))

# An order counts from the moment it was placed, or from the moment we heard of it where its own clock is ahead.
_MOVES = """
    WITH counted AS (SELECT * FROM unnest(%(skus)s::bigint[], %(moments)s::timestamptz[]) AS t (sku_id, at))
    SELECT sku_id, sum(units)::bigint FROM (
        SELECT c.sku_id, -l.quantity AS units
        FROM counted AS c JOIN orders_orderline AS l ON l.sku_id = c.sku_id AND l.placed_at > c.at
        JOIN orders_order AS o ON o.id = l.order_id AND o.stock_taken AND o.created_at > c.at
        UNION ALL
        SELECT c.sku_id, l.quantity
        FROM orders_order AS o JOIN orders_orderline AS l ON l.order_id = o.id
        JOIN counted AS c ON c.sku_id = l.sku_id AND o.stock_returned_at > c.at
        WHERE o.store_id = %(store)s AND o.stock_returned_at > %(oldest)s
    ) AS moves GROUP BY sku_id
"""


def give_back(order: Order, before: str, *, now: datetime) -> int:
    """Put the units of an order that was called off back into stock, when they had left it and not the house; answers how many.

    `before` is its state until now. The caller saves `stock_returned_at`.
    """
    if before not in UNSHIPPED or not order.stock_taken or order.stock_returned_at is not None:
        return 0
    lines = OrderLine.objects.filter(order=order).values_list("sku_id").annotate(units=Sum("quantity")).order_by()
    went = put_back(order.store_id, dict(lines), now=now)
    if went:
        order.stock_returned_at = now
    return sum(went.values())


def moved_since(store_id: int, counted: Mapping[int, datetime]) -> dict[int, int]:
    """Units that orders put back (or took, below zero) after each SKU was counted, by SKU id; one query."""
    asked: dict[str, Any] = {
        "skus": arrays.numbers(list(counted)), "moments": list(counted.values()), "store": store_id, "oldest": min(counted.values()),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_MOVES, asked)
        return {sku_id: int(units) for sku_id, units in cursor.fetchall()}


def join() -> None:
    """Answer the listings' question; called when the project starts."""
    hooks.answer_stock_moves(moved_since)
