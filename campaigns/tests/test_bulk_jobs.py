"""Many at once as a job: frozen at the start, an answer per row, each row once whatever happens to the workers."""

from __future__ import annotations

import threading
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection

import policies
from accounts.models import Grant
from audit.models import AuditEvent
from campaigns import bulk, stopping
from campaigns.models import BulkJob, BulkScope, Campaign
from campaigns.tests.conftest import NOON, open_shop
from core import clock
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from policies.models import RuleSet
from policies.rules import ClosingRules
from tests import factories as make


@pytest.fixture(autouse=True)
def fresh_rules():
    """The rules that a process keeps outlive the rollback of a test."""
    policies.forget()
    yield
    policies.forget()


def rule(since: datetime = NOON - timedelta(days=1), **values: Any) -> None:
    """Closing rules of this test alone."""
    given = ClosingRules(**values).model_dump(mode="json")
    RuleSet.objects.create(key="closing", version="t", title="t", valid_from=since, values=given)
    policies.forget()


@pytest.fixture
def small_batches(db: None) -> None:
    """Two campaigns a transaction."""
    rule(bulk_batch=2)


def _running(shop, number):
    return [make.make_campaign(shop.store, shop.skus, stacks=True) for _ in range(number)]


def _codes(campaigns):
    return [row.code for row in campaigns]


def _queued(shop, campaigns, action="pause", **extra):
    draft = bulk.choose(shop.store, action, _codes(campaigns), actor=shop.owner)
    return bulk.confirm(shop.store, draft.pk, action=action, reason="season", actor=shop.owner, **extra)


def test_nothing_happens_before_the_confirm_and_all_of_it_after(shop, small_batches):
    campaigns = _running(shop, 5)
    draft = bulk.choose(shop.store, "pause", _codes(campaigns), scope="matching", filter="q=x", actor=shop.owner)
    assert bulk.work_due() == 0
    assert set(Campaign.objects.values_list("state", flat=True)) == {"running"}
    job = bulk.confirm(shop.store, draft.pk, action="pause", reason="season", note="why", actor=shop.owner)
    assert (job.state, job.total, job.filter) == ("queued", 5, "q=x")
    assert bulk.work_due() == 3
    job.refresh_from_db()
    assert (job.state, bulk.counts(job)) == ("done", {"done": 5, "refused": 0, "failed": 0, "open": 0})
    assert [row["code"] for row in bulk.results(job)] == _codes(campaigns)
    events = AuditEvent.objects.filter(action="campaign.pause", result="done")
    assert {(event.reason, event.actor_id, event.after["bulk"]) for event in events} == {
        ("season: why", shop.owner.id, job.pk)
    }


def test_what_starts_later_is_not_in_a_frozen_selection(shop):
    job = bulk.choose(shop.store, "pause", _codes(_running(shop, 2)), actor=shop.owner)
    later = make.make_campaign(shop.store, shop.skus)
    bulk.confirm(shop.store, job.pk, action="pause", reason="season", actor=shop.owner)
    bulk.work_due()
    later.refresh_from_db()
    assert later.state == "running"


def test_stop_all_is_counted_and_frozen_when_it_is_confirmed(shop):
    _running(shop, 2)
    draft = bulk.choose(shop.store, "pause", (), scope=BulkScope.LIVE, actor=shop.owner)
    make.make_campaign(shop.store, shop.skus)
    over = make.make_campaign(
        shop.store, shop.skus, ends_at=NOON - timedelta(seconds=1), starts_at=NOON - timedelta(days=1)
    )
    with pytest.raises(InvalidInput) as refusal:
        bulk.confirm(shop.store, draft.pk, action="pause", reason="other", confirm_count=2, actor=shop.owner)
    assert refusal.value.code == "ERR_CONFIRM_COUNT"
    with pytest.raises(InvalidInput):
        bulk.confirm(shop.store, draft.pk, action="pause", reason="other", actor=shop.owner)
    job = bulk.confirm(shop.store, draft.pk, action="pause", reason="other", confirm_count=3, actor=shop.owner)
    bulk.work_due()
    assert bulk.counts(job) == {"done": 3, "refused": 0, "failed": 0, "open": 0}
    assert over.code not in {row["code"] for row in bulk.results(job)}
    with pytest.raises(InvalidInput, match="no running campaign"):
        bulk.stop_all(shop.store, reason="other", confirm_count=0, actor=shop.owner)


