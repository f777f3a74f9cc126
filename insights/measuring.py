"""The figures of many campaigns at once: counters, order lines as they were frozen, ad spend; a fixed number of statements.

A line counts for every item campaign whose terms priced it: for the one that set its price alone, or for each of those that stacked, with
the part of the reduction that it took itself, as the order's frozen chain tells. An order discount (spend-and-save) belongs to the campaign
that the order's frozen terms name; its lines are those of the campaign's products. So one order may count for several campaigns, and their
figures are never added up. Called-off orders do not count. Amounts of different currencies never mix: the figures are in one currency,
orders in others stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import connection

from campaigns.models import Campaign
from campaigns.selection import ORDER_KINDS
from core import money
from insights.formulas import Figures
from insights.models import CampaignFigures

_COUNTED = """
    SELECT campaign_id, sum(impressions)::bigint, sum(clicks)::bigint, sum(add_to_cart)::bigint, max(last_at)
    FROM insights_eventcount WHERE store_id = ANY(%s) AND campaign_id = ANY(%s) GROUP BY 1
"""
_SPENT = "SELECT campaign_id, sum(amount) FROM insights_adspend WHERE store_id = ANY(%s) AND campaign_id = ANY(%s) GROUP BY 1"
_SOLD = """
    WITH wanted AS MATERIALIZED (
        SELECT id, store_id, code, kind, item_count, stacks FROM campaigns_campaign WHERE id = ANY(%(ids)s)
    ), item_lines AS (
        SELECT w.id AS campaign, o.id AS order_id, o.buyer, o.currency, o.placed_at, n.quantity AS units,
            n.quantity * n.unit_price - n.order_discount AS paid, n.quantity * (n.list_price - n.unit_price) AS saved
        FROM wanted w
        JOIN orders_orderline n ON n.store_id = w.store_id AND n.campaign_code = w.code AND n.campaign_code <> ''
        JOIN orders_order o ON o.id = n.order_id AND o.state <> 'cancelled'
        WHERE NOT (w.stacks AND coalesce(o.snapshot -> 'lines' -> n.position -> 'chain', '[]') @> jsonb_build_array(
            jsonb_build_object('campaign', w.code)))
    ), told AS (
        SELECT w.id AS campaign, w.code, w.kind, w.item_count, o.id AS order_id, o.buyer, o.currency, o.placed_at, o.snapshot
        FROM wanted w
        JOIN orders_order o ON o.store_id = w.store_id AND (o.snapshot -> 'campaigns') ? w.code AND o.state <> 'cancelled'
        WHERE w.stacks OR w.kind = ANY(%(kinds)s)
    ), stacked_lines AS (
        SELECT t.campaign, t.order_id, t.buyer, t.currency, t.placed_at, n.quantity AS units,
            n.quantity * n.unit_price - n.order_discount AS paid, (step.value ->> 'amount')::numeric AS saved
        FROM told t
        CROSS JOIN LATERAL jsonb_array_elements(t.snapshot -> 'lines') WITH ORDINALITY AS line(value, place)
        CROSS JOIN LATERAL jsonb_array_elements(line.value -> 'chain') AS step(value)
        JOIN orders_orderline n ON n.order_id = t.order_id AND n.position = line.place - 1
        WHERE step.value ->> 'campaign' = t.code
    ), order_level AS (
        SELECT t.campaign, t.item_count, t.order_id, t.buyer, t.currency, t.placed_at, (d.value ->> 'amount')::numeric AS saved
        FROM told t CROSS JOIN LATERAL jsonb_array_elements(t.snapshot -> 'discounts') AS d(value)
        WHERE t.kind = ANY(%(kinds)s) AND d.value ->> 'campaign' = t.code AND d.value ->> 'kind' = 'order'
    ), found AS (
        SELECT * FROM item_lines
        UNION ALL
        SELECT * FROM stacked_lines
        UNION ALL
        SELECT l.campaign, l.order_id, l.buyer, l.currency, l.placed_at, n.quantity, n.quantity * n.unit_price - n.order_discount, 0
        FROM order_level l JOIN orders_orderline n ON n.order_id = l.order_id
        WHERE l.item_count = 0
            OR EXISTS (SELECT FROM campaigns_campaignitem i WHERE i.campaign_id = l.campaign AND i.sku_id = n.sku_id)
        UNION ALL
        SELECT campaign, order_id, buyer, currency, placed_at, 0, 0, saved FROM order_level
    )
"""
_BY_CAMPAIGN = f"""{_SOLD}
    SELECT campaign, currency, count(DISTINCT order_id), count(DISTINCT coalesce(nullif(buyer, ''), '#' || order_id)),
        sum(units)::bigint, sum(paid), sum(saved), max(placed_at)
    FROM found GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""  # noqa: S608 - text of our own
