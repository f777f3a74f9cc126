"""Coupons: claims a second on one hot coupon against bare psycopg, quotes against django-oscar, and a hundred rounds of the races.

Clients are processes of their own, started together; floor and ours run in turn.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

import psycopg
from django.db import connection, connections
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from audit.actors import Actor
from benchmarks.frame import PAGE, Line, database, peak_memory, publish, publish_text, reset_peak
from benchmarks.peers import peer_database, peer_python
from core import clock
from core.codes import new_code
from core.scopes import in_store
from coupons import claiming
from coupons.models import Coupon, CouponTally, PoolListing
from storefront import quoting
from tests import coupon_racing as racing
from tests import factories as make

CLIENTS, EACH, ROUNDS = 8, 250, 5
GOODS, OFFERS, PER_OFFER, ENTERED = 300, 1_000, 3, 20
#: Claims a second of at least 60 % of the floor's: at most so many times its time. A quote in at most a fiftieth of the peer's time.
CLAIMS_GOAL, QUOTE_GOAL = 1 / 0.6, 1 / 50
Work = Callable[[int], None]


def run(*, quick: bool) -> bool:
    """Measure and print; answers whether every goal was met."""
    with database("claims"):
        claims = _claims(quick)
        raced, text = _races(3 if quick else 100)
    with database("quotes"), peer_database() as peer, _serving(peer, quick) as (ask, tell):
        quotes = _quotes(ask, tell, quick)
    each = 20 if quick else EACH
    intro = (
        f"{CLIENTS} clients, processes of their own, on one coupon, {each} claims each a turn, commits durable. “Floor”: bare psycopg,"
        " the same insert and the same counter in one transaction. Ours: the verb, with right, limits, stock, disputes and window."
    )
    publish("Claims on one hot coupon", claims, intro, keep=not quick)
    publish(
        "Quotes against a peer",
        quotes,
        f"A quote against {OFFERS:,} active campaigns and {OFFERS:,} coupons, {ENTERED} of them entered, against “floor”: django-oscar 4.2"
        f" applying {OFFERS if not quick else 50:,} offers to a basket of the same lines; {GOODS} products, {PER_OFFER} in an offer.",
        keep=not quick,
    )
    publish_text("Races for coupons", text, keep=not quick and PAGE.exists())
    met = all(line.ratio <= CLAIMS_GOAL for line in claims[:1]) and all(line.ratio <= QUOTE_GOAL for line in quotes)
    return met and raced and len({line.queries for line in quotes}) == 1


# -- claims ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Hot:
    """One coupon that everybody wants."""

    store: Store
    actor: Actor
    coupon: Coupon
    each: int


def _claims(quick: bool) -> list[Line]:
    each, rounds = (20, 2) if quick else (EACH, ROUNDS)
    store = make.make_store()
    actor = make.actor_for(make.make_member(store, rights=["checkout.use"]))
    with in_store(store.pk):
        listing = make.make_listing(store, stock=1_000_000)

        def fresh() -> _Hot:
            return _Hot(store, actor, make.make_coupon(store, [listing], quota=1_000_000), each)

        lines = []
        for name, ours in (("a claim", _ours), ("a claim with its address", _ours_with_address)):
            times: dict[str, list[float]] = {"floor": [], "ours": []}
            for turn in range(rounds):
                for side in ("floor", "ours") if turn % 2 == 0 else ("ours", "floor"):
                    hot = fresh()
                    took = _together(hot, _floor if side == "floor" else ours)
                    if CouponTally.objects.get(coupon=hot.coupon).claimed != CLIENTS * each:
                        raise AssertionError("claims are missing")
                    times[side].append(took / (CLIENTS * each))
            code, now = fresh().coupon.code, clock.read()
            claiming.claim(
                store, code, {"buyer": "one"}, actor=actor, now=now
            )  # plans its statement on this connection
            with CaptureQueriesContext(connection) as captured:
                claiming.claim(store, code, {"buyer": "two"}, actor=actor, now=now)
            lines.append(_line(name, times, len(captured)))
    return lines


def _line(name: str, times: dict[str, list[float]], queries: int) -> Line:
    floor, ours = statistics.median(times["floor"]), statistics.median(times["ours"])
    ratio = statistics.median(one / other for one, other in zip(times["ours"], times["floor"], strict=True))
    note = f"{1 / ours:,.0f} claims a second against {1 / floor:,.0f}: {100 / ratio:.0f} %"
    return Line(name, floor, ours, ratio, queries, peak_memory(), f"≤ {CLAIMS_GOAL:.2f}", note)


def _together(hot: _Hot, work: Callable[[_Hot], Work]) -> float:
    """Seconds until all clients, started together, have done theirs."""
    context = multiprocessing.get_context("fork")
    gate = context.Barrier(CLIENTS + 1)
    connections.close_all()
    clients = [context.Process(target=_client, args=(hot, work, gate, number)) for number in range(CLIENTS)]
    for client in clients:
        client.start()
    gate.wait()
    began = time.perf_counter()
    gate.wait()
    took = time.perf_counter() - began
    for client in clients:
        client.join()
        if client.exitcode:
            raise AssertionError("a client failed")
    return took


def _client(hot: _Hot, work: Callable[[_Hot], Work], gate: Any, number: int) -> None:
    with in_store(hot.store.pk):
        act = work(hot)
        gate.wait()
        for turn in range(hot.each):
            act(number * hot.each + turn)
        gate.wait()
    connections.close_all()


def _floor(hot: _Hot) -> Work:
    """The insert and the counter, and nothing else."""
    given = connection.settings_dict
    raw = psycopg.connect(
        host=given["HOST"], port=given["PORT"] or None, user=given["USER"], password=given["PASSWORD"] or None, dbname=given["NAME"]
    )  # fmt: skip
    now = clock.read()

    def act(number: int) -> None:
        with raw.transaction():
            raw.execute(
                "UPDATE coupons_coupontally SET claimed = claimed + 1 WHERE coupon_id = %s AND claimed < quota", [hot.coupon.pk]
            )  # fmt: skip
            raw.execute(
                "INSERT INTO coupons_claim (store_id, coupon_id, code, buyer, country, channel, state, claimed_at, order_code, void_reason)"
                " VALUES (%s, %s, %s, %s, 'RU', '', 'claimed', %s, '', '')",
                [hot.store.pk, hot.coupon.pk, new_code("K", 12), f"buyer {number}", now],
            )

    return act


def _ours(hot: _Hot) -> Work:
    """The verb; the moment of the request is known before it is called."""
    now = clock.read()
    return lambda number: _claimed(hot, {"buyer": f"buyer {number}", "country": "RU"}, now)


def _ours_with_address(hot: _Hot) -> Work:
    """The verb with an address, which is one row more."""
    now = clock.read()
    return lambda number: _claimed(
        hot, {"buyer": f"buyer {number}", "country": "RU", "ip": f"10.{number >> 8 & 255}.{number & 255}.7"}, now
    )


def _claimed(hot: _Hot, data: dict[str, str], now: Any) -> None:
    claiming.claim(hot.store, hot.coupon.code, data, actor=hot.actor, now=now)


def _races(rounds: int) -> tuple[bool, list[str]]:
    store = make.make_store()
    actor = make.actor_for(make.owner_of(store))
    with clock.freeze(clock.read()):
        with racing.unlocked():
            loose = racing.claims(store, actor, racing.CONTESTS[0], 20, until_broken=True)
        results = [(contest.name, racing.claims(store, actor, contest, rounds)) for contest in racing.CONTESTS]
        results.append(("one claim, sixteen orders", racing.orders(store, actor, rounds)))
    text = [
        f"{racing.CLIENTS} clients from one barrier on one coupon; after each round answers, claims, counters and refusals are compared.",
        "",
        "| contest | rounds | broken promises | given too many |",
        "|---|---|---|---|",
        f"| limit 1, lock off (must break) | {loose.rounds} | **{len(loose.broken)}** | {loose.over} |",
        *(f"| {name} | {tally.rounds} | **{len(tally.broken)}** | {tally.over} |" for name, tally in results),
    ]
    return bool(loose.over) and not any(tally.broken for _name, tally in results), text


# -- quotes ------------------------------------------------------------------------------------------------------------------


def _quotes(ask: IO[str], tell: IO[str], quick: bool) -> list[Line]:
    tell.readline()
    store = make.make_store()
    actor = make.actor_for(make.owner_of(store))
    lines = []
    with in_store(store.pk):
        skus, codes = _shop(store, actor)
        for size in (5, 20):
            body = {
                "buyer": "anna", "country": "RU", "logistics": "standard", "coupons": codes,
                "lines": [{"sku": sku.code, "quantity": 1} for sku in skus[:size]],
            }  # fmt: skip
            quoting.make_quote(store, body, actor=actor)
            reset_peak()
            floor, ours, theirs = [], [], 0
            for _ in range(1 if quick else 3):
                ask.write(f"{size}\n")
                ask.flush()
                found = json.loads(tell.readline())
                floor.append(found["seconds"])
                theirs = found["queries"]
                mine = []
                for _again in range(10):
                    began = time.perf_counter()
                    quoting.make_quote(store, body, actor=actor)
                    mine.append(time.perf_counter() - began)
                ours.append(statistics.median(mine))
            with CaptureQueriesContext(connection) as captured:
                quoting.make_quote(store, body, actor=actor)
            ratio = statistics.median(one / other for one, other in zip(ours, floor, strict=True))
            lines.append(
                Line(
                    f"a quote of {size} lines", statistics.median(floor), statistics.median(ours), ratio, len(captured), peak_memory(),
                    f"≤ {QUOTE_GOAL:.3f}", f"1/{1 / ratio:,.0f} of the peer's time; {theirs:,} queries there",
                )
            )  # fmt: skip
    return lines


def _shop(store: Store, actor: Actor) -> tuple[list[Any], list[str]]:
    """Products, campaigns that run, coupons that are issued; the buyer holds as many as he enters."""
    now = clock.read()
    skus = make.make_skus(store, GOODS, price="20.00", stock=10_000)
    chosen = [[skus[(n * PER_OFFER + step) % GOODS] for step in range(PER_OFFER)] for n in range(OFFERS)]
    for n, mine in enumerate(chosen):
        make.make_campaign(store, mine, price=f"{18 - n % 40 / 100:.2f}")
    coupons = Coupon.objects.bulk_create(
        Coupon(
            store=store, code=f"BENCH-{n}", name="Bench", kind="spend", face_value=2, currency="USD", min_order=10, quota=100,
            starts_at=now - timedelta(days=1), ends_at=now + timedelta(days=9), state="active", activated_at=now,
        )
        for n in range(OFFERS)
    )  # fmt: skip
    CouponTally.objects.bulk_create(CouponTally(coupon=one, store=store, quota=100) for one in coupons)
    PoolListing.objects.bulk_create(
        PoolListing(store=store, coupon=coupon, listing_id=sku.listing_id)
        for coupon, mine in zip(coupons, chosen, strict=True)
        for sku in mine
    )
    codes = [coupon.code for coupon in coupons[:ENTERED]]
    for code in codes:
        claiming.claim(store, code, {"buyer": "anna"}, actor=actor)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return skus, codes


@contextmanager
def _serving(peer: dict[str, Any], quick: bool) -> Iterator[tuple[IO[str], IO[str]]]:
    """The peer's process: where to ask it, and where it answers."""
    words = [str(GOODS), str(50 if quick else OFFERS), str(PER_OFFER)]
    process = subprocess.Popen(
        [peer_python(), Path(__file__).with_name("oscar_basket.py"), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={name: value for name, value in os.environ.items() if not name.startswith(("DJANGO_", "BACKOFFICE_"))}
        | {"PEER_DATABASE": json.dumps(peer)},
    )
    assert process.stdin
    assert process.stdout
    try:
        yield process.stdin, process.stdout
    finally:
        process.stdin.close()
        process.wait(60)
        process.stdout.close()
