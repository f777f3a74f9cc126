"""Ten thousand rounds of pause, cancel, expire, resume and take back from one barrier, the same without row locks before it (bench 13)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar
from unittest.mock import patch

from django.test import override_settings

from benchmarks.frame import PAGE, database, publish_text
from campaigns import finding
from campaigns.tests.conftest import open_shop
from core import clock
from tests import racing

T = TypeVar("T")
ROUNDS = 10_000


def run(*, quick: bool = False) -> bool:
    """Race at full size; answers whether every promise held, and the race broke without its locks."""
    rounds = 200 if quick else ROUNDS
    lines: list[str] = []
    good = True
    with database("races"), clock.freeze(racing.NOON):
        shop = open_shop()
        with override_settings(OPERATION_LOCK=0), patch.object(finding, "locked", lambda rows: rows.order_by("id")):
            loose, took = _timed(lambda: racing.race(shop, min(200, rounds), seed=1))
        good &= bool(loose.broken)
        lines.append(_row("row locks off (must break)", loose, took))
        with override_settings(OPERATION_LOCK=0):
            tight, took = _timed(lambda: racing.race(shop, rounds // 2, seed=2))
        good &= not tight.broken
        lines.append(_row("row locks on, operation lock off", tight, took))
        single, took = _timed(lambda: racing.race(shop, rounds - rounds // 2, seed=3, one_person=True))
        good &= not single.broken
        lines.append(_row("both locks on", single, took))
    intro = (
        "Five people (pause twice, cancel, resume, take back) and the sweep from one barrier on one campaign, at the second in which it"
        " ends. After each round the answers are compared with row, record, outbox, reports, offers and planned checks."
    )
    table = [
        "| rounds | locks | broken promises | first winners | losers were told | time |",
        "|---|---|---|---|---|---|",
        *lines,
    ]
    publish_text("Races", [intro, "", *table], keep=not quick and PAGE.exists())
    return good


def _row(locks: str, tally: racing.Tally, took: float) -> str:
    won = ", ".join(f"{name} {number:,}" for name, number in tally.won.most_common())
    told = ", ".join(f"{status} {number:,}×" for status, number in sorted(tally.told.items()))
    row = f"| {tally.rounds:,} | {locks} | **{len(tally.broken):,}** | {won} | {told} | {took:.0f} s |"
    print(row, flush=True)
    return row


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    began = time.perf_counter()
    return work(), time.perf_counter() - began