def test_stop_all_knows_no_limit(shop):
    rule(bulk_max=2, bulk_job_max=2)
    campaigns = _running(shop, 3)
    with pytest.raises(InvalidInput):
        bulk.choose(shop.store, "pause", _codes(campaigns), actor=shop.owner)
    job = bulk.stop_all(shop.store, reason="other", confirm_count=3, actor=shop.owner)
    assert {row["result"] for row in bulk.results(job)} == {"done"}


def test_a_second_confirm_shows_the_first_job(shop):
    campaigns = _running(shop, 2)
    job = _queued(shop, campaigns)
    again = bulk.confirm(shop.store, job.pk, action="pause", reason="poor_effect", actor=shop.owner)
    bulk.work_due()
    assert (again.pk, again.reason) == (job.pk, "season")
    assert bulk.confirm(shop.store, job.pk, action="pause", actor=shop.owner).state == "done"
    assert AuditEvent.objects.filter(action="campaign.pause").count() == 2


def test_a_selection_is_its_makers_own_holds_an_hour_and_one_action(shop, frozen):
    draft = bulk.choose(shop.store, "pause", _codes(_running(shop, 1)), actor=shop.owner)
    other = make.actor_for(make.make_member(shop.store, owner=True))
    with pytest.raises(NotFound):
        bulk.confirm(shop.store, draft.pk, action="pause", actor=other)
    with pytest.raises(Conflict) as refusal:
        bulk.confirm(shop.store, draft.pk, action="cancel", confirm_count=1, actor=shop.owner)
    assert refusal.value.code == "ERR_FORM_TOKEN"
    frozen.tick(3601)
    with pytest.raises(Conflict):
        bulk.confirm(shop.store, draft.pk, action="pause", actor=shop.owner)
    frozen.tick(3601)
    assert bulk.forget_drafts(clock.now()) > 0
    assert not BulkJob.objects.exists()


def test_a_cancel_needs_its_right_at_every_step_and_leaves_what_changed_since(shop):
    campaigns = _running(shop, 2)
    member = make.make_member(shop.store, rights=["campaigns.cancel", "campaigns.pause"])
    actor = make.actor_for(member)
    draft = bulk.choose(shop.store, "cancel", _codes(campaigns), actor=actor)
    for number in (None, 3):
        with pytest.raises(InvalidInput):
            bulk.confirm(shop.store, draft.pk, action="cancel", confirm_count=number, actor=actor)
    stopping.pause(shop.store, campaigns[0].code, actor=actor)
    job = bulk.confirm(shop.store, draft.pk, action="cancel", reason="season", confirm_count=2, actor=actor)
    bulk.work_due()
    answers = {row["code"]: row["error"] and row["error"]["code"] for row in bulk.results(job)}
    assert answers == {campaigns[0].code: "ERR_VERSION_CONFLICT", campaigns[1].code: None}
    again = bulk.choose(shop.store, "cancel", [campaigns[0].code], actor=actor)
    bulk.confirm(shop.store, again.pk, action="cancel", reason="season", confirm_count=1, actor=actor)
    Grant.objects.filter(membership__user=member).delete()
    bulk.work_due()
    assert bulk.results(again)[0]["error"]["code"] == "ERR_PERMISSION"
    with pytest.raises(PermissionRefused):
        bulk.choose(shop.store, "cancel", [campaigns[0].code], actor=actor)


