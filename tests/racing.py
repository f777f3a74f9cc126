"""Pause, cancel, expire, resume and take back raced against each other, with proof of what became of every campaign.

A round lets five people and the sweep loose on one campaign from one barrier, at the second in which it ends. Rounds are laid out and
proven many at a time, set-based, so that ten thousand of them are a matter of minutes.
"""

from __future__ import annotations

import itertools
import random
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import pairwise
from typing import Any

from django.db import connection
from django.db.models import Count, Max

from audit.actors import Actor, system
from audit.models import AuditEvent
from campaigns import stopping, sweeps
from campaigns.edges import pairs
from campaigns.models import Campaign, CampaignItem, Check, Closing, Kind
from campaigns.retrying import retried
from campaigns.starting import start_now
from campaigns.tests.conftest import Shop
from core import clock
from core.codes import ALPHABET
from core.errors import DomainError
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from listings.models import LiveOffer, Sku
from policies import timing
from tests import factories as make

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
END = NOON + timedelta(minutes=8)
BEFORE = END - timedelta(seconds=1)
PEOPLE = ("pause", "pause", "cancel", "resume", "take_back")
STATES = ("running", "running", "paused", "scheduled", "cancelling")
CHUNK = 200


class Runners:
    """Threads that keep their connection and start each round together."""

    def __init__(self, number: int) -> None:
        self.gate = threading.Barrier(number + 1)
        self.work: Sequence[Callable[[], None]] = []
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

    def race(self, work: Sequence[Callable[[], None]]) -> None:
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


@dataclass
class Tally:
    """What came of some rounds: promises that were broken, who won how often, what the losers were told."""

    rounds: int = 0
    broken: list[str] = field(default_factory=list)
    won: Counter[str] = field(default_factory=Counter)
    told: Counter[int] = field(default_factory=Counter)


@dataclass
class Contest:
    """One campaign before its race, and what the five were answered."""

    campaign: Campaign
    answers: list[tuple[str, str | int]] = field(default_factory=list)


def race(shop: Shop, rounds: int, seed: int, *, one_person: bool = False) -> Tally:
    """Race for so many rounds; `one_person` says that the operation lock is on, so that at most one person may have acted."""
    dice, tally = random.Random(seed), Tally()
    with in_store(shop.store.pk):
        people = [make.actor_for(make.make_member(shop.store, owner=True)) for _ in PEOPLE]
        # A product of its own for each campaign: what is raced is the stop, not the search for conflicts.
        skus = make.make_skus(shop.store, min(CHUNK, rounds))
    runners = Runners(len(PEOPLE) + 1)
    try:
        while tally.rounds < rounds:
            contests = _lay_out(shop, skus[: rounds - tally.rounds], dice)
            marks = _marks()
            others = frozenset(one.campaign.pk for one in contests)
            for one in contests:
                work: list[Callable[[], None]] = [
                    partial(_act, shop, one, action, actor) for action, actor in zip(PEOPLE, people, strict=True)
                ]
                work.append(partial(_expire, others - {one.campaign.pk}))
                dice.shuffle(work)
                with clock.freeze(END):
                    runners.race(work)
            with across_stores("the proof looks at what happened"):
                _prove(contests, marks, tally, one_person)
                with clock.freeze(END):
                    while sweeps.reach_end(frozenset(), False):  # the next chunk takes the same products
                        pass
            tally.rounds += len(contests)
    finally:
        runners.stop()
    return tally


def _act(shop: Shop, one: Contest, action: str, actor: Actor) -> None:
    code = one.campaign.code
    more = {"confirm_code": code} if action == "cancel" else {}
    with in_store(shop.store.pk):
        try:
            getattr(stopping, action)(shop.store, code, actor=actor, now=BEFORE, **more)
            one.answers.append((action, "done"))
        except DomainError as error:
            one.answers.append((action, error.status))


def _expire(others: frozenset[int]) -> None:
    """The sweep's own job for the end time, on this round's campaign."""
    with across_stores("the sweep serves every store"):
        retried(partial(sweeps.reach_end, others))


#: Ten thousand random codes of five letters collide; a verb tries again, rows that are laid out in one go count.
_codes = (f"C-{''.join(letters)}" for letters in itertools.product(ALPHABET, repeat=5))


def _lay_out(shop: Shop, skus: Sequence[Sku], dice: random.Random) -> list[Contest]:
    """A campaign over each SKU, all of one end, in every state from which somebody could act, made the way they come about."""
    states = [dice.choice(STATES) for _ in skus]
    with clock.freeze(NOON), in_store(shop.store.pk):
        rows = Campaign.objects.bulk_create(
            Campaign(
                store=shop.store, code=next(_codes), kind=Kind.LIMITED_TIME_DISCOUNT, name="Race", state="scheduled",
                starts_at=NOON - timedelta(hours=1), ends_at=END, item_count=1, created_at=NOON,
                stacks=True,
            )
            for _ in skus
        )  # fmt: skip
        CampaignItem.objects.bulk_create(
            CampaignItem(store=shop.store, campaign=row, sku=sku, listing_id=sku.listing_id, price=Decimal("18.90"))
            for row, sku in zip(rows, skus, strict=True)
        )
        start_now(
            [row for row, state in zip(rows, states, strict=True) if state != "scheduled"],
            now=NOON,
            actor=system("race"),
        )
        for action, wanted in (("pause", "paused"), ("cancel", "cancelling")):
            codes = [row.code for row, state in zip(rows, states, strict=True) if state == wanted]
            if codes:
                stopping.act(stopping.command_of(shop.store, action, system("race"), NOON), codes)
        fresh = Campaign.objects.in_bulk([row.pk for row in rows])
        return [Contest(fresh[row.pk]) for row in rows]


