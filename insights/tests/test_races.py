"""Storefronts that count the same campaigns at the same time: nothing is lost, nothing deadlocks."""

from __future__ import annotations

import random
import threading

import pytest
from django.db import connection
from django.db.models import Sum

from campaigns.tests.conftest import NOON, open_shop
from core import clock
from core.scopes import in_store
from insights.events import take_events
from insights.models import EventCount
from tests import factories as make

CALLERS, CALLS, SPREAD = 6, 4, 40


@pytest.mark.django_db(transaction=True)
def test_callers_who_count_the_same_things_in_any_order_lose_nothing():
    with clock.freeze(NOON):
        shop = open_shop(SPREAD)
        with in_store(shop.store.pk):
            campaigns = [make.make_campaign(shop.store, shop.skus) for _n in range(3)]
        places = [(campaign.code, sku.code) for campaign in campaigns for sku in shop.skus]
        start, failures = threading.Barrier(CALLERS), []

        def caller(seed: int) -> None:
            dice = random.Random(seed)
            try:
                with in_store(shop.store.pk):
                    start.wait()
                    for _call in range(CALLS):
                        dice.shuffle(places_of := list(places))
                        rows = [{"kind": "click", "campaign": code, "sku": sku} for code, sku in places_of]
                        assert take_events(shop.store, rows, actor=shop.owner).accepted == len(rows)
            except Exception as error:
                failures.append(error)
            finally:
                connection.close()

        threads = [threading.Thread(target=caller, args=(seed,)) for seed in range(CALLERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert failures == []
        with in_store(shop.store.pk):
            counted = EventCount.objects.aggregate(rows=Sum("clicks"))["rows"]
            assert counted == CALLERS * CALLS * len(places)
            assert EventCount.objects.count() == len(places)
            assert set(EventCount.objects.values_list("clicks", flat=True)) == {CALLERS * CALLS}
