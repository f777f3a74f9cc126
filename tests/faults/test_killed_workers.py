"""kill -9 of workers in the middle of a close, the broker emptied in the middle: the close completes, each effect once (bench 1, 2, 5)."""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial

import psycopg
from django.db import connection

from audit.models import AuditEvent
from campaigns.models import Campaign, Check, Closing
from campaigns.tests.conftest import Shop, open_shop
from core import clock
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from listings.models import LiveOffer
from policies.models import RuleSet
from policies.rules import ClosingRules
from publishing.models import Publication
from tests import factories as make
from tests.faults.conftest import Crew
from tests.faults.material import report, size

ROUNDS = int(os.environ.get("KILL_ROUNDS", "3"))


def _ended(shop: Shop, skus: int, campaigns: int = 1) -> list[Campaign]:
    """Campaigns whose end has passed while nobody was at work."""
    now = clock.read()
    with in_store(shop.store.pk):
        rows = make.make_skus(shop.store, skus)
        return [
            make.make_campaign(shop.store, rows, starts_at=now - timedelta(days=1), ends_at=now - timedelta(minutes=1))
            for _ in range(campaigns)
        ]


def _under_way(goal: int) -> bool:
    return _count("ended") + _count("ending") >= goal


def _count(state: str) -> int:
    with across_stores("the test looks at everything"):
        return Campaign.objects.filter(state=state).count()


@contextmanager
def _holding(table: str, where: str) -> Iterator[psycopg.Connection]:
    """Keep a row locked, so that a worker stops in the middle of its transaction."""
    settings = connection.settings_dict
    with psycopg.connect(
        host=settings["HOST"], port=settings["PORT"] or None, user=settings["USER"], dbname=settings["NAME"],
        password=settings["PASSWORD"] or None,
    ) as other:  # fmt: skip
        other.execute(f"SELECT 1 FROM {table} WHERE {where} FOR UPDATE")
        yield other
        other.rollback()


def _somebody_waits() -> bool:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
        )
        return bool(cursor.fetchone()[0])


def _once(campaigns: list[Campaign]) -> None:
    """Every campaign was closed, and every effect of its close is there once."""
    codes = [campaign.code for campaign in campaigns]
    with across_stores("the test looks at everything"):
        assert set(Campaign.objects.filter(code__in=codes).values_list("state", flat=True)) == {"ended"}
        assert set(Campaign.objects.filter(code__in=codes).values_list("version", flat=True)) == {4}
        closings = Counter(Closing.objects.values_list("campaign__code", flat=True))
        checks = Counter(Check.objects.values_list("campaign__code", flat=True))
        events = Counter(AuditEvent.objects.values_list("object_id", "action"))
        told = Counter(
            OutboxMessage.objects.filter(payload__event="campaign.ended").values_list("payload__code", flat=True)
        )
        assert not LiveOffer.objects.filter(campaign_code__in=codes, active=True).exists()
    for code in codes:
        assert (closings[code], checks[code], told[code]) == (1, 3, 1)
        assert events[code, "campaign.reach_end"] == events[code, "campaign.end"] == 1


def test_a_worker_killed_inside_the_close_of_a_thousand_items(crew: Crew) -> None:
    shop = open_shop()
    (campaign,) = _ended(shop, skus=1000)
    with across_stores("the test looks at everything"):
        offer = LiveOffer.objects.filter(campaign_code=campaign.code).order_by("id")[500]
    with _holding("listings_liveoffer", f"id = {offer.pk}"):
        crew.start("lifecycle", "beat")
        crew.until(_somebody_waits, "the worker is in the middle of the close")
        crew.kill("lifecycle")
        crew.flush_redis()
    crew.until(lambda: not _somebody_waits(), "the dead worker's transaction is gone")
    with across_stores("the test looks at everything"):
        assert not Closing.objects.exists()
        assert LiveOffer.objects.filter(campaign_code=campaign.code, active=True).count() == 1000
    began = datetime.now(UTC)
    crew.start("lifecycle")
    crew.until(lambda: _count("ended") == 1, "the close completes")
    assert datetime.now(UTC) - began < timedelta(seconds=60)
    _once([campaign])
    with across_stores("the test looks at everything"):
        wanted = Publication.objects.filter(listing__in=campaign.items.values("listing"))
        assert set(wanted.values_list("desired_version", flat=True)) == {2}, "told at the start and at the end"


def test_only_the_child_killed(crew: Crew) -> None:
    shop = open_shop()
    (campaign,) = _ended(shop, skus=200)
    with _holding("campaigns_campaignitem", f"campaign_id = {campaign.pk}"), _holding("listings_liveoffer", "true"):
        crew.start("lifecycle", "beat")
        crew.until(_somebody_waits, "the child is in the middle of the close")
        crew.kill("lifecycle", child_only=True)
    crew.until(lambda: _count("ended") == 1, "the close completes")
    _once([campaign])


def test_workers_killed_and_redis_flushed_again_and_again(crew: Crew) -> None:
    """Small batches, so that every kill meets a close under way; two workers and two beats at once."""
    values = ClosingRules(batch=4, item_batch=40).model_dump(mode="json")
    since = clock.read() - timedelta(days=1)
    RuleSet.objects.create(key="closing", version="faults", title="small batches", valid_from=since, values=values)
    shop = open_shop()
    campaigns = _ended(shop, skus=10, campaigns=size(150, 1000))
    dice = random.Random(7)
    crew.start("lifecycle", "beat")
    twin = Crew(crew.environment | {"HOSTNAME": "twin"}, crew.held, crew.folder, ever=crew.ever)
    twin.start("beat")
    for turn in range(ROUNDS):
        goal = (turn + 1) * len(campaigns) // (ROUNDS + 1) + dice.randrange(4)
        crew.until(partial(_under_way, goal), f"{goal} campaigns are under way")
        crew.kill("lifecycle")
        crew.flush_redis()
        crew.start("lifecycle")
    crew.until(lambda: _count("ended") == len(campaigns), "every campaign is closed")
    _once(campaigns)
    report("1", campaigns=len(campaigns), kills=ROUNDS, lost=0, doubled=0)
