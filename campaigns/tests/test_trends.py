"""The small charts of the dashboard: what ran on which day, by the store's calendar."""

from __future__ import annotations

from datetime import timedelta

import pytest

from campaigns import stopping, sweeps
from campaigns.tests.conftest import NOON, open_shop
from campaigns.trends import last_days
from core import clock
from core.scopes import in_store
from tests import factories as make

pytestmark = pytest.mark.django_db


def test_a_day_counts_what_ran_at_some_moment_of_it(django_assert_num_queries):
    with clock.freeze(NOON) as moving:
        shop = open_shop()
        with in_store(shop.store.pk):
            first = make.make_campaign(shop.store, shop.skus[:1], ends_at=NOON + timedelta(days=5))
            make.make_campaign(shop.store, shop.skus[1:2], ends_at=NOON + timedelta(hours=1))
            moving.move_to(NOON + timedelta(hours=2))
        sweeps.run()
        moving.move_to(NOON + timedelta(days=1))
        with in_store(shop.store.pk):
            stopping.cancel(shop.store, first.code, confirm_code=first.code, actor=shop.owner)
            assert [one.running for one in last_days(shop.store, 2, now=clock.read())] == [2, 1], (
                "held, and counted once"
            )
        moving.move_to(NOON + timedelta(days=1, minutes=11))
        sweeps.run()
        moving.move_to(NOON + timedelta(days=2))
        with in_store(shop.store.pk), django_assert_num_queries(1):
            found = last_days(shop.store, 4, now=clock.read())
    assert [(one.running, one.leftovers) for one in found] == [(0, 0), (2, 0), (1, 0), (0, 0)]


def test_what_ends_at_midnight_did_not_run_on_the_day_that_begins_then():
    with clock.freeze(NOON) as moving:
        shop = open_shop()
        midnight = NOON.replace(hour=16)  # in the store's zone
        with in_store(shop.store.pk):
            make.make_campaign(shop.store, shop.skus, ends_at=midnight)
            moving.move_to(midnight + timedelta(hours=1))
            assert [one.running for one in last_days(shop.store, 2, now=clock.read())] == [1, 0]
        sweeps.run()
        moving.move_to(midnight + timedelta(hours=2))
        sweeps.run()
        with in_store(shop.store.pk):
            assert [one.running for one in last_days(shop.store, 2, now=clock.read())] == [1, 0]
