"""The archive of a closed campaign: settings, items and figures as they stood, sealed with a hash; no buyer's data (R36, R37, R147).

The document's hash is SHA-256 over its canonical JSON: UTF-8, keys sorted, no blanks; amounts are text. Rooms above add parts of their own
with `archive_part`. Format 1 held `figures` by currency; since format 2 the metrics are a part.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection

from campaigns.models import Campaign, CampaignArchive, Closing
from core import money

FORMAT = 2

#: What a room above knows of some closes at a moment, by campaign id: plain JSON, no buyers' data; in the archive's transaction.
Part = Callable[[Sequence[Closing], datetime], Mapping[int, Any]]
_parts: dict[str, Part] = {}


def archive_part(name: str) -> Callable[[Part], Part]:
    """Add a part to every archive from now on, under `name`; set-based, as the archive is."""

    def join(part: Part) -> Part:
        _parts[name] = part
        return part

    return join


_ITEMS = """
    SELECT i.campaign_id, s.code, i.listing_id, s.currency, i.price, i.price_before, s.sale_price
    FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id
    WHERE i.campaign_id = ANY(%s) ORDER BY i.campaign_id, s.code
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
    """Archive the campaigns of these closes (with `campaign` and its store loaded) in a fixed number of statements; answers the hashes by
    campaign id.

    A campaign that is archived already keeps its archive, whose hash is answered.
    """
    ids = [closing.campaign_id for closing in closings]
    kept = dict(CampaignArchive.objects.filter(campaign_id__in=ids).values_list("campaign_id", "sha256"))
    fresh = [closing for closing in closings if closing.campaign_id not in kept]
    if not fresh:
        return kept
    codes = [closing.campaign.code for closing in fresh]
    parts = {name: part(fresh, now) for name, part in _parts.items()}
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS, [[closing.campaign_id for closing in fresh]])
        items = _grouped(cursor.fetchall(), _item)
        documents = [
            canonical(
                _document(one, items.get(one.campaign_id, []), now)
                | {name: known.get(one.campaign_id) for name, known in parts.items()}
            )
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


def settings_of(campaign: Campaign) -> dict[str, Any]:
    """The campaign's settings as an archive holds them."""
    settings = (
        "code", "kind", "name", "name_zh", "state", "rules", "price_protected", "logistics_guarantee", "platform_enforced",
        "min_items", "stacks", "freeze_claimed", "item_count", "version",
    )  # fmt: skip
    times = ("starts_at", "ends_at", "created_at", "started_at", "paused_at", "closed_at")
    return {name: getattr(campaign, name) for name in settings} | {
        name: _time(getattr(campaign, name)) for name in times
    }


def _document(closing: Closing, items: list[dict[str, Any]], now: datetime) -> dict[str, Any]:
    campaign = closing.campaign
    return {
        "format": FORMAT,
        "archived_at": now.isoformat(),
        "store": campaign.store.slug,
        "campaign": settings_of(campaign),
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
