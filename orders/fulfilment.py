"""Orders of campaigns that are being fulfilled: they have a fulfilment number (R22)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.db import connection

from accounts.models import Store

#: An order is a campaign's when one of its lines was sold at the campaign's price, or its terms name the campaign (order discounts).
_STARTED = """
    SELECT l.code, count(*), (array_agg(o.code ORDER BY o.id))[:%(shown)s] FROM (
        SELECT n.campaign_code, n.order_id FROM orders_orderline AS n
        WHERE n.store_id = %(store)s AND n.campaign_code = ANY(%(codes)s) AND n.campaign_code <> ''
        UNION
        SELECT c.code, r.id FROM unnest(%(codes)s::text[]) AS c(code)
        JOIN orders_order AS r ON r.store_id = %(store)s AND (r.snapshot -> 'campaigns') ? c.code
    ) AS l (code, order_id) JOIN orders_order AS o ON o.id = l.order_id
    WHERE o.fulfilment_number <> '' GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Started:
    """How many orders of a campaign have a fulfilment number, and the codes of the first of them."""

    orders: int
    sample: tuple[str, ...]


def started(store: Store, campaign_codes: Sequence[str], *, shown: int) -> dict[str, Started]:
    """The campaigns, by code, of which some order has a fulfilment number; one query whatever their number."""
    with connection.cursor() as cursor:
        cursor.execute(_STARTED, {"store": store.pk, "codes": list(campaign_codes), "shown": shown})
        return {code: Started(count, tuple(sample)) for code, count, sample in cursor.fetchall()}
