"""The tables that every stop writes: no index twice, each query on one of the few left, and offers switched off in their own pages."""

from __future__ import annotations

import pytest
from django.db import connection

from campaigns.offers import switch_off
from core import clock
from tests import factories as make

HOT_TABLES = (
    "listings_liveoffer",
    "publishing_publication",
    "campaigns_campaign",
    "campaigns_campaignitem",
    "campaigns_closing",
    "campaigns_check",
    "campaigns_leftover",
)
_INDEXES = """
    SELECT t.relname, i.relname, k.indkey::int2[], k.indpred IS NULL
    FROM pg_index k JOIN pg_class i ON i.oid = k.indexrelid JOIN pg_class t ON t.oid = k.indrelid
    WHERE t.relname = ANY(%s) ORDER BY 1, 2
"""
#: What reads these tables, and the index that must serve it when the table is large.
QUERIES = (
    ("offer_of_sku", "SELECT 1 FROM listings_liveoffer WHERE sku_id = ANY('{1,2}') AND active AND ends_at > now()"),
    ("offer_of_listing", "SELECT 1 FROM listings_liveoffer WHERE listing_id = 1 AND active AND ends_at > now()"),
    ("offer_once", "UPDATE listings_liveoffer SET active = false WHERE campaign_code = ANY('{C-1,C-2}') AND active"),
    ("offer_once", "DELETE FROM listings_liveoffer WHERE campaign_code = ANY('{C-1}') AND NOT active"),
    ("publication_once", "SELECT 1 FROM publishing_publication WHERE site_id = 1 AND listing_id = 1"),
    (
        "publication_once",
        "SELECT 1 FROM publishing_publication WHERE store_id = 1 AND listing_id = ANY('{1,2}') AND site_id = ANY('{1,2}')"
        " AND published_version > 0",
    ),
    (
        "publication_due",
        "SELECT id FROM publishing_publication WHERE site_id = 1 AND desired_version > published_version ORDER BY id LIMIT 9",
    ),
    ("campaign_item_once", "SELECT 1 FROM campaigns_campaignitem WHERE campaign_id = ANY('{1,2}')"),
    ("campaign_item_sku", "SELECT 1 FROM campaigns_campaignitem WHERE sku_id = 1"),
    (
        "campaign_item_by_sku",
        "SELECT sku_id, price FROM campaigns_campaignitem WHERE store_id = 1 AND sku_id > 5 AND ended_at IS NULL ORDER BY sku_id LIMIT 9",
    ),
    ("closing_of_campaign", "SELECT 1 FROM campaigns_closing WHERE campaign_id = 1 ORDER BY id DESC LIMIT 1"),
    ("closing_list", "SELECT 1 FROM campaigns_closing WHERE store_id = 1 ORDER BY closed_at DESC LIMIT 5"),
    (
        "closing_open",
        "SELECT 1 FROM campaigns_closing WHERE store_id = 1 AND completed_at IS NULL AND taken_back_at IS NULL"
        " ORDER BY closed_at LIMIT 5",
    ),
    ("check_of_campaign", "SELECT 1 FROM campaigns_check WHERE campaign_id = 1 ORDER BY id DESC LIMIT 12"),
    ("leftover_open", "SELECT 1 FROM campaigns_leftover WHERE store_id = 1 AND cleared_at IS NULL ORDER BY id DESC LIMIT 9"),
    ("leftover_list", "SELECT 1 FROM campaigns_leftover WHERE store_id = 1 ORDER BY id DESC LIMIT 9"),
)  # fmt: skip


@pytest.mark.django_db
def test_no_index_begins_like_another():
    with connection.cursor() as cursor:
        cursor.execute(_INDEXES, [list(HOT_TABLES)])
        found = cursor.fetchall()
    whole = [(table, name, columns) for table, name, columns, everything in found if everything]
    twice = [
        (name, longer)
        for table, name, columns in whole
        for other, longer, others in whole
        if table == other and name != longer and others[: len(columns)] == columns and 0 not in columns
    ]
    # The unique code has an index for patterns beside it, which is another operator class.
    assert [pair for pair in twice if "code" not in pair[0]] == []


@pytest.mark.django_db
@pytest.mark.parametrize(("index", "query"), QUERIES, ids=[f"{n}-{index}" for n, (index, _query) in enumerate(QUERIES)])
def test_each_query_finds_its_index(index, query):
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN {query}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert f" {index} " in plan or f" {index}\n" in plan or plan.endswith(index), plan


def test_switching_offers_off_touches_no_index(shop):
    """Heap-only updates: counted by the database itself, within this transaction."""
    skus = make.make_skus(shop.store, 300)
    campaign = make.make_campaign(shop.store, skus)
    counted = "SELECT pg_stat_get_xact_tuples_updated(%s::regclass), pg_stat_get_xact_tuples_hot_updated(%s::regclass)"
    table = ["listings_liveoffer"] * 2
    with connection.cursor() as cursor:
        cursor.execute(counted, table)
        before = cursor.fetchone()
        assert switch_off([campaign], now=clock.now()).offers == {campaign.code: 300}
        cursor.execute(counted, table)
        after = cursor.fetchone()
    written, in_place = after[0] - before[0], after[1] - before[1]
    assert written == 300
    assert in_place >= 290
