"""Stock after orders: called off it comes back; a count that arrives late knows the orders that came after it."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent
from core import clock
from core.scopes import in_store
from listings.models import Listing, ListingState, Sku
from listings.stock import set_stock
from orders.editing import patch_order
from orders.models import Order
from publishing.models import Publication
from publishing.tests.goods import NOON, make_goods
from storefront.checkout import place_order
from tests.factories import actor_for, make_site, make_store, owner_of


@pytest.fixture
def shop(db):
    """A store with one SKU of fifty units, and a clock."""
    store = make_store()
    with clock.freeze(NOON) as frozen, in_store(store.id):
        make_site(store)
        (listing,) = make_goods(store, 1, skus=1)
        yield store, listing.skus.get(), actor_for(owner_of(store)), frozen


def order(shop, code: str, units: int, **more) -> Order:
    store, sku, actor, _ = shop
    line = {"sku": sku.code, "quantity": units, "unit_price": "20.00"}
    return place_order(store, {"order": code, "lines": [line], **more}, actor=actor)


def count(shop, quantity: int, as_of: str) -> int:
    store, sku, actor, _ = shop
    set_stock(store, [{"sku": sku.code, "quantity": quantity, "as_of": f"2026-11-27T{as_of}Z"}], actor=actor)
    return stock(shop)


def stock(shop) -> int:
    return Sku.objects.get(pk=shop[1].pk).stock


@pytest.mark.parametrize(("state", "left"), [("unpaid", 50), ("paid", 50), ("shipped", 47)])
def test_what_is_called_off_before_shipping_comes_back_once(shop, state: str, left: int) -> None:
    store, _, actor, _ = shop
    order(shop, "O-1", 3)
    patch_order(store, "O-1", {"state": state}, actor=actor)
    assert stock(shop) == 47
    patch_order(store, "O-1", {"state": "cancelled"}, actor=actor)
    patch_order(store, "O-1", {"state": "cancelled"}, actor=actor)
    assert stock(shop) == left
    told = AuditEvent.objects.filter(action="order.edit").latest("id")
    assert told.after.get("stock_returned", 0) == left - 47


def test_history_and_what_is_being_taken_off_sale_get_nothing_back(shop) -> None:
    store, sku, actor, _ = shop
    order(shop, "O-OLD", 3, placed_at="2026-11-01T12:00:00Z")
    patch_order(store, "O-OLD", {"state": "cancelled"}, actor=actor)
    assert stock(shop) == 50
    order(shop, "O-1", 3)
    Listing.objects.update(state=ListingState.DELISTING)
    Sku.objects.update(stock=0)
    patch_order(store, "O-1", {"state": "cancelled"}, actor=actor)
    assert (stock(shop), Order.objects.get(code="O-1").stock_returned_at) == (0, None)


def test_what_can_be_had_again_is_wanted_on_the_sites(shop) -> None:
    store, _, actor, _ = shop
    order(shop, "O-1", 50)
    wanted = Publication.objects.get().desired_version
    patch_order(store, "O-1", {"state": "cancelled"}, actor=actor)
    assert Publication.objects.get().desired_version == wanted + 1


def test_a_count_of_before_an_order_takes_it_off_whenever_it_arrives(shop) -> None:
    frozen = shop[3]
    assert count(shop, 40, "11:55:00") == 40  # arrives before the order
    order(shop, "O-1", 3)  # placed at noon
    assert stock(shop) == 37
    frozen.tick(60)
    assert count(shop, 40, "11:59:00") == 37  # counted before the order, arrives after it
    assert count(shop, 40, "11:59:00") == 37  # and again
    assert count(shop, 37, "12:00:30") == 37  # counted after the order: it knows
    assert count(shop, 2, "12:00:30") == 2


def test_a_count_of_before_a_calling_off_puts_it_back_whenever_it_arrives(shop) -> None:
    store, _, actor, frozen = shop
    order(shop, "O-1", 3)
    frozen.tick(60)
    patch_order(store, "O-1", {"state": "cancelled"}, actor=actor)  # at 12:01
    frozen.tick(60)
    assert count(shop, 40, "11:59:00") == 40  # of before the order: both came after it
    assert count(shop, 37, "12:00:30") == 40  # between the two: the units of the order were set aside
    assert count(shop, 40, "12:01:30") == 40  # after both


def test_a_count_below_what_was_sold_since_leaves_nothing(shop) -> None:
    order(shop, "O-1", 3)
    shop[3].tick(60)
    assert count(shop, 1, "11:59:00") == 0


def test_an_order_whose_clock_is_ahead_counts_from_when_we_heard_of_it(shop) -> None:
    order(shop, "O-1", 3, placed_at="2026-11-27T12:04:00Z")
    shop[3].tick(60)
    assert count(shop, 47, "12:00:30") == 47


def test_late_counts_ask_once_for_all(shop, django_assert_num_queries) -> None:
    store, _, actor, frozen = shop
    more = [listing.skus.get() for listing in make_goods(store, 3, skus=1)]
    frozen.tick(60)
    rows = [{"sku": sku.code, "quantity": 50, "as_of": "2026-11-27T12:00:30Z"} for sku in more]
    with django_assert_num_queries(9):
        set_stock(store, rows[:1], actor=actor)
    with django_assert_num_queries(9):
        set_stock(store, rows, actor=actor)
