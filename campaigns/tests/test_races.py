"""Pause, cancel, expire, resume and take back raced against each other: one winner each, no effect twice.

The same race is run without row locks first: it must break there, or it would prove nothing. `python -m benchmarks races` runs ten thousand
rounds; `RACE_ROUNDS` makes this one longer.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from django.test import override_settings

from campaigns import finding
from campaigns.tests.conftest import Shop, open_shop
from core import clock
from tests.racing import NOON, race

ROUNDS = int(os.environ.get("RACE_ROUNDS", "40"))


@pytest.fixture
def shop(transactional_db: None) -> Iterator[Shop]:
    with clock.freeze(NOON):
        yield open_shop()


@override_settings(OPERATION_LOCK=0)
def test_without_row_locks_the_race_breaks(shop, monkeypatch):
    monkeypatch.setattr(finding, "locked", lambda rows: rows.order_by("id"))
    assert race(shop, 40, seed=1).broken, "the race must be able to break something"


@override_settings(OPERATION_LOCK=0)
def test_with_row_locks_everybody_waits_for_the_winner(shop):
    tally = race(shop, ROUNDS, seed=2)
    assert tally.broken == []
    assert set(tally.told) == {409}, "nobody is told that the campaign is locked when the operation lock is off"
    assert {"pause", "cancel"} <= set(tally.won)


def test_with_the_operation_lock_one_person_wins(shop):
    tally = race(shop, max(10, ROUNDS // 2), seed=3, one_person=True)
    assert tally.broken == []
    assert tally.told[423] > tally.told[409]
