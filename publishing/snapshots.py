"""The document of a published page, built in SQL for many pages at once.

    {"listing", "title", "language", "state", "brand", "category": {"code", "name"}, "image", "shipping",
     "skus": [{"id", "sku", "price", "currency", "stock"}],
     "offers": [{"sku", "campaign", "kind", "label", "price", "from", "until", "stacks"}]}

Amounts are text as the database holds them; `price` of an offer is null where the campaign discounts the order. `offers` are those that
are active and not over at the moment of building, those to come included: whoever shows the page goes by the clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db import connection

#: Answers (publication id, desired version, wanted at, document) for the publications `%(ids)s` at `%(now)s`.
DOCUMENTS = """
    SELECT p.id, p.desired_version, p.wanted_at, jsonb_build_object(
        'listing', l.id,
        'title', COALESCE(NULLIF(l.titles ->> split_part(s.language, '-', 1), ''), l.title),
        'language', s.language,
        'state', l.state,
        'brand', COALESCE(b.name, ''),
        'category', jsonb_build_object(
            'code', c.code, 'name', CASE WHEN s.language LIKE 'zh%%' THEN c.name_zh ELSE c.name END),
        'image', l.main_image,
        'shipping', l.logistics_template,
        'skus', COALESCE(k.rows, '[]'::jsonb),
        'offers', COALESCE(o.rows, '[]'::jsonb))
    FROM publishing_publication p
    JOIN publishing_site s ON s.id = p.site_id
    JOIN listings_listing l ON l.id = p.listing_id
    JOIN listings_category c ON c.id = l.category_id
    LEFT JOIN listings_brand b ON b.id = l.brand_id
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object(
            'id', sku.id, 'sku', sku.code, 'price', sku.sale_price::text, 'currency', sku.currency,
            'stock', GREATEST(0, sku.stock - sku.reserved)) ORDER BY sku.position, sku.id) AS rows
        FROM listings_sku sku WHERE sku.listing_id = l.id) k ON true
    LEFT JOIN LATERAL (
        SELECT jsonb_agg(jsonb_build_object(
            'sku', offer.sku_id, 'campaign', offer.campaign_code, 'kind', offer.kind,
            'label', CASE WHEN s.language LIKE 'zh%%' AND offer.label_zh <> '' THEN offer.label_zh ELSE offer.label END,
            'price', offer.price::text, 'from', offer.starts_at, 'until', offer.ends_at, 'stacks', offer.stacks)
            ORDER BY offer.starts_at, offer.campaign_code, offer.sku_id) AS rows
        FROM listings_liveoffer offer
        WHERE offer.listing_id = l.id AND offer.active AND offer.ends_at > %(now)s) o ON true
    WHERE p.id = ANY(%(ids)s)
    ORDER BY p.id
"""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One built page: which publication, at which version, for the change of which moment."""

    publication_id: int
    version: int
    wanted_at: datetime
    document: dict[str, Any]


def build(publication_ids: Sequence[int], *, now: datetime) -> list[Snapshot]:
    """Build the documents of these publications, in the order of their ids, in one statement.

    The caller holds the publications' locks from an earlier statement: only then does what is read belong to the version that is read.
    """
    with connection.cursor() as cursor:
        cursor.execute(DOCUMENTS, {"ids": list(publication_ids), "now": now})
        return [Snapshot(row[0], row[1], row[2], orjson.loads(row[3])) for row in cursor.fetchall()]
