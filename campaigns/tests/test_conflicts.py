"""Overlap groups: which campaigns count, where windows meet, stacking, paging, and the same answer as plain arithmetic (R30)."""

from __future__ import annotations

import random
from collections import defaultdict
from datetime import timedelta
from itertools import combinations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from campaigns import conflicts
from campaigns.conflicts import Wanted
from campaigns.models import Campaign
from campaigns.tests.conftest import NOON, days, open_shop
from core.scopes import in_store
from tests import factories as make

HOUR = timedelta(hours=1)


def found(shop, **wanted):
    """Groups as {SKU code: [campaign codes by start]}."""
    groups = conflicts.page(Wanted(shop.store.pk, NOON, **wanted), size=100).groups
    return {group.sku: [party.campaign.code for party in group.parties] for group in groups}


def pair(shop, first=(-1, 2), second=(1, 4), **extra):
    """Two campaigns on the same SKU; windows in days from now."""
    sku = shop.skus[:1]
    rows = []
    for (since, until), more in zip((first, second), (extra.pop("one", {}), extra.pop("two", {})), strict=True):
        state = more.pop("state", "running" if since <= 0 else "scheduled")
        rows.append(
            make.make_campaign(
                shop.store, sku, state=state, starts_at=NOON + days(since), ends_at=NOON + days(until), **more
            )
        )
    return rows


def test_a_group_names_sku_windows_and_prices(shop):
    early, late = pair(shop, one={"price": "18.90"}, two={"price": "17.50"})
    (group,) = conflicts.page(Wanted(shop.store.pk, NOON), size=10).groups
    assert (group.sku, str(group.sale_price), group.total, group.more) == (shop.skus[0].code, "24.900", 2, 0)
    assert [(party.campaign.code, str(party.price)) for party in group.parties] == [
        (early.code, "18.900"), (late.code, "17.500"),
    ]  # fmt: skip
    assert group.parties[0].campaign.ends_at == early.ends_at
    assert conflicts.of_sku(Wanted(shop.store.pk, NOON), group.sku_id) == group
    assert conflicts.of_sku(Wanted(shop.store.pk, NOON), shop.skus[1].pk) is None


def test_windows_are_half_open(shop):
    pair(shop, first=(-1, 2), second=(2, 4))
    assert found(shop) == {}
    Campaign.objects.filter(state="scheduled").update(starts_at=NOON + days(2) - timedelta(microseconds=1))
    assert len(found(shop)) == 1


@pytest.mark.parametrize(("one", "two", "conflict"), [(True, True, 0), (True, False, 1), (False, True, 1)])
def test_only_both_stacking_is_no_conflict(shop, one, two, conflict):
    pair(shop, one={"stacks": one}, two={"stacks": two})
    assert len(found(shop)) == conflict


def test_equal_prices_conflict_too_and_so_do_items_without_a_price(shop):
    one, two = pair(shop, one={"price": "18.90"}, two={"price": "18.90"})
    assert found(shop) == {shop.skus[0].code: [one.code, two.code]}
    two.items.update(price=None)
    (group,) = conflicts.page(Wanted(shop.store.pk, NOON), size=10).groups
    assert [party.price for party in group.parties][1] is None


@pytest.mark.parametrize(
    ("state", "counts"),
    [("scheduled", 1), ("paused", 1), ("draft", 0), ("in_review", 0), ("rejected", 0), ("cancelling", 0), ("ended", 0)],
)
def test_which_campaigns_count(shop, state, counts):
    one, two = pair(shop)
    with connection.cursor() as cursor:  # past the declared edges: only what the diagnosis reads matters here
        cursor.execute("SET LOCAL session_replication_role = replica")
        cursor.execute("UPDATE campaigns_campaign SET state = %s WHERE id = %s", [state, two.pk])
        cursor.execute("SET LOCAL session_replication_role = origin")
    assert len(found(shop)) == counts
    assert bool(conflicts.summaries(shop.store.pk, [one], now=NOON, sample=5)) == bool(counts)
    if state in ("draft", "in_review"):
        assert found(shop, campaign=Campaign.objects.get(pk=two.pk)) == {shop.skus[0].code: [two.code, one.code]}


