"""Two at once: writers of the same goods wait for each other, never for ever, and nothing happens twice."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
from django.db import connection, transaction

from accounts.models import Store
from audit.actors import system
from core.errors import InvalidInput
from core.scopes import in_store
from listings.catalogue_import import Request, import_catalogue
from listings.drafts import ListingData, SkuData
from listings.editing import create_listing, edit_listing
from listings.models import Brand, Listing, Sku
from listings.prices import set_prices
from listings.stock import set_stock
from listings.tabular import inspect
from orders.models import Order, OrderLine
from orders.recording import LineDraft, OrderDraft, Recorded, record_orders
from policies.rules import ImportRules
from tests.factories import make_listing, make_skus, make_store

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = system("test")
ROUNDS = 6


def at_once(store: Store, *acts: Callable[[], object]) -> list[Exception]:
    """Run the acts in threads that start together; answers what they raised."""
    gate = threading.Barrier(len(acts))
    raised: list[Exception] = []

    def run(act: Callable[[], object]) -> None:
        try:
            with in_store(store.pk):
                gate.wait(timeout=30)
                act()
        except Exception as error:
            raised.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)
    assert not any(thread.is_alive() for thread in threads)
    return raised


def test_prices_edits_and_stock_in_opposite_orders_do_not_deadlock() -> None:
    store = make_store()
    with in_store(store.pk):
        listings = [make_listing(store, [f"A-{n}", f"B-{n}"]) for n in range(20)]
    codes = [f"{letter}-{n}" for n in range(20) for letter in "AB"]
    for turn in range(ROUNDS):
        up = [{"sku": code, "sale_price": f"{turn + 1}.10"} for code in codes]
        down = [{"sku": code, "sale_price": f"{turn + 1}.20"} for code in reversed(codes)]
        counted = [{"sku": code, "quantity": turn} for code in reversed(codes)]
        first, last = listings[0].pk, listings[-1].pk
        raised = at_once(
            store,
            partial(set_prices, store, up, actor=ACTOR),
            partial(set_prices, store, down, actor=ACTOR),
            partial(set_stock, store, counted, actor=ACTOR),
            partial(edit_listing, store, last, {"title": "x", "skus": [{"sku": "B-19", "stock": 9}]}, actor=ACTOR),
            partial(edit_listing, store, first, {"skus": [{"sku": "A-0", "sale_price": "9.99"}]}, actor=ACTOR),
        )
        assert raised == []


def test_one_of_two_makes_the_sku_and_both_share_the_brand() -> None:
    store = make_store()
    for turn in range(ROUNDS):
        data = ListingData(title="Dress", category="home", brand=f"Brand {turn}", skus=[SkuData(f"A-{turn}", "5.00")])
        raised = at_once(store, *(partial(create_listing, store, data, actor=ACTOR),) * 3)
        assert [type(error) for error in raised] == [InvalidInput, InvalidInput]
        assert {error.errors[0].code for error in raised if isinstance(error, InvalidInput)} == {"ERR_SKU_TAKEN"}
    with in_store(store.pk):
        assert (Listing.objects.count(), Sku.objects.count(), Brand.objects.count()) == (ROUNDS, ROUNDS, ROUNDS)


def test_a_file_waits_for_whoever_makes_its_goods_in_the_opposite_order_and_looks_again(tmp_path: Path) -> None:
    store, held = make_store(), threading.Event()
    (tmp_path / "goods").write_text("sku,title,sale_price\nN-2,Thing,5.00\nN-1,Thing,5.00\n")
    request = Request(inspect(tmp_path / "goods", ImportRules()), category="home")

    def make(code: str) -> None:
        create_listing(store, ListingData(title="Thing", category="home", skus=[SkuData(code, "1.00")]), actor=ACTOR)

    def by_hand() -> None:
        with transaction.atomic():
            make("N-1")
            held.set()
            for _ in range(1000):
                with connection.cursor() as cursor:
                    cursor.execute("SELECT pg_sleep(0.01), count(*) FROM pg_locks WHERE NOT granted")
                    if cursor.fetchone()[1]:
                        break
            make("N-2")

    def by_file() -> None:
        held.wait(timeout=30)
        assert import_catalogue(store, request, actor=ACTOR).done["updated"] == 2

    assert at_once(store, by_hand, by_file) == []
    with in_store(store.pk):
        assert set(Sku.objects.values_list("code", "sale_price")) == {("N-1", Decimal(5)), ("N-2", Decimal(5))}


def test_an_order_told_by_several_at_once_is_recorded_once() -> None:
    store = make_store()
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    with in_store(store.pk):
        sku = make_skus(store, 1)[0]
    answers: list[Recorded] = []

    def tell(drafts: list[OrderDraft]) -> None:
        answers.append(record_orders(store, drafts, actor=ACTOR, now=now))

    for turn in range(ROUNDS):
        lines = [LineDraft(sku.pk, 2, Decimal("5.00"), Decimal("4.00"))]
        drafts = [OrderDraft(f"{turn}-{n}", now, "USD", lines) for n in range(25)]
        raised = at_once(store, *(partial(tell, order) for order in (drafts, drafts[::-1], drafts)))
        assert raised == []
    with in_store(store.pk):
        assert (Order.objects.count(), OrderLine.objects.count()) == (25 * ROUNDS, 25 * ROUNDS)
    assert sum(len(answer.created) for answer in answers) == 25 * ROUNDS
    assert not any(answer.conflicting for answer in answers)
