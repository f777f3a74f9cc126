"""The archive of a closed campaign: settings, items and figures as they stood, sealed with a hash; no buyer's data (R36, R37, R147).

The document's hash is SHA-256 over its canonical JSON: UTF-8, keys sorted, no blanks; amounts are text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from campaigns.models import CampaignArchive, Closing
from core import money

FORMAT = 1

_ITEMS = """
    SELECT i.campaign_id, s.code, i.listing_id, s.currency, i.price, i.price_before, s.sale_price
    FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id
    WHERE i.campaign_id = ANY(%s) ORDER BY i.campaign_id, s.code
"""
_FIGURES = """
    SELECT n.campaign_code, r.currency, count(DISTINCT r.id), sum(n.quantity), sum(n.quantity * n.unit_price),
        sum(n.quantity * (n.list_price - n.unit_price)), min(r.placed_at), max(r.placed_at)
    FROM orders_orderline n JOIN orders_order r ON r.id = n.order_id
    WHERE n.store_id = ANY(%s) AND n.campaign_code = ANY(%s) AND n.campaign_code <> '' AND r.state <> 'cancelled'
    GROUP BY 1, 2 ORDER BY 1, 2
"""
_INSERT = """
    INSERT INTO campaigns_campaignarchive (campaign_id, store_id, archived_at, document, sha256)
    SELECT v.id, c.store_id, %s, v.document::jsonb, v.digest
    FROM unnest(%s::bigint[], %s::text[], %s::text[]) AS v(id, document, digest) JOIN campaigns_campaign c ON c.id = v.id
    ON CONFLICT (campaign_id) DO NOTHING
"""
# Offers of a campaign that is over and archived say nothing about "now" any more.
_SWEEP_OFFERS = "DELETE FROM listings_liveoffer WHERE campaign_code = ANY(%s) AND NOT active"


def build(closings: Sequence[Closing], *, now: datetime) -> dict[int, str]:
    """Archive the campaigns of these closes (with `campaign` and its store loaded) in four statements; answers the hash by campaign id.

    A campaign that is archived already keeps its archive, whose hash is answered.
    """
    ids = [closing.campaign_id for closing in closings]
    kept = dict(CampaignArchive.objects.filter(campaign_id__in=ids).values_list("campaign_id", "sha256"))
    fresh = [closing for closing in closings if closing.campaign_id not in kept]
    if not fresh:
        return kept
    codes = [closing.campaign.code for closing in fresh]
    stores = sorted({closing.store_id for closing in fresh})
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [[closing.campaign_id for closing in fresh]])
        items = _grouped(cursor.fetchall(), _item)
        cursor.execute(_FIGURES, [stores, codes])
        figures = _grouped(cursor.fetchall(), _figure)
        documents = [
            canonical(_document(one, items.get(one.campaign_id, []), figures.get(one.campaign.code, []), now))
            for one in fresh
        ]
        hashes = [hashlib.sha256(text).hexdigest() for text in documents]
        fresh_ids = [one.campaign_id for one in fresh]
        cursor.execute(_INSERT, [now, fresh_ids, [text.decode() for text in documents], hashes])
        cursor.execute(_SWEEP_OFFERS, [codes])
    return kept | dict(zip(fresh_ids, hashes, strict=True))


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def intact(archive: CampaignArchive) -> bool:
    """Whether the document still has its hash."""
    return hashlib.sha256(canonical(archive.document)).hexdigest() == archive.sha256


def _document(
    closing: Closing, items: list[dict[str, Any]], figures: list[dict[str, Any]], now: datetime
) -> dict[str, Any]:
    campaign = closing.campaign
    settings = (
        "code", "kind", "name", "name_zh", "state", "rules", "price_protected", "logistics_guarantee", "platform_enforced",
        "min_items", "stacks", "freeze_claimed", "item_count", "version",
    )  # fmt: skip
    times = ("starts_at", "ends_at", "created_at", "started_at", "paused_at", "closed_at")
    return {
        "format": FORMAT,
        "archived_at": now.isoformat(),
        "store": campaign.store.slug,
        "campaign": {name: getattr(campaign, name) for name in settings}
        | {name: _time(getattr(campaign, name)) for name in times},
        "close": {
            "kind": closing.close_kind,
            "closed_at": _time(closing.closed_at),
            "finalised_at": _time(closing.finalised_at),
            "reason": closing.reason,
            "forecast": closing.forecast,
            "result": closing.result,
            "differences": closing.differences,
        },
        "items": items,
        "figures": figures,
    }


def _item(
    code: str, listing: int, currency: str, price: Decimal | None, before: Decimal | None, sale: Decimal
) -> dict[str, Any]:
    return {
        "sku": code,
        "listing": listing,
        "currency": currency,
        "price": _amount(price, currency),
        "price_before": _amount(before, currency),
        "sale_price": _amount(sale, currency),
    }


def _figure(
    currency: str, orders: int, units: int, sales: Decimal, discount: Decimal, first: datetime, last: datetime
) -> dict[str, Any]:
    return {
        "currency": currency,
        "orders": orders,
        "units": int(units),
        "sales_amount": _amount(sales, currency),
        "discount_cost": _amount(discount, currency),
        "first_order_at": _time(first),
        "last_order_at": _time(last),
    }


def _grouped(rows: Iterable[tuple[Any, ...]], make: Any) -> dict[Any, list[dict[str, Any]]]:
    """Rows by their first column, each made by `make` from the rest."""
    groups: dict[Any, list[dict[str, Any]]] = {}
    for key, *rest in rows:
        groups.setdefault(key, []).append(make(*rest))
    return groups


def _amount(value: Decimal | None, currency: str) -> str | None:
    return None if value is None else money.text(value, currency)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
