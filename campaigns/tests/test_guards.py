"""The frame of the guards: all at once, evidence, policy, unknown; for many campaigns as for one (R20, R33)."""

from __future__ import annotations

from datetime import timedelta
from itertools import product
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from audit import reading
from audit.record import Entry, Target, record
from campaigns import guards, patience, stopping
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


@pytest.fixture
def passing(monkeypatch):
    """The time that guards take, moved by hand."""
    made = SimpleNamespace(seconds=100.0)
    monkeypatch.setattr(patience, "time", SimpleNamespace(monotonic=lambda: made.seconds))
    return made


def _limit_now() -> float:
    """How long the next statement may take, in seconds, as PostgreSQL has it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT setting::int FROM pg_settings WHERE name = 'statement_timeout'")
        return cursor.fetchone()[0] / 1000


def test_guards_that_hang_do_not_add_their_limits_up(shop, planted, passing):
    """Each has what a guard may have, and at most half of what is left; who comes after them still has a turn."""
    limits = []
    for n in range(6):

        @planted(f"ERR_TEST_HANGS_{n}", "Hangs")
        def hangs(case):
            limits.append(_limit_now())
            passing.seconds += limits[-1]
            raise OperationalError("canceling statement due to statement timeout")

    @planted("ERR_TEST_AFTER", "After them")
    def after(case):
        return {} if _limit_now() > 0 else None

    campaign = make.make_campaign(shop.store, shop.skus)
    check = guards.close_check(shop.store, campaign, "cancel", actor=shop.owner)
    status = {row.code: row.status for row in check.guards}
    assert [status[f"ERR_TEST_HANGS_{n}"] for n in range(6)] == ["unknown"] * 6
    assert status["ERR_TEST_AFTER"] == "passed"
    assert {status[code] for code in SPOILERS} == {"passed"}
    most = guards.policies.active(guards.GuardRules, NOON).evidence_timeout
    assert limits == pytest.approx([most / 2**n for n in range(6)], abs=0.001)
    assert passing.seconds - 100 < 2 * most
    assert _limit_now() == 0, "the session's own limit is back"


def test_the_statements_of_one_guard_share_its_time(shop, planted, passing):
    most, seen = guards.policies.active(guards.GuardRules, NOON).evidence_timeout, []

    @planted("ERR_TEST_TALKATIVE", "Asks again and again")
    def talkative(case):
        while True:
            seen.append(_limit_now())
            passing.seconds += most / 4

    @planted("ERR_TEST_AFTER", "After it")
    def after(case):
        seen.append(_limit_now())
        return {}

    campaign = make.make_campaign(shop.store, shop.skus)
    rows = {row.code: row.status for row in guards.close_check(shop.store, campaign, "pause", actor=shop.owner).guards}
    assert (rows["ERR_TEST_TALKATIVE"], rows["ERR_TEST_AFTER"]) == ("unknown", "passed")
    assert seen == pytest.approx([most, most * 3 / 4, most / 2, most / 4, most / 2], abs=0.001)


def test_the_stop_page_waits_for_a_guard_once(shop, planted, client):
    asked = []

    @planted("ERR_TEST_SLOW", "Slow")
    def slow(case):
        asked.append(case.action)
        raise OperationalError("canceling statement due to statement timeout")

    campaign = make.make_campaign(shop.store, shop.skus)
    client.force_login(make.owner_of(shop.store))
    text = client.get(f"/s/{shop.store.slug}/campaigns/{campaign.code}/stop/").content.decode()
    assert "ERR_TEST_SLOW" in text
    assert len(asked) == 1, "pause and cancel are judged by the same look"


def test_what_depends_on_the_action_is_looked_at_for_each(shop):
    campaign = make.make_campaign(shop.store, shop.skus, state="paused")
    pauser = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"]))
    both = guards.close_checks(shop.store, campaign, ["pause", "cancel"], actor=pauser)
    assert [row.code for row in both["pause"].blockers] == ["ERR_STATE"]
    assert [row.code for row in both["cancel"].blockers] == ["ERR_PERMISSION"]
    for action, check in both.items():
        assert check == guards.close_check(shop.store, campaign, action, actor=pauser)


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


def test_the_record_names_each_check(shop):
    lines = [{"code": "ERR_KYC", "status": "passed"}, {"code": "ERR_CLOSE_DEPOSIT_ARREARS", "status": "unknown"}]
    campaign = Target("campaign", "C-1", "Sale", shop.store.pk)
    event = record(Entry("campaign.cancel", campaign, after={"guards": lines}), actor=shop.owner, now=NOON)
    with translation.override("zh-hans"):
        [shown] = reading.present([event])
    assert [change.after for change in shown.changes] == [
        "身份认证已完成（KYC）、营销保证金已缴清 [ERR_CLOSE_DEPOSIT_ARREARS]"
    ]


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