def test_a_campaign_past_its_end_counts_no_more(shop, frozen):
    one, two = pair(shop, first=(-1, 2), second=(1, 4))
    later = one.ends_at
    assert conflicts.page(Wanted(shop.store.pk, later), size=10).groups == ()
    assert conflicts.summaries(shop.store.pk, [two], now=later, sample=5) == {}


def test_another_store_is_never_seen(shop):
    pair(shop)
    other = open_shop()
    with in_store(other.store.pk):
        assert found(other) == {}


def test_one_campaign_shows_its_own_conflicts_first(shop):
    one, two = pair(shop)
    third = make.make_campaign(
        shop.store, shop.skus[:2], state="scheduled", starts_at=NOON + days(3), ends_at=NOON + days(9)
    )
    assert found(shop) == {shop.skus[0].code: [one.code, two.code, third.code]}
    assert found(shop, campaign=third) == {shop.skus[0].code: [third.code, two.code]}
    assert found(shop, campaign=one) == {shop.skus[0].code: [one.code, two.code]}


def test_pages_go_on_where_the_last_one_stopped_and_names_filter(shop):
    skus = make.make_skus(shop.store, 7, prefix="WOOL")
    for _ in range(2):
        make.make_campaign(shop.store, [*skus, *shop.skus])
    seen: list[list[str]] = []
    after: int | None = 0
    while after is not None:
        page = conflicts.page(Wanted(shop.store.pk, NOON), after=after, size=4)
        seen.append([group.sku for group in page.groups])
        after = page.next
    assert [len(part) for part in seen] == [4, 4, 2]
    assert sorted(sum(seen, [])) == sorted(sku.code for sku in [*skus, *shop.skus])
    assert [group.sku for group in conflicts.every(Wanted(shop.store.pk, NOON), batch=3)] == sum(seen, [])
    assert set(found(shop, like="WOOL-")) == {sku.code for sku in skus}
    assert set(found(shop, like="WOOL-3")) == {"WOOL-3"}
    assert found(shop, like="WOOL_") == {}, "a letter that SQL reads as any letter is just itself"


def test_many_campaigns_on_one_sku_are_counted_and_a_few_shown(shop):
    for _ in range(25):
        make.make_campaign(shop.store, shop.skus[:1])
    (group,) = conflicts.page(Wanted(shop.store.pk, NOON), size=10).groups
    assert (group.total, len(group.parties), group.more) == (25, 20, 5)


def test_a_page_that_is_full_early_reads_no_further(shop, monkeypatch):
    """The head of the list is looked through first; only a page that is not full by then reads on."""
    skus = make.make_skus(shop.store, 30)
    for _ in range(2):
        make.make_campaign(shop.store, skus)
    rules = conflicts.policies.active(conflicts.ConflictRules, NOON).model_copy(update={"items_first": 20})
    monkeypatch.setattr(conflicts.policies, "active", lambda model, now: rules)
    counts = []
    for size in (5, 29):
        with CaptureQueriesContext(connection) as queries:
            page = conflicts.page(Wanted(shop.store.pk, NOON), size=size)
        assert len(page.groups) == size
        counts.append(len(queries))
    assert counts == [3, 4]


def test_a_proposed_campaign_is_checked_before_it_is_saved(shop, django_assert_num_queries):
    running = make.make_campaign(shop.store, shop.skus[:2], ends_at=NOON + days(2))
    ids = [sku.pk for sku in shop.skus]
    with django_assert_num_queries(1):
        summary = conflicts.of_proposed(shop.store.pk, ids, NOON + days(1), NOON + days(3), now=NOON)
    assert (summary.skus, summary.campaigns) == (2, 1)
    assert summary.some_skus == tuple(sku.code for sku in shop.skus[:2])
    assert [(rival.code, rival.shared) for rival in summary.rivals] == [(running.code, 2)]
    assert not conflicts.of_proposed(shop.store.pk, ids, NOON + days(2), NOON + days(3), now=NOON)
    assert not conflicts.of_proposed(shop.store.pk, ids, NOON, NOON + days(1), besides=running, now=NOON)
    assert not conflicts.of_proposed(shop.store.pk, [], NOON, NOON + days(1), now=NOON)
    Campaign.objects.update(stacks=True)
    assert not conflicts.of_proposed(shop.store.pk, ids, NOON, NOON + days(1), stacks=True, now=NOON)


