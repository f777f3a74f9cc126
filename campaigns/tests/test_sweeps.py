"""Due work is found by the database's clock: boundaries, catching up, two sweeps at once, constant queries."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from campaigns import closing as closing_engine
from campaigns import stopping, sweeps
from campaigns.models import Campaign, Check, Closing
from campaigns.tests.conftest import NOON, Shop, open_shop
from core import clock
from core.models import Heartbeat, OutboxMessage
from core.scopes import across_stores, in_store
from listings.models import LiveOffer
from publishing.models import Publication
from tests import factories as make


def _state(campaign) -> str:
    return str(Campaign.objects.get(pk=campaign.pk).state)


@pytest.mark.parametrize(("offset", "state"), [(-1, "ending"), (0, "ended"), (1, "ended")])
def test_closed_at_the_end_plus_the_grace_and_not_a_second_before(shop, frozen, offset, state):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(hours=1))
    frozen.move_to(campaign.ends_at + timedelta(seconds=900 + offset))
    sweeps.run()
    assert _state(campaign) == state


@pytest.mark.parametrize(("offset", "state"), [(-1, "running"), (0, "ending"), (1, "ending")])
def test_over_at_the_end(shop, frozen, offset, state):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(hours=1))
    frozen.move_to(campaign.ends_at + timedelta(seconds=offset))
    sweeps.run()
    assert _state(campaign) == state


@pytest.mark.parametrize(("offset", "state"), [(-1, "scheduled"), (0, "running"), (1, "running")])
def test_started_at_the_start(shop, frozen, offset, state):
    campaign = make.make_campaign(shop.store, shop.skus, state="scheduled")
    frozen.move_to(campaign.starts_at + timedelta(seconds=offset))
    sweeps.run()
    assert _state(campaign) == state
    assert LiveOffer.objects.filter(active=True).count() == (3 if state == "running" else 0)


@pytest.mark.parametrize("state", ["scheduled", "running", "paused"])
def test_a_worker_that_was_down_for_days_catches_up(shop, frozen, state):
    campaign = make.make_campaign(shop.store, shop.skus, state=state)
    frozen.tick(timedelta(days=30))
    sweeps.run()
    assert _state(campaign) == "ended"
    closing = Closing.objects.get()
    assert (closing.close_kind, closing.closed_at, closing.closed_by) == ("auto", clock.now(), "system:closing")
    assert not LiveOffer.objects.filter(active=True).exists()
    actions = list(AuditEvent.objects.filter(object_id=campaign.code).order_by("id").values_list("action", flat=True))
    assert actions[-2:] == ["campaign.reach_end", "campaign.end"]


def test_what_an_automatic_close_leaves(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    wanted = set(Publication.objects.values_list("desired_version", flat=True))
    frozen.move_to(campaign.ends_at)
    sweeps.run()
    assert set(Publication.objects.values_list("desired_version", flat=True)) == {max(wanted) + 1}
    assert not Closing.objects.exists()
    frozen.tick(900)
    sweeps.run()
    closing = Closing.objects.get()
    assert (
        closing.closed_at == Campaign.objects.get(pk=campaign.pk).closed_at == campaign.ends_at + timedelta(seconds=900)
    )
    assert closing.forecast == closing.result
    assert closing.forecast == {
        "listings": 3, "tags": 3, "sites": 2, "coupons": 0, "claimed_unused": 0, "reserved_units": 0, "open_orders": 0,
        "prices_to_review": 0,
    }  # fmt: skip
    steps = {step["key"]: (step["state"], step["done"], step["total"]) for step in closing.steps}
    assert steps["stop_display"] == ("done", 3, 3)
    assert closing.steps[0]["evidence"]["cut_over"] == campaign.ends_at.isoformat()
    assert [(check.due_at - closing.closed_at).total_seconds() for check in Check.objects.order_by("number")] == [
        30,
        900,
        7800,
    ]
    assert set(Publication.objects.values_list("desired_version", flat=True)) == {max(wanted) + 1}, (
        "told once, not twice"
    )
    events = OutboxMessage.objects.filter(topic="campaign.event").values_list("payload__event", flat=True)
    assert Counter(events)["campaign.ended"] == 1


def test_reviews_lapse_at_the_end(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, state="in_review")
    frozen.move_to(campaign.ends_at)
    sweeps.run()
    lapsed = Campaign.objects.get(pk=campaign.pk)
    assert (lapsed.state, lapsed.review_reason) == ("rejected", "lapsed")


def test_a_sweep_without_work_changes_nothing_and_leaves_a_beat(shop):
    make.make_campaign(shop.store, shop.skus)
    before = AuditEvent.objects.count(), OutboxMessage.objects.count()
    assert set(sweeps.run().values()) == {0}
    assert (AuditEvent.objects.count(), OutboxMessage.objects.count()) == before
    assert Heartbeat.objects.get(name="campaigns.sweep").beat_at == NOON


def test_health_knows_the_oldest_due_item(shop, frozen):
    assert sweeps.oldest_due(clock.now()) is None
    campaign = make.make_campaign(shop.store, shop.skus)
    frozen.move_to(campaign.ends_at + timedelta(seconds=50))
    assert sweeps.oldest_due(clock.now()) == campaign.ends_at
    sweeps.run()
    frozen.tick(900)
    assert sweeps.oldest_due(clock.now()) == campaign.ends_at + timedelta(seconds=900)


def test_hundred_campaigns_cost_as_many_queries_as_one(shop, frozen):
    counts = []
    for number in (1, 60):
        for _ in range(number):
            make.make_campaign(shop.store, shop.skus[:1], ends_at=clock.now() + timedelta(hours=1))
        frozen.tick(timedelta(days=1))
        Closing.objects.update(next_due_at=None)
        with CaptureQueriesContext(connection) as queries:
            sweeps.run()
        counts.append(len(queries))
    assert counts[1] <= counts[0]


def test_the_price_memory_and_the_report_of_a_held_cancel_survive_the_end(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(seconds=60))
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(120)
    sweeps.run()
    assert _state(campaign) == "cancelling", "a held cancel passes its end as a cancel"
    frozen.tick(480)
    sweeps.run()
    assert _state(campaign) == "cancelled"


@pytest.fixture
def committed(transactional_db: None) -> Shop:
    return open_shop()


def test_eight_sweeps_at_once_do_everything_once(committed):
    """Reliability bench 3, bounded: threads with their own connections share the due rows."""
    with clock.freeze(NOON), in_store(committed.store.pk):
        campaigns = [make.make_campaign(committed.store, committed.skus) for _ in range(60)]
    late = campaigns[0].ends_at + timedelta(days=1)
    barrier = threading.Barrier(8)
    faults: list[BaseException] = []

    def sweep() -> None:
        try:
            barrier.wait()
            sweeps.run()
        except BaseException as error:
            faults.append(error)
        finally:
            connection.close()

    with clock.freeze(late):
        threads = [threading.Thread(target=sweep) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not faults
    with across_stores("the test looks at everything"):
        assert set(Campaign.objects.values_list("state", flat=True)) == {"ended"}
        assert Closing.objects.count() == 60
        assert Check.objects.count() == 180
        events = Counter(AuditEvent.objects.values_list("action", "object_id"))
        for campaign in campaigns:
            assert events["campaign.reach_end", campaign.code] == events["campaign.end", campaign.code] == 1
        ended = OutboxMessage.objects.filter(payload__event="campaign.ended").values_list("payload__code", flat=True)
        assert sorted(ended) == sorted(campaign.code for campaign in campaigns)


def test_a_batch_that_dies_in_the_middle_leaves_everything_due(committed, monkeypatch):
    with clock.freeze(NOON), in_store(committed.store.pk):
        campaign = make.make_campaign(committed.store, committed.skus)

    def dies(*args, **kwargs):
        raise RuntimeError("the worker dies here")

    with clock.freeze(campaign.ends_at + timedelta(days=1)):
        monkeypatch.setattr("campaigns.closing.tell", dies)
        assert sweeps.run()["failed"] == 1
        with across_stores("the test looks"):
            assert _state(campaign) == "ending"
            assert not Closing.objects.exists()
        monkeypatch.undo()
        sweeps.run()
        with across_stores("the test looks"):
            assert _state(campaign) == "ended"
            assert Closing.objects.count() == 1


def test_a_fault_stays_with_its_campaign(shop, frozen, monkeypatch):
    campaigns = [make.make_campaign(shop.store, shop.skus) for _ in range(4)]
    starting = make.make_campaign(
        shop.store, shop.skus, state="scheduled", starts_at=NOON + timedelta(days=3), ends_at=NOON + timedelta(days=9)
    )
    real = closing_engine.forecast

    def faulty(rows, **more):
        if any(row.pk == campaigns[1].pk for row in rows):
            raise ValueError("broken figures")
        return real(rows, **more)

    monkeypatch.setattr(closing_engine, "forecast", faulty)
    frozen.tick(timedelta(days=4))
    done = sweeps.run()
    assert (done["closed"], done["failed"], done["started"]) == (3, 1, 1)
    assert [_state(row) for row in campaigns] == ["ended", "ending", "ended", "ended"]
    assert _state(starting) == "running"
    assert Heartbeat.objects.get(name="campaigns.sweep").detail["failed"] == 1
    monkeypatch.undo()
    sweeps.run()
    assert _state(campaigns[1]) == "ended"


def test_a_close_that_cannot_be_carried_forward_stops_no_other(shop, frozen):
    for _ in range(3):
        make.make_campaign(shop.store, shop.skus)
    frozen.tick(timedelta(days=4))
    sweeps.run()
    closings = list(Closing.objects.order_by("id"))
    Closing.objects.filter(pk=closings[1].pk).update(steps=[{"key": "nonsense"}])
    frozen.tick(timedelta(days=1))
    assert sweeps.run()["failed"] == 1
    assert Closing.objects.filter(archived_at__isnull=False).count() == 2


def test_what_the_clock_decides_names_the_rules_that_it_followed(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(hours=1))
    frozen.move_to(campaign.ends_at + timedelta(hours=1))
    sweeps.run()
    told = AuditEvent.objects.filter(object_id=campaign.code, action__in=["campaign.reach_end", "campaign.end"])
    assert {(event.action, event.after["policy"]) for event in told} == {
        ("campaign.reach_end", "closing@1"), ("campaign.end", "closing@1"),
    }  # fmt: skip