def _marks() -> dict[Any, int]:
    """Where the record, the outbox and the reports stand before a race."""
    with across_stores("the proof looks at everything"):
        return {
            model: model._default_manager.aggregate(at=Max("id"))["at"] or 0
            for model in (AuditEvent, OutboxMessage, Closing)
        }


def _prove(contests: Sequence[Contest], marks: dict[Any, int], tally: Tally, one_person: bool) -> None:
    """Compare what people were told with rows, record, outbox, reports, offers and checks; a constant number of queries."""
    codes = [one.campaign.code for one in contests]
    ids = [one.campaign.pk for one in contests]
    now = Campaign.objects.in_bulk(ids)
    events: dict[str, list[AuditEvent]] = {code: [] for code in codes}
    for event in AuditEvent.objects.filter(id__gt=marks[AuditEvent], object_id__in=codes).order_by("id"):
        events[event.object_id].append(event)
    told = Counter(
        OutboxMessage.objects.filter(id__gt=marks[OutboxMessage], topic="campaign.event").values_list(
            "payload__code", flat=True
        )
    )
    closings = Counter(Closing.objects.filter(id__gt=marks[Closing]).values_list("campaign_id", flat=True))
    on = dict(
        LiveOffer.objects.filter(campaign_code__in=codes, active=True)
        .order_by()
        .values_list("campaign_code")
        .annotate(n=Count("id"))
    )
    checks = dict(
        Check.objects.filter(campaign__in=ids, state="pending")
        .order_by()
        .values_list("campaign_id")
        .annotate(n=Count("id"))
    )
    for one in contests:
        code, row = one.campaign.code, now[one.campaign.pk]
        found = Found(row, events[code], told[code], closings[row.pk], on.get(code, 0), checks.get(row.pk, 0))
        tally.broken += [f"{code}: {wrong}" for wrong in found.broken_promises(one, one_person)]
        moves = [event for event in found.events if event.result == "done"]
        tally.won.update([event.action.partition(".")[2] for event in moves[:1]])
        tally.told.update(answer for _action, answer in one.answers if isinstance(answer, int))


@dataclass(frozen=True)
class Found:
    """What stands in the database about one campaign after its race; `told`, `closings` and `events` are new since then."""

    row: Campaign
    events: list[AuditEvent]
    told: int
    closings: int
    offers: int
    checks: int

    def broken_promises(self, one: Contest, one_person: bool) -> list[str]:
        """Every promise that the rows break."""
        start, row = one.campaign, self.row
        moved = [event for event in self.events if event.result == "done"]
        moves = [(event.before["state"], event.after["state"]) for event in moved]
        by_people = [event for event in moved if event.actor_kind == "user"]
        done = [action for action, answer in one.answers if answer == "done"]
        lost = [answer for _action, answer in one.answers if isinstance(answer, int)]
        stopped = row.state in ("paused", "cancelling")
        promises = {
            f"answers {one.answers}": len(one.answers) == len(PEOPLE) and set(lost) <= {409, 423},
            f"illegal edges {set(moves) - pairs()}": set(moves) <= pairs(),
            f"effects of losers: from {start.state}: {moves}": _chained(start.state, moves),
            f"the record ends at {moves[-1:]}, the row says {row.state}": (moves[-1][1] if moves else start.state)
            == row.state,
            f"{len(moves)} moves, {row.version - start.version} versions": row.version - start.version == len(moves),
            f"done: {done}, on record: {[event.action for event in by_people]}": sorted(
                f"campaign.{action}" for action in done
            )
            == sorted(event.action for event in by_people),
            f"{len(lost)} losers, {len(self.events) - len(moved)} refusals on record": len(self.events) - len(moved)
            == len(lost),
            f"{self.closings} closes for {done.count('cancel')} cancels": self.closings == done.count("cancel"),
            f"{self.told} events for {done}": self.told == len(done),
            f"{self.offers} offers on while {row.state}": row.state == "ending"
            or (self.offers > 0) == (row.state == "running"),
            f"{self.checks} checks planned while {row.state}": self.checks
            == (1 + len(timing.post_close_check_delays()) if stopped else 0),
            f"{len({event.actor_id for event in by_people})} people acted": not one_person
            or len({event.actor_id for event in by_people}) <= 1,
        }
        return [words for words, kept in promises.items() if not kept]


def _chained(state: str, moves: Sequence[tuple[str, str]]) -> bool:
    """Whether each move begins where the one before ended: one winner for each."""
    return not moves or (moves[0][0] == state and all(a[1] == b[0] for a, b in pairwise(moves)))
