"""The frame of the guards: all at once, evidence, policy, unknown; for many campaigns as for one (R20, R33)."""

from __future__ import annotations

from datetime import timedelta
from itertools import product

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import guards, stopping
from campaigns.models import Campaign
from campaigns.tests.conftest import NOON
from core.errors import Conflict
from tests import factories as make

SPOILERS = {
    "ERR_ACCOUNT_STATE": lambda shop: _set(shop.store, account_state="frozen"),
    "ERR_KYC": lambda shop: _set(shop.store, kyc="pending"),
    "ERR_STORE_UNDECORATED": lambda shop: _set(shop.store.profile, logo="", main_category=None),
}


def _set(row, **values):
    for name, value in values.items():
        setattr(row, name, value)
    row.save()


@pytest.fixture
def planted():
    """Guards of a test, gone after it."""
    before = dict(guards._guards)
    yield guards.guard
    guards._guards.clear()
    guards._guards.update(before)


@pytest.mark.parametrize("action", ["pause", "cancel"])
@pytest.mark.parametrize("failing", list(product([False, True], repeat=3)))
def test_every_combination_gives_the_whole_checklist(shop, action, failing):
    campaign = make.make_campaign(shop.store, shop.skus)
    codes = [code for code, fails in zip(SPOILERS, failing, strict=True) if fails]
    for code in codes:
        SPOILERS[code](shop)
    check = guards.close_check(shop.store, campaign, action, actor=shop.owner)
    rows = {row.code: row for row in check.guards}
    assert set(rows) == {one.code for one in guards.registered() if action in one.actions and not one.only_failing}
    assert set(rows) >= {"ERR_CLOSE_ENDED", "ERR_PERMISSION", "ERR_OPERATION_LOCKED", "ERR_VERSION_CONFLICT", *SPOILERS}
    assert [row.code for row in check.blockers] == codes
    assert check.allowed == (not codes)
    for code, row in rows.items():
        assert row.status == ("blocked" if code in codes else "passed")
        assert "V5.3.1" in row.policy
        assert not (code in codes and not row.evidence)


def test_evidence_names_what_is_missing_and_where_to_mend_it(shop):
    SPOILERS["ERR_STORE_UNDECORATED"](shop)
    campaign = make.make_campaign(shop.store, shop.skus)
    check = guards.close_check(shop.store, campaign, "pause", actor=shop.owner)
    (row,) = check.blockers
    assert row.evidence == {"missing": ["logo", "main_category"]}
    assert row.fix is not None
    assert row.fix.url.startswith(f"/s/{shop.store.slug}/")


@pytest.mark.parametrize(("action", "allowed"), [("pause", True), ("cancel", False)])
def test_a_guard_that_raises_is_unknown_blocks_cancel_and_warns_pause(shop, planted, action, allowed):
    @planted("ERR_TEST_BROKEN", "Broken")
    def broken(case):
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        return {}

    campaign = make.make_campaign(shop.store, shop.skus)
    check = guards.close_check(shop.store, campaign, action, actor=shop.owner)
    row = next(row for row in check.guards if row.code == "ERR_TEST_BROKEN")
    assert (row.status, row.blocks, check.allowed) == ("unknown", not allowed, allowed)
    if allowed:
        assert stopping.pause(shop.store, campaign.code, actor=shop.owner).state == "paused"
    else:
        with pytest.raises(Conflict) as refusal:
            stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
        assert refusal.value.extra["blockers"][0]["status"] == "unknown"
    assert Campaign.objects.count() == 1, "the connection is whole after the fault"


def test_a_guard_that_takes_too_long_is_unknown(shop, planted, monkeypatch):
    @planted("ERR_TEST_SLOW", "Slow")
    def slow(case):
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_sleep(5)")
        return {}

    rules = guards.policies.active(guards.GuardRules, NOON).model_copy(update={"evidence_timeout": 0.1})
    campaign = make.make_campaign(shop.store, shop.skus)
    monkeypatch.setattr(guards.policies, "active", lambda model, now: rules)
    rows = guards.evaluate(guards.Case(shop.store, [campaign], "cancel", shop.owner, NOON))[campaign.pk]
    assert next(row for row in rows if row.code == "ERR_TEST_SLOW").status == "unknown"
    with connection.cursor() as cursor:
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_a_passing_guard_may_warn_and_show_its_numbers(shop, planted):
    @planted("ERR_TEST_WARNS", "Warns", queries=False)
    def warns(case):
        return case.all_alike(guards.Finding("nothing sold yet", {"deals": 0}, status="warning"))

    campaign = make.make_campaign(shop.store, shop.skus)
    check = guards.close_check(shop.store, campaign, "cancel", actor=shop.owner)
    row = next(row for row in check.guards if row.code == "ERR_TEST_WARNS")
    assert (row.status, row.evidence, check.allowed) == ("warning", {"deals": 0}, True)


def test_close_check_tells_of_right_lock_version_and_state(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.view"]))
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    campaign.refresh_from_db()
    check = guards.close_check(shop.store, campaign, "pause", actor=viewer, version=1)
    assert {row.code for row in check.blockers} == {
        "ERR_PERMISSION", "ERR_OPERATION_LOCKED", "ERR_VERSION_CONFLICT", "ERR_STATE",
    }  # fmt: skip
    lock = next(row for row in check.guards if row.code == "ERR_OPERATION_LOCKED")
    assert lock.evidence == {"holder": shop.owner.label, "seconds_left": 10}
    fresh = Campaign.objects.get(pk=campaign.pk)
    assert fresh.version == campaign.version, "looking changes nothing"
    frozen.move_to(campaign.ends_at)
    ended = guards.close_check(shop.store, campaign, "cancel", actor=shop.owner)
    assert [row.code for row in ended.blockers] == ["ERR_CLOSE_ENDED"]


def test_the_same_number_of_queries_for_one_campaign_and_for_many(shop):
    campaigns = [make.make_campaign(shop.store, shop.skus) for _ in range(30)]
    counts = []
    for some in (campaigns[:1], campaigns):
        with CaptureQueriesContext(connection) as queries:
            guards.evaluate(guards.Case(shop.store, some, "cancel", shop.owner, NOON))
        counts.append(len(queries))
    assert counts[0] == counts[1]
    big = make.make_campaign(shop.store, make.make_skus(shop.store, 200))
    counts = []
    for campaign in (campaigns[0], big):
        with CaptureQueriesContext(connection) as queries:
            guards.close_check(shop.store, campaign, "cancel", actor=shop.owner)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 40


def test_a_code_has_one_guard(planted):
    with pytest.raises(RuntimeError, match="twice"):
        planted("ERR_KYC", "again")(lambda case: {})


def test_the_impact_before_a_close_counts_what_it_will_touch(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    make.make_order(shop.store, shop.skus[:1])
    _set(shop.skus[0], sale_price="20.00")
    check = guards.close_check(shop.store, campaign, "cancel", actor=shop.owner, now=NOON + timedelta(seconds=1))
    impact = check.as_dict()["impact"]
    assert (impact["listings"], impact["tags"], impact["sites"], impact["prices_to_review"]) == (3, 3, 2, 1)
