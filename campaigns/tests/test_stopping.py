"""Pause, resume, cancel, take back: what they do, whom they refuse, what they leave in the record (R1-R19)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import policies
from audit.models import AuditEvent
from campaigns import stopping, sweeps
from campaigns.labels import CLOSE_REASONS
from campaigns.models import Campaign, Check, Closing
from campaigns.tests.conftest import NOON, open_shop
from core.errors import Conflict, InvalidInput, NotFound, OperationLocked, PermissionRefused, VersionConflict
from core.models import OutboxMessage
from core.scopes import in_store
from listings.models import LiveOffer
from policies.rules import ClosingRules
from publishing.models import Publication
from tests import factories as make


def _on(code: str) -> int:
    return LiveOffer.objects.filter(campaign_code=code, active=True).count()


def test_pause_is_off_for_buyers_at_once_and_keeps_everything(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    wanted = Publication.objects.filter(site__code="en").values_list("desired_version", flat=True)
    assert list(wanted) == [1, 1, 1]
    paused = stopping.pause(shop.store, campaign.code, reason="season", note="enough", actor=shop.owner)
    assert (paused.state, paused.paused_at, paused.stop_reason) == ("paused", NOON, "season")
    assert (paused.ends_at, paused.item_count) == (campaign.ends_at, 3)
    assert _on(campaign.code) == 0
    assert LiveOffer.objects.filter(campaign_code=campaign.code).count() == 3
    assert set(Publication.objects.values_list("desired_version", flat=True)) == {2}
    checks = Check.objects.filter(campaign=campaign).order_by("number")
    assert [(check.number, (check.due_at - NOON).total_seconds()) for check in checks] == [
        (0, 0), (1, 30), (2, 900), (3, 7800),
    ]  # fmt: skip
    event = AuditEvent.objects.get(action="campaign.pause")
    assert (event.before, event.after["state"], event.after["offers"]) == ({"state": "running"}, "paused", 3)
    assert (event.right, event.reason, event.object_id) == ("campaigns.pause", "season: enough", campaign.code)
    assert OutboxMessage.objects.filter(topic="campaign.event", payload__event="campaign.paused").count() == 1
    assert not Closing.objects.exists()


def test_resume_brings_it_back_and_drops_the_checks(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    back = stopping.resume(shop.store, campaign.code, actor=shop.owner)
    assert (back.state, back.paused_at, back.stop_reason) == ("running", None, "")
    assert _on(campaign.code) == 3
    assert set(Check.objects.values_list("state", flat=True)) == {"dropped"}


def test_resume_is_refused_once_the_end_has_passed(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, state="paused")
    frozen.move_to(campaign.ends_at)
    with pytest.raises(Conflict) as refusal:
        stopping.resume(shop.store, campaign.code, actor=shop.owner)
    assert refusal.value.code == "ERR_CLOSE_ENDED"


def test_cancel_acts_at_once_is_held_then_final(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    held = stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, reason="other", actor=shop.owner)
    assert (held.state, held.closed_at, held.state_before_cancel) == ("cancelling", NOON, "running")
    assert held.cancel_final_at == NOON + timedelta(seconds=600)
    assert _on(campaign.code) == 0
    frozen.tick(599)
    sweeps.run()
    assert Campaign.objects.get(pk=campaign.pk).state == "cancelling"
    frozen.tick(1)
    sweeps.run()
    final = Campaign.objects.get(pk=campaign.pk)
    assert final.state == "cancelled"
    closing = Closing.objects.get(campaign=campaign)
    assert closing.finalised_at == NOON + timedelta(seconds=600)
    steps = {step["key"]: step for step in closing.steps}
    assert list(steps) == ["stop_display", "clear_tags", "void_coupons", "release_stock", "publish_sites", "review_prices",
                           "verify", "archive"]  # fmt: skip
    assert steps["stop_display"]["done"] == 3
    assert (steps["void_coupons"]["state"], steps["void_coupons"]["total"]) == ("done", 0)
    assert (steps["publish_sites"]["state"], steps["publish_sites"]["total"]) == ("running", 6)
    assert closing.forecast == closing.result
    assert closing.differences == []
    assert closing.forecast["tags"] == 3


@pytest.mark.parametrize("before", ["scheduled", "running", "paused"])
def test_take_back_returns_to_the_state_before(shop, frozen, before):
    campaign = make.make_campaign(shop.store, shop.skus, state=before)
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(100)
    back = stopping.take_back(shop.store, campaign.code, actor=shop.owner)
    assert (back.state, back.closed_at, back.cancel_final_at) == (before, None, None)
    assert _on(campaign.code) == (3 if before == "running" else 0)
    closing = Closing.objects.get()
    assert (closing.taken_back_at, closing.next_due_at) == (NOON + timedelta(seconds=100), None)
    frozen.tick(3600)
    sweeps.run()
    assert Campaign.objects.get(pk=campaign.pk).state == ("running" if before == "scheduled" else before)


def test_a_take_back_gives_the_earlier_pause_its_reason_back(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    stopping.pause(shop.store, campaign.code, reason="ab_test", note="arm B", actor=shop.owner)
    held = stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, reason="season", actor=shop.owner)
    assert (held.stop_reason, held.stop_note) == ("season", "")
    back = stopping.take_back(shop.store, campaign.code, actor=shop.owner)
    assert (back.state, back.stop_reason, back.stop_note) == ("paused", "ab_test", "arm B")
    again = stopping.resume(shop.store, campaign.code, actor=shop.owner)
    assert (again.stop_reason, again.reason_before_cancel) == ("", "")


def test_take_back_is_refused_at_the_end(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(seconds=60))
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(60)
    with pytest.raises(Conflict) as refusal:
        stopping.take_back(shop.store, campaign.code, actor=shop.owner)
    assert refusal.value.code == "ERR_CLOSE_ENDED"


@pytest.mark.parametrize(("seconds", "final"), [(599, False), (600, True)])
def test_a_hold_ends_by_the_clock_though_no_sweep_has_come(shop, frozen, seconds, final):
    campaign = make.make_campaign(shop.store, shop.skus)
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(seconds)
    if not final:
        assert stopping.take_back(shop.store, campaign.code, actor=shop.owner).state == "running"
        return
    with pytest.raises(Conflict) as refusal:
        stopping.take_back(shop.store, campaign.code, actor=shop.owner)
    assert (refusal.value.code, _on(campaign.code)) == ("ERR_STATE", 0)


@pytest.mark.parametrize("typed", ["", "C-00000", "c", "C-"])
def test_the_code_is_checked_first(shop, typed):
    campaign = make.make_campaign(shop.store, shop.skus, code="C-7F3KQ")
    with pytest.raises(InvalidInput) as refusal:
        stopping.cancel(shop.store, campaign.code, confirm_code=typed, actor=shop.owner, version=99)
    assert refusal.value.status == 422
    assert refusal.value.errors[0].field == "confirm_code"
    assert Campaign.objects.get(pk=campaign.pk).locked_until is None


@pytest.mark.parametrize("typed", ["c-7f3kq", "C7F3KQ", "Ｃ－７Ｆ３ＫＱ", " C-7F3KQ "])
def test_the_code_may_be_typed_as_people_type(shop, typed):
    campaign = make.make_campaign(shop.store, shop.skus, code="C-7F3KQ")
    assert stopping.cancel(shop.store, "c-7f3kq", confirm_code=typed, actor=shop.owner).state == "cancelling"
    assert campaign.code == "C-7F3KQ"


def test_unknown_and_foreign_codes_are_not_found(shop):
    other = open_shop()
    with in_store(other.store.pk):
        foreign = make.make_campaign(other.store, other.skus)
    for code in ("C-00000", "", "nonsense", foreign.code):
        with pytest.raises(NotFound):
            stopping.pause(shop.store, code, actor=shop.owner)


def test_without_the_right_it_is_refused_and_recorded(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    pauser = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"]))
    with pytest.raises(PermissionRefused):
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=pauser)
    event = AuditEvent.objects.get(action="campaign.cancel")
    assert (event.result, event.code, event.after["right"]) == ("refused", "ERR_PERMISSION", "campaigns.cancel")
    assert stopping.pause(shop.store, campaign.code, actor=pauser).state == "paused"


def test_a_lent_right_reaches_as_far_as_its_cap(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    small = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"], max_listings=2))
    big = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"], max_listings=3))
    with pytest.raises(Conflict) as refusal:
        stopping.pause(shop.store, campaign.code, actor=small)
    assert refusal.value.code == "ERR_GRANT_CAP"
    assert stopping.pause(shop.store, campaign.code, actor=big).state == "paused"


def test_the_lock_refuses_others_for_ten_seconds_and_never_its_holder(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    other = make.actor_for(make.make_member(shop.store, owner=True))
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    frozen.tick(3)
    with pytest.raises(OperationLocked) as refusal:
        stopping.resume(shop.store, campaign.code, actor=other)
    assert refusal.value.extra["holder"] == shop.owner.label
    assert (refusal.value.extra["seconds_left"], refusal.value.retry_after) == (7, 7)
    assert AuditEvent.objects.get(result="refused").code == "ERR_OPERATION_LOCKED"
    stopping.resume(shop.store, campaign.code, actor=shop.owner)
    frozen.tick(9.999)
    with pytest.raises(OperationLocked):
        stopping.pause(shop.store, campaign.code, actor=other)
    frozen.tick(0.001)
    assert stopping.pause(shop.store, campaign.code, actor=other).state == "paused"


def test_the_lock_stays_although_a_guard_refuses(shop):
    shop.store.account_state = "frozen"
    shop.store.save()
    campaign = make.make_campaign(shop.store, shop.skus)
    with pytest.raises(Conflict) as refusal:
        stopping.pause(shop.store, campaign.code, actor=shop.owner)
    assert refusal.value.code == "ERR_ACCOUNT_STATE"
    fresh = Campaign.objects.get(pk=campaign.pk)
    assert (fresh.lock_holder_id, fresh.locked_until) == (shop.owner.id, NOON + timedelta(seconds=10))
    assert (fresh.state, fresh.version) == ("running", campaign.version)


def test_a_stale_version_is_refused_with_the_campaign_as_it_stands(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    with pytest.raises(VersionConflict) as refusal:
        stopping.pause(shop.store, campaign.code, version=campaign.version - 1, actor=shop.owner)
    assert refusal.value.extra["current"]["version"] == campaign.version
    assert stopping.pause(shop.store, campaign.code, version=campaign.version, actor=shop.owner).state == "paused"


@pytest.mark.parametrize(
    ("state", "act"),
    [
        ("draft", "pause"), ("draft", "cancel"), ("draft", "resume"), ("draft", "take_back"), ("scheduled", "pause"),
        ("scheduled", "resume"), ("paused", "pause"), ("running", "resume"), ("running", "take_back"), ("in_review", "cancel"),
    ],
)  # fmt: skip
def test_wrong_states_are_refused_by_name(shop, state, act):
    campaign = make.make_campaign(shop.store, shop.skus, state=state)
    more = {"confirm_code": campaign.code} if act == "cancel" else {}
    with pytest.raises(Conflict) as refusal:
        getattr(stopping, act)(shop.store, campaign.code, actor=shop.owner, **more)
    assert refusal.value.code == "ERR_STATE"
    assert refusal.value.extra["blockers"][0]["evidence"]["state"] == state


def test_all_blockers_come_at_once_with_evidence(shop):
    shop.store.account_state, shop.store.kyc = "serious_violation", "pending"
    shop.store.save()
    shop.store.profile.logo = ""
    shop.store.profile.save()
    campaign = make.make_campaign(shop.store, shop.skus)
    with pytest.raises(Conflict) as refusal:
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    blockers = {row["code"]: row for row in refusal.value.extra["blockers"]}
    assert set(blockers) == {"ERR_ACCOUNT_STATE", "ERR_KYC", "ERR_STORE_UNDECORATED"}
    assert blockers["ERR_STORE_UNDECORATED"]["evidence"] == {"missing": ["logo"]}
    assert "V5.3.1" in blockers["ERR_KYC"]["policy"]
    assert AuditEvent.objects.get(result="refused").after["blockers"]


def test_the_system_and_sweeps_neither_take_nor_obey_the_lock(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(seconds=5))
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    frozen.tick(5)
    sweeps.run()
    fresh = Campaign.objects.get(pk=campaign.pk)
    assert fresh.state == "ending"
    assert fresh.lock_holder_id == shop.owner.id


def test_an_emergency_stop_passes_the_guards_and_is_logged_by_its_name(shop):
    shop.store.account_state = "frozen"
    shop.store.save()
    campaign = make.make_campaign(shop.store, shop.skus)
    staff = make.actor_for(make.make_staff())
    with pytest.raises(PermissionRefused):
        stopping.emergency_stop(shop.store, campaign.code, reason="wrong price", actor=shop.owner)
    assert stopping.emergency_stop(shop.store, campaign.code, reason="wrong price", actor=staff).state == "paused"
    assert AuditEvent.objects.get(action="campaign.emergency_stop").reason == "other: wrong price"


def test_as_many_queries_for_many_items_and_campaigns_as_for_one(shop):
    few = make.make_campaign(shop.store, shop.skus[:1])
    many = make.make_campaign(shop.store, make.make_skus(shop.store, 60))
    counts = []
    for campaign in (few, many):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            stopping.pause(shop.store, campaign.code, actor=shop.owner)
        counts.append(len(queries))
    assert counts[0] == counts[1]
    several = [make.make_campaign(shop.store, shop.skus) for _ in range(8)]
    with CaptureQueriesContext(connection) as queries:
        stopping.act(stopping.command_of(shop.store, "pause", shop.owner, None), [row.code for row in several])
    assert len(queries) <= counts[0] + 2


def test_the_reasons_a_page_offers_are_those_the_rules_keep(db):
    assert tuple(CLOSE_REASONS) == policies.active(ClosingRules, NOON).reason_codes
