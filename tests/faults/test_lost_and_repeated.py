"""The broker is emptied with everything pending (bench 5); messages come three times, in any order, while a worker dies (bench 8)."""

from __future__ import annotations

import random
import time
from datetime import timedelta

import redis
from celery import Celery

from audit.models import AuditEvent
from campaigns import bulk
from campaigns.models import BulkJob, BulkState, Campaign
from campaigns.tests.conftest import open_shop
from core import clock
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from policies.models import RuleSet
from policies.rules import ClosingRules
from tests.faults.conftest import Crew
from tests.faults.material import closed_once, count, lateness, lay_out, report, size

LIFECYCLE = ("campaigns.tasks.sweep", "campaigns.tasks.run_bulk")


def _small_batches() -> None:
    values = ClosingRules(batch=size(5, 100), bulk_batch=size(4, 25)).model_dump(mode="json")
    since = clock.read() - timedelta(days=1)
    RuleSet.objects.create(key="closing", version="faults", title="small batches", valid_from=since, values=values)


def _queued(shop, number):
    """A bulk pause in the queue."""
    now = clock.read()
    codes = [row.code for row in lay_out(shop, number, ends=[now + timedelta(days=1)], now=now)]
    with in_store(shop.store.pk):
        draft = bulk.choose(shop.store, "pause", codes, actor=shop.owner)
        return bulk.confirm(shop.store, draft.pk, action="pause", reason="season", actor=shop.owner)


def _is_done(job) -> bool:
    with across_stores("the test looks at everything"):
        return BulkJob.objects.get(pk=job.pk).state == BulkState.DONE


def _paused_once(job) -> None:
    """Every row of the job was paused, and every effect of it is there once."""
    with across_stores("the test looks at everything"):
        codes = list(job.rows.values_list("code", flat=True))
        assert bulk.counts(job) == {"done": len(codes), "refused": 0, "failed": 0, "open": 0}
        assert set(Campaign.objects.filter(code__in=codes).values_list("state", "version")) == {("paused", 3)}
        assert AuditEvent.objects.filter(action="campaign.pause", object_id__in=codes).count() == len(codes)
        told = OutboxMessage.objects.filter(payload__event="campaign.paused", payload__code__in=codes)
        assert told.values("payload__code").distinct().count() == told.count() == len(codes)


def test_nothing_is_lost_with_the_broker_and_nothing_happens_thrice(crew: Crew) -> None:
    _small_batches()
    shop = open_shop(skus=2)
    now = clock.read()
    sender = Celery(broker=crew.held.places.broker_url, set_as_current=False)
    pending = size(60, 500)
    lost = lay_out(shop, pending, ends=[now - timedelta(minutes=1)], now=now)
    first = _queued(shop, size(30, 200))
    for number in range(pending):
        sender.send_task(LIFECYCLE[number % 2], queue="lifecycle")
    with redis.Redis(unix_socket_path=str(crew.held.places.redis_socket)) as broker:
        assert broker.llen("lifecycle") >= pending
    crew.flush_redis()
    crew.start("lifecycle", "beat")
    crew.until(lambda: count("ended") > 0, "the workers have found work without a message")
    began = time.monotonic()
    crew.until(lambda: count("ended") == pending and _is_done(first), "all that was pending is done")
    report("5", pending=pending, bulk_rows=first.total, seconds_after_the_first=round(time.monotonic() - began, 1))
    closed_once(lost)
    _paused_once(first)

    repeated = lay_out(shop, pending, ends=[now - timedelta(minutes=1)], now=now)
    second = _queued(shop, size(30, 200))
    messages = [name for name in LIFECYCLE for _ in range(pending // 2)] * 3
    random.Random(8).shuffle(messages)
    for name in messages[: len(messages) // 2]:
        sender.send_task(name, queue="lifecycle")
    crew.until(lambda: count("ended") > pending, "the work is under way")
    crew.kill("lifecycle")
    crew.start("lifecycle")
    for name in messages[len(messages) // 2 :]:
        sender.send_task(name, queue="lifecycle")
    crew.until(lambda: count("ended") == 2 * pending and _is_done(second), "all is done")
    closed_once([*lost, *repeated])
    _paused_once(first)
    _paused_once(second)
    report("8", messages=len(messages), campaigns=pending, bulk_rows=second.total, effects_doubled=0)

    ahead = clock.read() + timedelta(seconds=size(2, 15))
    spread = size(40, 2000)
    seconds = size(2, 60)
    herd = lay_out(
        shop, spread, ends=[ahead + timedelta(seconds=n * seconds / spread) for n in range(spread)], now=clock.read()
    )
    crew.until(lambda: count("ended") == 2 * pending + spread, "the herd is closed")
    late = lateness(herd, timedelta(0))
    assert late["least"] >= 0, "nothing is closed early"
    closed_once(herd)
    report("12", campaigns=spread, over_seconds=seconds, **{name: round(value, 2) for name, value in late.items()})
