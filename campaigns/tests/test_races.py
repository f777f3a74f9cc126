"""Pause, cancel, expire, resume and take back raced against each other (reliability bench 13): one winner each, no effect twice.

The same race is run without row locks first: it must break there, or it would prove nothing. `RACE_ROUNDS` makes it longer.
"""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import override_settings

from accounts.models import Store
from audit.actors import Actor
from audit.models import AuditEvent
from campaigns import finding, stopping, sweeps
from campaigns.edges import pairs
from campaigns.models import Campaign, Check, Closing
from campaigns.tests.conftest import NOON, Shop, open_shop
from core import clock
from core.errors import DomainError
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from listings.models import LiveOffer
from tests import factories as make

ROUNDS = int(os.environ.get("RACE_ROUNDS", "25"))
END = NOON + timedelta(hours=1)
BEFORE = END - timedelta(seconds=1)
HUMANS = ("pause", "pause", "cancel", "resume", "take_back")


class Runners:
    """Threads that keep their connection and start each round together."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.gate = threading.Barrier(number + 1)
        self.work: list[Callable[[], None]] = []
        self.faults: list[BaseException] = []
        self.threads = [threading.Thread(target=self._serve, args=(place,), daemon=True) for place in range(number)]
        for thread in self.threads:
            thread.start()

    def _serve(self, place: int) -> None:
        while True:
            self.gate.wait()
            if not self.work:
                connection.close()
                return
            try:
                self.work[place]()
            except BaseException as error:
                self.faults.append(error)
            self.gate.wait()

    def race(self, work: list[Callable[[], None]]) -> None:
        """Run one round."""
        self.work = work
        self.gate.wait()
        self.gate.wait()
        if self.faults:
            raise self.faults[0]

    def stop(self) -> None:
        """Let the threads end."""
        self.work = []
        self.gate.wait()
        for thread in self.threads:
            thread.join()


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    with clock.freeze(NOON):
        yield open_shop()


def _human(store: Store, code: str, action: str, actor: Actor, answers: list[Any]) -> Callable[[], None]:
    def act() -> None:
        more = {"confirm_code": code} if action == "cancel" else {}
        with in_store(store.pk):
            try:
                getattr(stopping, action)(store, code, actor=actor, now=BEFORE, **more)
                answers.append((action, "done"))
            except DomainError as error:
                answers.append((action, error.status))

    return act


def _sweep() -> None:
    sweeps.run()


def _run(shop: Shop, rounds: int, seed: int) -> list[str]:
    """Race for some rounds; answers what was broken."""
    dice = random.Random(seed)
    with in_store(shop.store.pk):
        people = [make.actor_for(make.make_member(shop.store, owner=True)) for _ in HUMANS]
    runners = Runners(len(HUMANS) + 1)
    broken: list[str] = []
    try:
        for _round in range(rounds):
            with clock.freeze(NOON), in_store(shop.store.pk):
                campaign = make.make_campaign(
                    shop.store,
                    shop.skus,
                    state=dice.choice(["running", "running", "paused", "scheduled"]),
                    starts_at=NOON - timedelta(hours=1),
                    ends_at=END,
                )
            answers: list[Any] = []
            work = [_human(shop.store, campaign.code, action, actor, answers)
                    for action, actor in zip(HUMANS, people, strict=True)]  # fmt: skip
            work.append(_sweep)
            dice.shuffle(work)
            with clock.freeze(END):
                runners.race(work)
            with across_stores("the test looks at what happened"):
                broken += _broken(campaign, answers)
    finally:
        runners.stop()
    return broken


def _broken(start: Campaign, answers: list[Any]) -> list[str]:
    """Every promise that the campaign's rows break."""
    now = Campaign.objects.get(pk=start.pk)
    events = list(AuditEvent.objects.filter(object_id=start.code, result="done").order_by("id"))
    moves = [(event.before["state"], event.after["state"]) for event in events if event.action != "campaign.start"]
    wrong = []
    if any(answer not in ("done", 409, 423) for _action, answer in answers):
        wrong.append(f"answers {answers}")
    if not set(moves) <= pairs():
        wrong.append(f"illegal edges {set(moves) - pairs()}")
    if moves and moves[0][0] != start.state or any(a[1] != b[0] for a, b in pairwise(moves)):
        wrong.append(f"effects of losers: from {start.state}: {moves}")
    if moves and moves[-1][1] != now.state:
        wrong.append(f"record says {moves[-1][1]}, row says {now.state}")
    if now.version - start.version != len(moves):
        wrong.append(f"{len(moves)} moves, {now.version - start.version} versions")
    done = [action for action, answer in answers if answer == "done"]
    if Closing.objects.filter(campaign=start).count() != done.count("cancel"):
        wrong.append("closes do not match cancels")
    told = OutboxMessage.objects.filter(topic="campaign.event", payload__code=start.code).exclude(
        payload__event="campaign.started"
    )
    if told.count() != len(done):
        wrong.append(f"{told.count()} events for {done}")
    offers = LiveOffer.objects.filter(campaign_code=start.code, active=True).count()
    if now.state in ("paused", "cancelling") and offers:
        wrong.append(f"{offers} offers on while {now.state}")
    planned = Check.objects.filter(campaign=start, state="pending").count()
    if now.state in ("paused", "cancelling") and start.state != "paused" and planned != 4:
        wrong.append(f"{planned} checks planned while {now.state}")
    return wrong


@contextmanager
def _without_row_locks(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(finding, "locked", lambda rows: rows.order_by("id"))
        yield


@override_settings(OPERATION_LOCK=0)
def test_without_row_locks_the_race_breaks(shop, monkeypatch):
    with _without_row_locks(monkeypatch):
        assert _run(shop, 40, seed=1), "the race must be able to break something"


@override_settings(OPERATION_LOCK=0)
def test_with_row_locks_everybody_waits_for_the_winner(shop):
    assert _run(shop, ROUNDS, seed=2) == []


def test_with_the_operation_lock_one_person_wins(shop):
    assert _run(shop, max(5, ROUNDS // 3), seed=3) == []
    with across_stores("the test looks at what happened"):
        for campaign in Campaign.objects.all():
            people = AuditEvent.objects.filter(object_id=campaign.code, actor_kind="user", result="done")
            assert people.values("actor_id").distinct().count() <= 1
