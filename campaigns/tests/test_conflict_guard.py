"""The guard of overlapping campaigns: blocks a cancel, warns a pause, passes, is unknown; for many at once (R30)."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import policies
from campaigns import conflict_guard, conflicts, guards, stopping
from campaigns.models import Campaign, CampaignItem
from campaigns.tests.conftest import NOON, days
from core import clock
from core.errors import Conflict
from policies.rules import ConflictRules
from tests import factories as make

CODE = "ERR_CLOSE_PRICE_CONFLICT"


def row_of(shop, campaign, action):
    check = guards.close_check(shop.store, campaign, action, actor=shop.owner)
    return next(row for row in check.guards if row.code == CODE)


@pytest.mark.parametrize(("action", "status"), [("pause", "warning"), ("cancel", "blocked")])
def test_an_overlap_warns_a_pause_and_blocks_a_cancel(shop, action, status):
    campaign = make.make_campaign(shop.store, shop.skus)
    other = make.make_campaign(shop.store, shop.skus[:2], ends_at=NOON + days(9))
    row = row_of(shop, campaign, action)
    assert (row.status, row.blocks) == (status, status == "blocked")
    assert (row.evidence["skus"], row.evidence["campaigns"]) == (2, 1)
    assert row.evidence["some_skus"] == [sku.code for sku in shop.skus[:2]]
    assert row.evidence["with"] == [
        {
            "code": other.code, "shared_skus": 2, "starts_at": clock.rfc3339(other.starts_at),
            "ends_at": clock.rfc3339(other.ends_at),
        }
    ]  # fmt: skip
    assert other.code in str(row.detail)
    assert row.fix is not None
    assert row.fix.url == f"/s/{shop.store.slug}/campaigns/{campaign.code}/conflicts/"
    assert "V5.3.1" in row.policy


def test_a_cancel_is_refused_with_the_numbers_and_a_pause_goes_through(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    make.make_campaign(shop.store, shop.skus)
    with pytest.raises(Conflict) as refusal:
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    assert refusal.value.code == CODE
    assert refusal.value.extra["blockers"][0]["evidence"]["skus"] == 3
    assert stopping.pause(shop.store, campaign.code, actor=shop.owner).state == "paused"


@pytest.mark.parametrize("action", ["pause", "cancel"])
@pytest.mark.parametrize("why", ["alone", "both_stack", "one_after_the_other", "draft"])
def test_it_passes(shop, action, why):
    both = {"stacks": why == "both_stack"}
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + days(2), **both)
    if why in ("both_stack", "draft"):
        make.make_campaign(shop.store, shop.skus, state="draft" if why == "draft" else "running", **both)
    if why == "one_after_the_other":
        make.make_campaign(shop.store, shop.skus, state="scheduled", starts_at=NOON + days(2), ends_at=NOON + days(3))
    assert row_of(shop, campaign, action).status == "passed"


@pytest.mark.parametrize(("action", "blocks"), [("pause", False), ("cancel", True)])
def test_it_is_unknown_when_it_could_not_be_looked_at(shop, monkeypatch, action, blocks):
    def broken(*_args, **_kwargs):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")

    monkeypatch.setattr(conflict_guard, "first_met", broken)
    campaign = make.make_campaign(shop.store, shop.skus)
    row = row_of(shop, campaign, action)
    assert (row.status, row.blocks) == ("unknown", blocks)
    assert Campaign.objects.count() == 1


def test_one_query_for_any_number_of_campaigns_and_items(shop):
    few = make.make_campaign(shop.store, shop.skus)
    many = [make.make_campaign(shop.store, make.make_skus(shop.store, 40)) for _ in range(5)]
    counts = []
    for some in ([few], [few, *many]):
        with CaptureQueriesContext(connection) as queries:
            conflict_guard.no_price_conflict(guards.Case(shop.store, some, "cancel", shop.owner, NOON))
        counts.append(len(queries))
    assert counts == [1, 1]


def crowd(shop, count, **extra):
    """So many running campaigns over the one SKU, in three statements."""
    rows = Campaign.objects.bulk_create(
        Campaign(
            store=shop.store, code=make.campaign_code(), kind="limited_time_discount", name=f"Campaign {n}", state="running",
            starts_at=NOON - days(1), ends_at=NOON + days(2 + n % 3), created_at=NOON, **extra,
        )
        for n in range(count)
    )  # fmt: skip
    sku = shop.skus[0]
    CampaignItem.objects.bulk_create(
        CampaignItem(store=shop.store, campaign=row, sku=sku, listing_id=sku.listing_id, price="18.90") for row in rows
    )
    return rows


def test_two_hundred_and_more_campaigns_over_one_sku_are_answered_not_unknown(shop):
    rows = crowd(shop, 230)
    with CaptureQueriesContext(connection) as queries:
        found = conflict_guard.no_price_conflict(guards.Case(shop.store, rows, "cancel", shop.owner, NOON))
    assert (len(queries), len(found)) == (1, 230)
    row = row_of(shop, rows[7], "cancel")
    rules = policies.active(ConflictRules, NOON)
    assert (row.status, row.blocks, row.evidence["counted_all"]) == ("blocked", True, False)
    assert (row.evidence["skus"], row.evidence["campaigns"]) == (1, rules.met_on_one)
    assert row.evidence["some_skus"] == [shop.skus[0].code]
    assert len(row.evidence["with"]) == rules.sample
    assert {one["code"] for one in row.evidence["with"]} < {one.code for one in rows} - {rows[7].code}
    assert str(row.detail).startswith("At least 1 SKU")
    with pytest.raises(Conflict) as refusal:
        stopping.cancel(shop.store, rows[7].code, confirm_code=rows[7].code, actor=shop.owner)
    assert refusal.value.code == CODE
    assert refusal.value.extra["blockers"][0]["status"] == "blocked"


def test_two_hundred_that_all_stack_let_a_cancel_through(shop):
    rows = crowd(shop, 210, stacks=True)
    assert row_of(shop, rows[0], "cancel").status == "passed"
    assert stopping.cancel(shop.store, rows[0].code, confirm_code=rows[0].code, actor=shop.owner).state == "cancelling"


def test_what_is_looked_through_is_bounded_and_says_so(shop, monkeypatch):
    rows = crowd(shop, 6)
    rules = policies.active(ConflictRules, NOON)
    for bound, whole, campaigns in ((3, False, 3), (5, False, 5), (6, True, 5)):
        tight = rules.model_copy(update={"met_on_one": bound})
        monkeypatch.setattr(conflicts.policies, "active", lambda *_args, tight=tight: tight)
        (found,) = conflicts.first_met(shop.store.pk, rows[:1], now=NOON, sample=2).values()
        assert (found.whole, found.campaigns, found.skus, len(found.rivals)) == (whole, campaigns, 1, 2)