_BY_DAY = f"""{_SOLD}
    SELECT (placed_at AT TIME ZONE %(zone)s)::date, count(DISTINCT order_id), sum(units)::bigint, sum(paid)
    FROM found WHERE currency = %(currency)s GROUP BY 1
"""  # noqa: S608 - text of our own
_COUNTED_BY_DAY = """
    SELECT (hour AT TIME ZONE %s)::date, sum(impressions)::bigint, sum(clicks)::bigint, sum(add_to_cart)::bigint
    FROM insights_eventcount WHERE store_id = %s AND campaign_id = %s GROUP BY 1
"""


def of(campaigns: Iterable[Campaign]) -> dict[int, Figures]:
    """The figures of these campaigns (with their store loaded), by id: sealed ones where an archive holds them, live ones for the rest."""
    rows = list(campaigns)
    sealed = {one.pk: from_row(one) for one in CampaignFigures.objects.filter(campaign_id__in=[row.pk for row in rows])}
    live = [row for row in rows if row.pk not in sealed]
    return sealed | (
        count({row.pk: row.store.currency for row in live}, [row.store_id for row in live]) if live else {}
    )


def from_row(row: CampaignFigures) -> Figures:
    """Sealed figures as they are used."""
    names = (
        "impressions",
        "clicks",
        "add_to_cart",
        "orders",
        "buyers",
        "units",
        "sales_amount",
        "discount_cost",
        "ad_spend",
    )
    return Figures(
        row.currency, **{name: getattr(row, name) for name in names}, others=row.others, sealed_at=row.sealed_at
    )


def count(currencies: dict[int, str], store_ids: Sequence[int]) -> dict[int, Figures]:
    """Count the figures of these campaigns now: `currencies` holds their stores' currencies by campaign id. Three statements."""
    ids, stores = list(currencies), sorted(set(store_ids))
    found = {pk: Figures(currency) for pk, currency in currencies.items()}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED, [stores, ids])
        for pk, impressions, clicks, carts, last in cursor.fetchall():
            one = found[pk]
            one.impressions, one.clicks, one.add_to_cart, one.last_event_at = impressions, clicks, carts, last
        cursor.execute(_SPENT, [stores, ids])
        for pk, amount in cursor.fetchall():
            found[pk].ad_spend = amount
        cursor.execute(_BY_CAMPAIGN, {"ids": ids, "kinds": ORDER_KINDS})
        sold: dict[int, list[tuple[Any, ...]]] = {}
        for pk, *rest in cursor.fetchall():
            sold.setdefault(pk, []).append(tuple(rest))
    for pk, rows in sold.items():
        _put(found[pk], rows)
    return found


def _put(figures: Figures, rows: Sequence[tuple[Any, ...]]) -> None:
    """The store's own currency leads where it sold or cost anything (ad spend is in it); otherwise the one with most orders. The others
    stand beside it.
    """
    main = next((row for row in rows if row[0] == figures.currency), None)
    if main is None and not figures.ad_spend:
        main = rows[0]
    if main is not None:
        figures.currency, figures.orders, figures.buyers, figures.units = main[:4]
        figures.sales_amount, figures.discount_cost = main[4:6]
    figures.last_order_at = max(row[6] for row in rows)
    figures.others = [
        {
            "currency": currency,
            "orders": orders,
            "buyers": buyers,
            "units": units,
            "sales_amount": money.text(paid, currency),
            "discount_cost": money.text(saved, currency),
        }
        for currency, orders, buyers, units, paid, saved, _last in rows
        if currency != figures.currency
    ]


def by_day(campaign: Campaign, zone: str, currency: str) -> dict[date, dict[str, int | Decimal]]:
    """What happened on each day of the store's calendar, for the chart: only days with something, oldest first. Two statements."""
    days: dict[date, dict[str, int | Decimal]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_COUNTED_BY_DAY, [zone, campaign.store_id, campaign.pk])
        for day, impressions, clicks, carts in cursor.fetchall():
            days[day] = {"impressions": impressions, "clicks": clicks, "add_to_cart": carts}
        cursor.execute(_BY_DAY, {"ids": [campaign.pk], "kinds": ORDER_KINDS, "zone": zone, "currency": currency})
        for day, orders, units, paid in cursor.fetchall():
            days.setdefault(day, {}).update({"orders": orders, "units": units, "sales_amount": paid})
    return dict(sorted(days.items()))


def as_of(figures: Figures, now: datetime) -> datetime:
    """Up to when the figures reach: the moment of the archive, or now (R38)."""
    return figures.sealed_at or now
