"""Quotes and orders over the API: what a storefront and an ERP do with them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from accounts.models import Store
from core import clock
from core.clock import FrozenClock
from core.scopes import in_store
from listings.models import Sku
from tests.api.client import Api, member_api, new_key, ok, problem
from tests.factories import make_member, make_skus


@pytest.fixture
def time(db: None) -> Iterator[FrozenClock]:
    with clock.freeze(datetime(2026, 11, 27, 12, tzinfo=UTC)) as frozen:
        yield frozen


@pytest.fixture
def skus(store: Store, time: FrozenClock) -> list[Sku]:
    with in_store(store.pk):
        return make_skus(store, 2, price="20.00", stock=10)


@pytest.fixture
def shop(store: Store) -> Api:
    """A storefront's token: it may check out and nothing else."""
    return member_api(store, make_member(store, rights=["checkout.use"]))


@pytest.fixture
def promoted(owner: Api, skus: list[Sku]) -> str:
    body = {
        "kind": "limited_time_discount",
        "name": "Clear-out",
        "starts_at": "2026-11-27T11:00:00Z",
        "ends_at": "2026-11-28T12:00:00Z",
        "items": [{"sku": skus[0].code, "price": "15.00"}],
    }
    code: str = ok(owner.post("/campaigns", body), 201)["code"]
    ok(owner.post(f"/campaigns/{code}/submit"))
    return code


def basket(skus: list[Sku], **extra: Any) -> dict[str, Any]:
    lines = [{"sku": skus[0].code, "quantity": 2}, {"sku": skus[1].code, "quantity": 1}]
    return {"buyer": "b-1", "country": "PL", "logistics": "standard", "lines": lines, "coupons": []} | extra


def test_quote_then_order_keeps_its_terms(shop: Api, owner: Api, skus: list[Sku], promoted: str) -> None:
    quote = ok(shop.post("/quotes", basket(skus)), 201)
    assert quote["expires_at"] == "2026-11-27T12:15:00Z"
    assert (quote["subtotal"], quote["discount"], quote["total"]) == ("50.00", "0.00", "50.00")
    first, second = quote["lines"]
    assert (first["list_price"], first["unit_price"], first["campaign"]) == ("20.00", "15.00", promoted)
    assert (second["unit_price"], second["campaign"]) == ("20.00", None)
    ok(owner.post(f"/campaigns/{promoted}/pause", {"reason": "season"}))
    asked = {"order": "SO-1", "quote": quote["quote"]}
    order = ok(shop.post("/orders", asked), 201)
    assert (order["order"], order["state"], order["dispute"], order["placed_at"]) == (
        "SO-1",
        "unpaid",
        "none",
        "2026-11-27T12:00:00Z",
    )
    assert order["snapshot"]["total"] == "50.00"
    moved = ok(owner.patch("/orders/SO-1", {"state": "shipped", "fulfilment_number": "LP-9", "dispute": "open"}))
    assert (moved["state"], moved["fulfilment_number"], moved["dispute"]) == ("shipped", "LP-9", "open")
    assert moved["snapshot"] == order["snapshot"]
    assert ok(owner.get("/orders/SO-1")) == moved
    problem(owner.patch("/orders/SO-1", {"state": "unpaid"}), 409, "ERR_ORDER_STATE")
    problem(owner.patch("/orders/SO-1", {"snapshot": {}}), 422)
    stale = problem(owner.patch("/orders/SO-1", {"state": "completed", "version": 1}), 409, "ERR_VERSION_CONFLICT")
    assert stale["current"]["order"] == "SO-1"


def test_an_order_is_placed_once(shop: Api, skus: list[Sku]) -> None:
    quote = ok(shop.post("/quotes", basket(skus)), 201)["quote"]
    key = new_key()
    first = ok(shop.post("/orders", {"order": "SO-1", "quote": quote}, key=key), 201)
    assert ok(shop.post("/orders", {"order": "SO-1", "quote": quote}, key=key), 201) == first
    assert ok(shop.post("/orders", {"order": "SO-1", "quote": quote}), 201) == first
    problem(shop.post("/orders", {"order": "SO-2", "quote": quote}), 409, "ERR_QUOTE_USED")


def test_history_with_explicit_prices(shop: Api, skus: list[Sku]) -> None:
    lines = [{"sku": skus[0].code, "quantity": 1, "unit_price": "12.34"}]
    past = ok(shop.post("/orders", {"order": "OLD", "placed_at": "2026-11-01T00:00:00Z", "lines": lines}), 201)
    assert (past["total"], past["placed_at"]) == ("12.34", "2026-11-01T00:00:00Z")
    problem(shop.post("/orders", {"order": "SOON", "placed_at": "2026-11-27T12:06:00Z", "lines": lines}), 422)
    ok(shop.post("/orders", {"order": "NOW", "placed_at": "2026-11-27T12:04:59Z", "lines": lines}), 201)
    problem(shop.post("/orders", {"order": "OLD", "lines": lines * 2}), 409, "ERR_ORDER_FROZEN")


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"lines": []}, "lines"),
        ({"lines": [{"sku": "NO-SUCH", "quantity": 1}]}, "lines.0.sku"),
        ({"lines": [{"sku": "A", "quantity": 0}]}, "lines.0.quantity"),
        ({"lines": [{"sku": "A", "quantity": 1, "unit_price": "1.00"}]}, "lines.0.unit_price"),
        ({"country": "Poland"}, "country"),
        ({"currency": "USD"}, "currency"),
        ({"coupons": "X"}, "coupons"),
    ],
)
def test_bad_baskets_are_422(shop: Api, skus: list[Sku], change: dict[str, Any], field: str) -> None:
    found = problem(shop.post("/quotes", basket(skus, **change)), 422)
    assert field in {item["field"] for item in found["errors"]}


def test_rights_and_stores_are_apart(shop: Api, owner: Api, stranger: Api, nobody: Api, skus: list[Sku]) -> None:
    problem(nobody.post("/quotes", basket(skus)), 403, "ERR_PERMISSION")
    problem(stranger.post("/quotes", basket(skus)), 422)
    quote = ok(shop.post("/quotes", basket(skus)), 201)["quote"]
    problem(stranger.post("/orders", {"order": "SO-1", "quote": quote}), 422, "ERR_INVALID")
    ok(shop.post("/orders", {"order": "SO-1", "quote": quote}), 201)
    problem(shop.get("/orders/SO-1"), 403)
    problem(stranger.get("/orders/SO-1"), 404)
    problem(stranger.patch("/orders/SO-1", {"state": "paid"}), 404)


def test_expired_quotes_are_409(shop: Api, skus: list[Sku], time: FrozenClock) -> None:
    quote = ok(shop.post("/quotes", basket(skus)), 201)["quote"]
    time.tick(901)
    problem(shop.post("/orders", {"order": "SO-1", "quote": quote}), 409, "ERR_QUOTE_EXPIRED")
