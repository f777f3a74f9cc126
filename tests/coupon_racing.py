"""Buyers who come at once, with proof of what became of every coupon (bench 15, 16).

A round lets sixty-four clients loose on one coupon from one barrier; then the answers are compared with the claims, the counters and the
refusals. With `unlocked` the same function of the database runs without its lock, and without the constraint behind it: that must break.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from functools import partial
from importlib import import_module

from django.db import connection

from accounts.models import Store
from audit.actors import Actor
from core import clock
from core.errors import DomainError
from core.scopes import in_store
from coupons import claiming
from coupons.models import Claim, Coupon, CouponTally, Refusal
from storefront import checkout, quoting
from tests import factories as make
from tests.racing import Runners

CLIENTS = 64
ALONE = import_module("coupons.migrations.0007_claiming").TAKE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
_CHECK = "ALTER TABLE coupons_coupontally {} CONSTRAINT coupon_never_over_quota"


@dataclass(frozen=True)
class Contest:
    """So many clients, of so many buyers, for a coupon with this quota: how many claims there must be, and what the others are told."""

    name: str
    quota: int
    buyers: int
    granted: int
    told: str


CONTESTS = (
    Contest("limit 1", 1, CLIENTS, 1, "ERR_COUPON_EXHAUSTED"),
    Contest("limit 50", 50, CLIENTS, 50, "ERR_COUPON_EXHAUSTED"),
    Contest("one per buyer", CLIENTS, 8, 8, "ERR_COUPON_LIMIT"),
)


@dataclass
class Tally:
    """What came of some rounds: promises that were broken, and claims given beyond the limit."""

    rounds: int = 0
    broken: list[str] = field(default_factory=list)
    over: int = 0


@contextmanager
def unlocked() -> Iterator[None]:
    """The function that takes a claim, without the lock on the counters; and without the constraint that would still hold the quota."""
    with connection.cursor() as cursor:
        cursor.execute(_CHECK.format("DROP"))
        cursor.execute(ALONE.replace(" FOR NO KEY UPDATE", ""))
        try:
            yield
        finally:
            cursor.execute(ALONE)
            cursor.execute("UPDATE coupons_coupontally SET claimed = least(claimed, quota)")
            cursor.execute(_CHECK.format("ADD") + " CHECK (claimed <= quota)")


def claims(store: Store, actor: Actor, contest: Contest, rounds: int, *, until_broken: bool = False) -> Tally:
    """Race for a coupon in each round."""
    tally = Tally()
    with in_store(store.pk):
        listing = make.make_listing(store, stock=1_000_000)
    runners = Runners(CLIENTS)
    try:
        while tally.rounds < rounds and not (until_broken and tally.over):
            with in_store(store.pk):
                coupon = make.make_coupon(store, [listing], quota=contest.quota)
            answers: list[str] = []
            runners.race([
                partial(_claim, store, actor, coupon.code, f"buyer {n % contest.buyers}", answers) for n in range(CLIENTS)
            ])  # fmt: skip
            with in_store(store.pk):
                _prove(coupon, contest, answers, tally)
            tally.rounds += 1
    finally:
        runners.stop()
    return tally


def _claim(store: Store, actor: Actor, code: str, buyer: str, answers: list[str]) -> None:
    with in_store(store.pk):
        try:
            claiming.claim(store, code, {"buyer": buyer}, actor=actor)
            answers.append("granted")
        except DomainError as refused:
            answers.append(refused.code)


def _prove(coupon: Coupon, contest: Contest, answers: Sequence[str], tally: Tally) -> None:
    rows = list(Claim.objects.filter(coupon=coupon).values_list("buyer", flat=True))
    counted = CouponTally.objects.get(coupon=coupon).claimed
    told = Counter(answers)
    refused = sum(Refusal.objects.filter(coupon=coupon).values_list("times", flat=True))
    tally.over += max(0, len(rows) - contest.granted)
    promises = {
        f"{len(rows)} claims": len(rows) == contest.granted,
        f"{counted} counted of {len(rows)}": counted == len(rows),
        f"a buyer has two of {len(rows)}": len(set(rows)) == len(rows),
        f"told {told}": told == {"granted": contest.granted, contest.told: CLIENTS - contest.granted},
        f"{refused} refusals on record": refused == CLIENTS - len(rows),
    }
    tally.broken += [f"{contest.name}: {words}" for words, kept in promises.items() if not kept]


def orders(store: Store, actor: Actor, rounds: int, *, clients: int = 16) -> Tally:
    """Race to redeem one buyer's one claim with many orders, each by a quote of its own."""
    tally = Tally()
    with in_store(store.pk):
        (sku,) = make.make_skus(store, 1, price="20.00", stock=1_000_000)
    runners = Runners(clients)
    try:
        for turn in range(rounds):
            answers: list[str] = []
            with in_store(store.pk):
                coupon = make.make_coupon(store, [sku.listing], ends_at=clock.now() + timedelta(days=9))
                claiming.claim(store, coupon.code, {"buyer": "anna"}, actor=actor)
                asked = {"buyer": "anna", "lines": [{"sku": sku.code, "quantity": 1}], "coupons": [coupon.code]}
                quotes = [quoting.make_quote(store, asked, actor=actor).code for _ in range(clients)]
            runners.race(
                [partial(_order, store, actor, f"R{turn}-{n}", quote, answers) for n, quote in enumerate(quotes)]
            )
            with in_store(store.pk):
                used = CouponTally.objects.get(coupon=coupon)
            told = Counter(answers) == {"placed": 1, "ERR_COUPON_LIMIT": clients - 1}
            if not told or used.redeemed != 1 or used.spent != Decimal(2):
                tally.broken.append(f"redeem: {Counter(answers)}, {used.redeemed} counted, {used.spent} spent")
                tally.over += max(0, answers.count("placed") - 1)
            tally.rounds += 1
    finally:
        runners.stop()
    return tally


def _order(store: Store, actor: Actor, code: str, quote: str, answers: list[str]) -> None:
    with in_store(store.pk):
        try:
            checkout.place_order(store, {"order": code, "quote": quote}, actor=actor)
            answers.append("placed")
        except DomainError as refused:
            answers.append(refused.code)
