"""Eight sweepers at once while their backends are terminated (bench 3); the second of the close (bench 12); no sweep takes part alone."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from datetime import timedelta

import psycopg
import pytest
from django.db import InterfaceError, OperationalError, connection
from django.test import override_settings

import policies
from campaigns import sweeps
from campaigns.models import Campaign, Closing
from campaigns.tests.conftest import NOON, open_shop
from core import clock
from core.scopes import across_stores, in_store
from policies.models import RuleSet
from policies.rules import ClosingRules
from tests import factories as make
from tests.faults.material import closed_once, count, lay_out, report, size

SWEEPERS = 8


@pytest.fixture
def small_batches(transactional_db: None) -> Iterator[None]:
    """Many transactions, so that every termination meets one under way."""
    values = ClosingRules(batch=size(10, 250)).model_dump(mode="json")
    RuleSet.objects.create(
        key="closing", version="faults", title="t", valid_from=NOON - timedelta(days=9), values=values
    )
    policies.forget()
    yield
    policies.forget()


class Sweeper(threading.Thread):
    """Sweeps until told that all is done; a lost connection is made anew, as a worker's would be."""

    def __init__(self, pids: dict[int, int], over: threading.Event) -> None:
        super().__init__(daemon=True)
        self.pids, self.over, self.terminated = pids, over, 0
        self.faults: list[BaseException] = []

    def run(self) -> None:
        """The life of one."""
        try:
            while not self.over.is_set():
                self._once()
        except BaseException as error:
            self.faults.append(error)
        finally:
            connection.close()

    def _once(self) -> None:
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_backend_pid()")
                self.pids[self.ident or 0] = cursor.fetchone()[0]
            sweeps.run()
        except (OperationalError, InterfaceError):
            self.terminated += 1
            connection.close()


def _beside() -> psycopg.Connection:
    """A connection of its own."""
    settings = connection.settings_dict
    return psycopg.connect(
        host=settings["HOST"], port=settings["PORT"] or None, user=settings["USER"], dbname=settings["NAME"],
        password=settings["PASSWORD"] or None, autocommit=True,
    )  # fmt: skip


def _terminate(pid: int) -> None:
    with _beside() as other:
        other.execute("SELECT pg_terminate_backend(%s)", [pid])


def test_eight_sweepers_whose_backends_are_terminated_close_each_once(small_batches):
    number = size(160, 20_000)
    shop = open_shop(skus=1)
    campaigns = lay_out(shop, number, ends=[NOON], now=NOON - timedelta(hours=1))
    pids: dict[int, int] = {}
    over, dice = threading.Event(), random.Random(3)
    began = time.perf_counter()
    with clock.freeze(NOON + timedelta(hours=1)), _beside() as holder:
        # One campaign is out of the sweepers' reach until the last termination: however fast they are, all six meet work.
        holder.execute("BEGIN")
        holder.execute("SELECT 1 FROM campaigns_campaign WHERE id = %s FOR UPDATE", [campaigns[-1].pk])
        sweepers = [Sweeper(pids, over) for _ in range(SWEEPERS)]
        for sweeper in sweepers:
            sweeper.start()
        kills, pause = 0, threading.Event()
        while count("ended") < number and not any(sweeper.faults for sweeper in sweepers):
            if kills < 6 and pids and count("ending") + count("ended") >= number * (kills + 1) // 8:
                _terminate(dice.choice(sorted(pids.values())))
                kills += 1
                if kills == 6:
                    holder.execute("ROLLBACK")
            pause.wait(0.02)
        over.set()
        for sweeper in sweepers:
            sweeper.join()
    took = time.perf_counter() - began
    assert [fault for sweeper in sweepers for fault in sweeper.faults] == []
    assert kills == 6
    closed_once(campaigns)
    report("3", campaigns=number, sweepers=SWEEPERS, terminated=kills, duplicates=0, seconds=round(took, 1))


@pytest.mark.django_db
@override_settings(CAMPAIGN_EXPIRY_GRACE=900)
@pytest.mark.parametrize(("seconds", "state"), [(-1, "ending"), (0, "ended"), (1, "ended")])
def test_the_second_of_the_close(seconds, state):
    """R35: not a second early, and at the second itself."""
    with clock.freeze(NOON) as moving:
        shop = open_shop()
        with in_store(shop.store.pk):
            campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(hours=1))
        moving.move_to(campaign.ends_at + timedelta(seconds=900 + seconds))
        sweeps.run()
        sweeps.run()
        with across_stores("the test looks"):
            assert Campaign.objects.get(pk=campaign.pk).state == state
            assert Closing.objects.count() == (1 if state == "ended" else 0)


@pytest.mark.django_db
@pytest.mark.parametrize(("seconds", "state"), [(-1, "running"), (0, "ending")])
def test_the_second_of_the_end(seconds, state):
    with clock.freeze(NOON) as moving:
        shop = open_shop()
        with in_store(shop.store.pk):
            campaign = make.make_campaign(shop.store, shop.skus, ends_at=NOON + timedelta(hours=1))
        moving.move_to(campaign.ends_at + timedelta(seconds=seconds))
        sweeps.run()
        with across_stores("the test looks"):
            assert Campaign.objects.get(pk=campaign.pk).state == state
