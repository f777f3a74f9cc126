"""Search over Chinese and Latin titles."""

from __future__ import annotations

import pytest
from django.db import connection

import policies
from listings.models import Listing
from listings.search import listing_terms, matching, query_terms, terms
from policies.rules import ListingRules
from tests.factories import make_listing, make_skus


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Floral Waist Dress", ["dress", "floral", "waist"]),
        ("ＦＵＬＬ　Width１２", ["full", "width12"]),
        ("无线耳机", ["无", "无线", "机", "线", "线耳", "耳", "耳机"]),
        ("USB数据线1米", ["1", "usb", "据", "据线", "数", "数据", "米", "线"]),
        ("T-shirt PC-001", ["001", "pc", "shirt", "t"]),
        ("Größe ÉTÉ", ["größe", "été"]),
        ("", []),
        ("?! … —", []),
    ],
)
def test_terms_are_folded_words_and_chinese_pairs(text: str, found: list[str]) -> None:
    assert terms(text) == sorted(found)


def test_a_query_asks_for_pairs_and_a_single_character_for_itself() -> None:
    assert query_terms("无线耳机 Black") == sorted(["无线", "线耳", "耳机", "black"])
    assert query_terms("鞋") == ["鞋"]


def test_a_very_long_word_is_cut_to_what_the_array_holds(store) -> None:
    listing = make_listing(store, title="x" * 200)
    assert matching(Listing.objects.all(), "x" * 200).get() == listing


def test_found_by_title_in_any_language_by_sku_and_by_part_of_it(store) -> None:
    dress = make_listing(store, ["PC-DRS-001-S"], title="Floral Waist Dress", titles={"zh": "碎花收腰连衣裙 夏季短袖"})
    make_listing(store, ["PC-TOT-005"], title="Large Canvas Tote", titles={"zh": "帆布托特包"})
    for query in ("floral dress", "FLORAL", "连衣裙", "收腰", "裙", "PC-DRS-001-S", "pc-drs", "drs", "ｆｌｏｒａｌ"):
        assert list(matching(Listing.objects.all(), query)) == [dress], query
    for query in ("floral tote", "裙连", "!!!", "dres"):
        assert not matching(Listing.objects.all(), query).exists(), query
    assert matching(Listing.objects.all(), "   ").count() == 2


def test_the_brand_is_a_term_too() -> None:
    assert "pinecone" in listing_terms(["Tote"], ["PC-1"], "Pinecone")


def test_the_search_uses_its_index(store) -> None:
    make_skus(store, 3000, prefix="IDX")
    with connection.cursor() as cursor:
        # What autovacuum does by and by: fold fresh rows into the index, and count.
        cursor.execute("SELECT gin_clean_pending_list('listing_search')")
        cursor.execute("ANALYZE listings_listing")
    plan = matching(Listing.objects.filter(store=store), "IDX 2047").order_by("-id")[:50].explain()
    assert "listing_search" in plan, plan


def test_no_more_terms_are_asked_for_than_the_policy_takes(store, monkeypatch) -> None:
    make_listing(store, title="alpha beta")
    real = policies.active
    monkeypatch.setattr(
        policies,
        "active",
        lambda model, now: ListingRules(search_terms_max=1) if model is ListingRules else real(model, now),
    )
    assert matching(Listing.objects.all(), "alpha zulu").exists()