def test_what_failed_is_tried_again_as_a_new_job(shop, monkeypatch):
    campaigns = _running(shop, 3)
    real = stopping.EFFECTS["pause"]

    def faulty(command, rows, checklist):
        if any(row.pk == campaigns[1].pk for row in rows):
            raise RuntimeError("a fault")
        return real(command, rows, checklist)

    with monkeypatch.context() as patch:
        patch.setitem(stopping.EFFECTS, "pause", faulty)
        job = _queued(shop, [*campaigns, campaigns[0]])
        with pytest.raises(Conflict):
            bulk.retry(shop.store, job.pk, actor=shop.owner)
        bulk.work_due()
    assert [row["result"] for row in bulk.results(job)] == ["done", "failed", "done"]
    draft = bulk.retry(shop.store, job.pk, actor=shop.owner)
    assert (draft.scope, draft.retry_of_id) == ("retry", job.pk)
    again = bulk.confirm(shop.store, draft.pk, action="pause", reason="season", actor=shop.owner)
    bulk.work_due()
    assert [(row["code"], row["result"]) for row in bulk.results(again)] == [(campaigns[1].code, "done")]
    with pytest.raises(Conflict):
        bulk.retry(shop.store, again.pk, actor=shop.owner)


def test_codes_of_nobody_are_not_tried_again(shop):
    job = bulk.run(shop.store, "pause", ["C-00000", make.make_campaign(shop.store, shop.skus).code], actor=shop.owner)
    with pytest.raises(Conflict):
        bulk.retry(shop.store, job.pk, actor=shop.owner)


def test_jobs_take_turns(shop, small_batches, frozen, monkeypatch):
    """A large job keeps no small one waiting."""
    large, small = _queued(shop, _running(shop, 6)), _queued(shop, _running(shop, 1))
    order = []
    real = bulk._work

    def seen(job, now):
        order.append(job.pk)
        frozen.tick(1)
        real(job, now)

    monkeypatch.setattr(bulk, "_work", seen)
    bulk.work_due()
    assert order == [large.pk, small.pk, large.pk, large.pk]


def test_a_job_that_cannot_be_done_lets_the_others_go(shop, monkeypatch):
    first, second = _queued(shop, _running(shop, 1)), _queued(shop, _running(shop, 1))
    real = bulk._work

    def faulty(job, now):
        if job.pk == first.pk:
            raise RuntimeError("a fault")
        real(job, now)

    with monkeypatch.context() as patch:
        patch.setattr(bulk, "_work", faulty)
        bulk.work_due()
    first.refresh_from_db()
    second.refresh_from_db()
    assert (first.state, second.state) == ("queued", "done")
    bulk.work_due()
    first.refresh_from_db()
    assert first.state == "done"


def test_the_cap_of_a_loan_counts_the_whole_call(shop, small_batches):
    skus = make.make_skus(shop.store, 6)
    pair, same, more, fits = (
        make.make_campaign(shop.store, chosen) for chosen in (skus[:2], skus[:2], skus[2:5], skus[5:])
    )
    capped = make.actor_for(make.make_member(shop.store, rights=["campaigns.pause"], max_listings=3))
    draft = bulk.choose(shop.store, "pause", _codes([pair, same, more, fits]), actor=capped)
    job = bulk.confirm(shop.store, draft.pk, action="pause", reason="season", actor=capped)
    bulk.work_due()
    answers = {row["code"]: row["error"] and row["error"]["code"] for row in bulk.results(job)}
    assert answers == {pair.code: None, same.code: None, more.code: "ERR_GRANT_CAP", fits.code: None}


def test_two_workers_at_once_do_each_row_once(transactional_db):
    shop = open_shop()
    rule(clock.read() - timedelta(days=1), bulk_batch=3)
    with in_store(shop.store.pk):
        campaigns = _running(shop, 20)
        job = _queued(shop, campaigns)
    gate = threading.Barrier(3)

    def worker() -> None:
        gate.wait()
        try:
            bulk.work_due()
        finally:
            connection.close()

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with across_stores("the test looks at everything"):
        while bulk.work_due():
            pass
        assert bulk.counts(job) == {"done": 20, "refused": 0, "failed": 0, "open": 0}
        assert AuditEvent.objects.filter(action="campaign.pause").count() == 20
        assert OutboxMessage.objects.filter(payload__event="campaign.paused").count() == 20
        assert set(Campaign.objects.values_list("version", flat=True)) == {3}
