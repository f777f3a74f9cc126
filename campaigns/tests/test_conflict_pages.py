"""活动诊断工具 in the browser: what it shows, that it computes a page and no more, and that a way out is shown before it is taken (R30)."""

from __future__ import annotations

import re
from html import unescape

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from campaigns import conflicts
from campaigns.models import Campaign
from campaigns.tests.conftest import NOON, days
from tests import factories as make

PAGE = "/s/{}/campaigns/conflicts/"
HIDDEN = re.compile(r'<input type="hidden" name="(\w+)" value="([^"]*)"')
LIST_QUERIES = 14


@pytest.fixture
def owner(shop):
    client = Client()
    client.force_login(make.owner_of(shop.store))
    return client


@pytest.fixture
def two(shop):
    running = make.make_campaign(shop.store, shop.skus[:2], ends_at=NOON + days(2), name="Clear-Out")
    coming = make.make_campaign(
        shop.store, shop.skus[:2], state="scheduled", starts_at=NOON + days(1), ends_at=NOON + days(4), name="Autumn"
    )
    return running, coming


def page_of(client, address):
    answer = client.get(address)
    assert answer.status_code == 200, answer.status_code
    return answer.content.decode()


def test_no_conflict_says_when_it_was_checked(shop, owner):
    make.make_campaign(shop.store, shop.skus)
    page = page_of(owner, PAGE.format(shop.store.slug))
    assert "No conflict" in page
    assert "2026-11-27 20:00" in page


def test_groups_name_sku_campaigns_and_prices(shop, owner, two):
    page = page_of(owner, PAGE.format(shop.store.slug))
    for text in (shop.skus[0].code, shop.skus[1].code, two[0].code, two[1].code, "18.90"):
        assert text in page
    assert shop.skus[2].code not in page


def test_filters_and_pages(shop, owner, two, monkeypatch):
    base = PAGE.format(shop.store.slug)
    assert shop.skus[1].code not in page_of(owner, f"{base}?q={shop.skus[0].code}")
    assert shop.skus[0].code in page_of(owner, f"{base}?campaign={two[0].code}")
    assert "Nothing matches" in page_of(owner, f"{base}?campaign=C-00000")
    assert "Nothing matches" in page_of(owner, f"{base}?q=%25")
    rules = conflicts.policies.active(conflicts.ConflictRules, NOON).model_copy(update={"page_size": 1})
    original = conflicts.policies.active
    monkeypatch.setattr(
        "campaigns.views.conflicts.active",
        lambda model, now: rules if model is conflicts.ConflictRules else original(model, now),
    )
    first = page_of(owner, base)
    (following,) = re.findall(r'rel="next" href="([^"]+)"', first)
    second = page_of(owner, base + unescape(following))
    assert (shop.skus[0].code in first, shop.skus[1].code in first) == (True, False)
    assert (shop.skus[0].code in second, shop.skus[1].code in second) == (False, True)
    assert page_of(owner, f"{base}?cursor=garbage") != ""


def test_a_page_costs_the_same_queries_for_two_groups_and_for_fifty(shop, owner, two):
    base = PAGE.format(shop.store.slug)
    page_of(owner, base)
    counts = []
    for _ in range(2):
        with CaptureQueriesContext(connection) as queries:
            page_of(owner, base)
        counts.append(len(queries))
        many = make.make_skus(shop.store, 45)
        for _campaign in range(3):
            make.make_campaign(shop.store, many)
    assert counts[0] == counts[1] <= LIST_QUERIES


def test_one_sku_shows_picture_twin_chain_and_ways(shop, owner, two):
    page = page_of(owner, f"{PAGE.format(shop.store.slug)}{shop.skus[0].pk}/")
    assert page.count('<rect class="bo-win-bar') == 2
    assert 'class="bo-win-clash"' in page
    assert "style=" not in page.partition("<main")[2]
    assert page.count("resolve/?") >= 4
    assert "US$18.90" in page or "$18.90" in page
    gone = page_of(owner, f"{PAGE.format(shop.store.slug)}{shop.skus[2].pk}/")
    assert "No conflict" in gone
    assert owner.get(f"{PAGE.format(shop.store.slug)}99999999/").status_code == 404


def test_a_campaign_shows_its_rivals_and_nothing_once_it_is_over(shop, owner, two, frozen):
    address = f"/s/{shop.store.slug}/campaigns/{two[0].code}/conflicts/"
    page = page_of(owner, address)
    assert two[1].code in page
    assert "2 SKUs in common" in page
    frozen.move_to(two[0].ends_at)
    owner.force_login(make.owner_of(shop.store))
    assert "It counts no more" in page_of(owner, address)


def test_who_may_only_look_is_offered_no_way(shop, two):
    viewer = Client()
    viewer.force_login(make.make_member(shop.store, rights=["campaigns.view"]))
    page = page_of(viewer, f"{PAGE.format(shop.store.slug)}{shop.skus[0].pk}/")
    assert "resolve/?" not in page
    assert viewer.get(f"{PAGE.format(shop.store.slug)}resolve/?way=stack&campaign={two[0].code}").status_code == 403


def test_a_way_out_is_shown_then_taken_and_leads_back(shop, owner, two):
    address = f"/s/{shop.store.slug}/campaigns/{two[0].code}/conflicts/"
    links = [unescape(link) for link in re.findall(r'href="([^"]+resolve/\?[^"]+)"', page_of(owner, address))]
    move = next(link for link in links if "ends_at" in link)
    shown = page_of(owner, move)
    assert Campaign.objects.get(pk=two[0].pk).ends_at == two[0].ends_at, "looking changes nothing"
    fields = {name: unescape(value) for name, value in HIDDEN.findall(shown) if name != "csrfmiddlewaretoken"}
    done = owner.post(move.partition("?")[0], fields)
    assert (done.status_code, done["Location"]) == (302, address)
    assert Campaign.objects.get(pk=two[0].pk).ends_at == two[1].starts_at
    assert "No conflict" in page_of(owner, address)
    again = owner.post(move.partition("?")[0], fields)
    assert again.status_code == 409, "the version that was seen is no longer there"
    assert "ERR_VERSION_CONFLICT" in again.content.decode()


@pytest.mark.parametrize(
    "query",
    [
        "way=fly", "way=move", "way=move&campaign=C-1", "way=withdraw&campaign=C-1", "way=stack", "way=move&campaign=C-1&ends_at=x",
        "way=withdraw&campaign=C-1&sku=A&other=C-2", "way=move&campaign=C-1&campaign=C-2&ends_at=2026-11-28T00:00:00Z",
    ],
)  # fmt: skip
def test_an_address_that_is_not_complete_is_said_so(shop, owner, query):
    answer = owner.get(f"{PAGE.format(shop.store.slug)}resolve/?{query}")
    assert answer.status_code == 422
    assert "cannot be read" in answer.content.decode()


def test_another_store_chosen_on_the_page_shows_its_conflicts(shop, owner):
    """The switcher leads to the same address without its query."""
    page = PAGE.format(shop.store.slug)
    answer = owner.get(f"{page}resolve/")
    assert (answer.status_code, answer["Location"]) == (302, page)


def test_a_campaign_or_sku_that_is_not_there_is_refused_with_words(shop, owner, two):
    base = f"{PAGE.format(shop.store.slug)}resolve/"
    assert owner.get(f"{base}?way=stack&campaign=C-00000").status_code == 404
    refused = owner.post(base, {"way": "withdraw", "campaign": two[1].code, "sku": "NOT-HERE"})
    assert refused.status_code == 422
    assert "is not in this campaign" in refused.content.decode()