def test_a_moved_end_is_checked_with_the_items_as_they_are(shop):
    one, two = pair(shop, first=(-1, 2), second=(2, 4))
    assert not conflicts.of_moved(one, now=NOON)
    assert conflicts.of_moved(one, ends_at=NOON + days(3), now=NOON).rivals[0].code == two.code
    assert not conflicts.of_moved(two, starts_at=NOON + days(3), now=NOON)


def test_as_many_queries_for_one_campaign_as_for_all(shop, django_assert_num_queries):
    rows = [make.make_campaign(shop.store, shop.skus) for _ in range(12)]
    with django_assert_num_queries(1):
        all_of_them = conflicts.summaries(shop.store.pk, rows, now=NOON, sample=5)
    assert {pk: (one.skus, one.campaigns, len(one.rivals)) for pk, one in all_of_them.items()} == {
        row.pk: (3, 11, 5) for row in rows
    }


@pytest.mark.parametrize("seed", range(6))
def test_the_same_as_looking_at_every_pair(shop, seed):
    """A store of chance against plain arithmetic over pairs: groups, one campaign's view, and summaries."""
    chance = random.Random(seed)
    skus = make.make_skus(shop.store, 8)
    rows = []
    for _ in range(16):
        since = chance.randint(-40, 60)
        window = (NOON + HOUR * since, NOON + HOUR * (since + chance.randint(1, 30)))
        if window[1] <= NOON:
            continue
        state = chance.choice(("running", "paused")) if since <= 0 else "scheduled"
        taken = chance.sample(skus, chance.randint(1, 5))
        stacks = chance.random() < 0.4
        rows.append(
            make.make_campaign(shop.store, taken, state=state, starts_at=window[0], ends_at=window[1], stacks=stacks)
        )
    on_sku = defaultdict(list)
    for row in rows:
        for item in row.items.select_related("sku"):
            on_sku[item.sku.code].append(row)
    hits: dict[str, set[str]] = defaultdict(set)
    against: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for sku, holders in on_sku.items():
        for one, two in combinations(holders, 2):
            meet = one.starts_at < two.ends_at and two.starts_at < one.ends_at
            if meet and not (one.stacks and two.stacks):
                hits[sku] |= {one.code, two.code}
                against[one.code].add((sku, two.code))
                against[two.code].add((sku, one.code))
    assert {sku: set(codes) for sku, codes in found(shop).items()} == dict(hits)
    summaries = conflicts.summaries(shop.store.pk, rows, now=NOON, sample=50)
    assert conflicts.first_met(shop.store.pk, rows, now=NOON, sample=50) == summaries
    for row in rows:
        expected = against[row.code]
        mine = summaries.get(row.pk, conflicts.Summary())
        assert (mine.skus, {rival.code for rival in mine.rivals}) == (
            len({sku for sku, _code in expected}), {code for _sku, code in expected},
        )  # fmt: skip
        assert {
            (sku, code) for sku, codes in found(shop, campaign=row).items() for code in codes if code != row.code
        } == expected


def test_an_item_that_was_closed_on_its_own_takes_part_no_more(shop):
    one, two = pair(shop)
    assert len(found(shop)) == len(found(shop, campaign=one)) == 1
    one.items.update(ended_at=NOON)
    assert found(shop) == found(shop, campaign=one) == found(shop, campaign=two) == {}
    assert conflicts.summaries(shop.store.pk, [one, two], now=NOON, sample=5) == {}


def test_products_are_named_in_the_pages_language(shop):
    pair(shop)
    shop.skus[0].listing.titles = {"zh": "连衣裙"}
    shop.skus[0].listing.save()
    for language, title in (("zh-hans", "连衣裙"), ("en", shop.skus[0].listing.title)):
        with translation.override(language):
            (group,) = conflicts.page(Wanted(shop.store.pk, NOON), size=10).groups
        assert group.title == title
