"""The lowest deal price per SKU, maintained by orders (R23, R181)."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from core import clock
from orders import deals
from orders.editing import patch_order
from orders.models import LowestDeal, Order, OrderLine, OrderState
from orders.recording import LineDraft, OrderDraft, record_orders
from tests.factories import make_skus, serial

NOW = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def moving():
    with clock.freeze(NOW) as hand:
        yield hand


def sell(store, owner, *lines, at=NOW, state="paid", code=""):
    """One order of (SKU, unit price, quantity, order discount) lines."""
    drafts = [
        LineDraft(sku.pk, quantity, Decimal(price), Decimal(price), Decimal(discount))
        for sku, price, quantity, discount in ((*line, 1, "0")[:4] if len(line) < 4 else line for line in lines)
    ]
    code = code or f"D-{serial()}"
    record_orders(store, [OrderDraft(code, at, "USD", drafts, state=state)], actor=owner, now=clock.now())
    return code


def lowest(sku, days=30):
    return deals.lowest([sku.pk], since=clock.now() - timedelta(days=days)).get(sku.pk)


def test_the_lowest_of_the_window_and_the_next_one_when_it_rolls_off(store, owner, moving):
    (sku,) = make_skus(store, 1)
    sell(store, owner, (sku, "30.00"), at=NOW - 29 * DAY)
    sell(store, owner, (sku, "19.00"), at=NOW - 20 * DAY)
    sell(store, owner, (sku, "24.00"), at=NOW - 10 * DAY)
    sell(store, owner, (sku, "27.00"), at=NOW - 1 * DAY)
    assert lowest(sku) == Decimal("19")
    moving.tick(10 * DAY)
    assert lowest(sku) == Decimal("19"), "exactly thirty days old: still inside"
    moving.tick(timedelta(microseconds=1))
    assert lowest(sku) == Decimal("24"), "the day rolls off by itself"
    moving.tick(15 * DAY)
    assert lowest(sku) == Decimal("27")
    moving.tick(10 * DAY)
    assert lowest(sku) is None


def test_the_price_is_after_the_sellers_discounts_and_keeps_the_fraction(store, owner):
    one, two = make_skus(store, 2)
    sell(store, owner, (one, "10.00", 3, "1.00"), (two, "5.00", 2, "0"))
    assert lowest(one) == Decimal("9.666667")
    assert lowest(two) == Decimal("5")


def test_an_order_called_off_is_no_deal_and_what_it_outdid_counts_again(store, owner):
    (sku,) = make_skus(store, 1)
    sell(store, owner, (sku, "22.00"), at=NOW - 5 * DAY)
    sell(store, owner, (sku, "21.00"), at=NOW - 4 * DAY, state="cancelled")
    low = sell(store, owner, (sku, "15.00"), at=NOW - 3 * DAY)
    assert lowest(sku) == Decimal("15")
    assert LowestDeal.objects.filter(sku=sku).count() == 1
    patch_order(store, low, {"state": "cancelled"}, actor=owner)
    assert lowest(sku) == Decimal("22"), "the order that was cancelled from the start never counted"


def test_the_same_order_told_twice_and_old_history_change_nothing(store, owner):
    (sku,) = make_skus(store, 1)
    sell(store, owner, (sku, "22.00"), at=NOW - 5 * DAY, code="TWICE")
    with CaptureQueriesContext(connection) as queries:
        sell(store, owner, (sku, "1.00"), at=NOW - 400 * DAY)
    assert not [query for query in queries if "orders_lowestdeal" in query["sql"]], "history costs nothing"
    sell(store, owner, (sku, "22.00"), at=NOW - 5 * DAY, code="TWICE")
    assert list(LowestDeal.objects.filter(sku=sku).values_list("price", flat=True)) == [Decimal("22")]


def test_one_statement_however_many_orders(store, owner):
    skus = make_skus(store, 20)
    lines = [LineDraft(sku.pk, 1, Decimal(9), Decimal(9)) for sku in skus]
    drafts = [OrderDraft(f"N-{n}", NOW - n * DAY, "USD", lines, state="paid") for n in range(30)]
    with CaptureQueriesContext(connection) as queries:
        record_orders(store, drafts, actor=owner, now=NOW)
    assert len([query for query in queries if "orders_lowestdeal" in query["sql"]]) == 1
    assert LowestDeal.objects.count() == 20, "a later deal as low outdoes the earlier one"


@pytest.mark.parametrize("seed", range(6))
def test_agrees_with_a_scan_of_all_orders_whatever_the_order_of_telling(store, owner, seed, moving):
    dice = random.Random(seed)
    skus = make_skus(store, 3)
    for _ in range(25):
        drafts = [
            OrderDraft(
                f"R-{serial()}",
                clock.now() - timedelta(hours=dice.randrange(0, 24 * 70)),
                "USD",
                [LineDraft(dice.choice(skus).pk, dice.randrange(1, 4), Decimal(99), Decimal(dice.randrange(500, 900)) / 10,
                           Decimal(dice.randrange(0, 9)) / 10) for _line in range(dice.randrange(1, 4))],
                state=dice.choice(["paid", "unpaid", "cancelled"]),
            )
            for _order in range(dice.randrange(1, 6))
        ]  # fmt: skip
        record_orders(store, drafts, actor=owner, now=clock.now())
        if dice.random() < 0.4:
            code = dice.choice(list(Order.objects.exclude(state=OrderState.CANCELLED).values_list("code", flat=True)))
            patch_order(store, code, {"state": "cancelled"}, actor=owner)
        moving.tick(timedelta(hours=dice.randrange(0, 20)))
        for days in (3, 30, 60):
            since = clock.now() - timedelta(days=days)
            assert deals.lowest([sku.pk for sku in skus], since=since) == _scan(skus, since)


def _scan(skus, since):
    found: dict[int, Decimal] = {}
    lines = OrderLine.objects.filter(sku__in=skus, placed_at__gte=since).exclude(order__state="cancelled")
    for line in lines:
        price = round(line.unit_price - line.order_discount / line.quantity, 6)
        found[line.sku_id] = min(price, found.get(line.sku_id, price))
    return found
