"""The guard of overlapping campaigns: blocks a cancel, warns a pause, passes, is unknown; for many at once (R30)."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import conflict_guard, guards, stopping
from campaigns.models import Campaign
from campaigns.tests.conftest import NOON, days
from core.errors import Conflict
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
            "code": other.code, "shared_skus": 2, "starts_at": other.starts_at.isoformat(),
            "ends_at": other.ends_at.isoformat(),
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

    monkeypatch.setattr(conflict_guard, "summaries", broken)
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
