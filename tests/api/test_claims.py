"""Claims over the API: what a storefront sees of a coupon, from the claim to the order."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Store
from core import clock
from core.clock import FrozenClock
from core.scopes import in_store
from coupons.models import Claim, Coupon, Refusal
from listings.models import Sku
from tests.api.client import Api, member_api, new_key, ok, problem
from tests.factories import make_coupon, make_member, make_skus, make_store


@pytest.fixture
def time(db: None) -> Iterator[FrozenClock]:
    with clock.freeze(datetime(2026, 11, 27, 12, tzinfo=UTC)) as frozen:
        yield frozen


@pytest.fixture
def sku(store: Store, time: FrozenClock) -> Sku:
    with in_store(store.pk):
        return make_skus(store, 1, price="20.00", stock=10)[0]


@pytest.fixture
def coupon(store: Store, sku: Sku) -> Coupon:
    with in_store(store.pk):
        return make_coupon(store, [sku.listing], code="RU-ONLY-3", face_value="3.00", regions=["RU"])


@pytest.fixture
def shop(store: Store) -> Api:
    """A storefront's token: it may check out and nothing else."""
    return member_api(store, make_member(store, rights=["checkout.use"]))


CLAIMS = "/coupons/RU-ONLY-3/claims"


def test_from_the_claim_to_the_order(shop: Api, coupon: Coupon, sku: Sku) -> None:
    body = {"buyer": "b-1", "country": "RU", "ip": "203.0.113.7", "channel": "push"}
    made = ok(shop.post(CLAIMS, body), 201)
    assert made["expires_at"] == clock.rfc3339(coupon.ends_at)
    asked = {
        "buyer": "b-1",
        "country": "RU",
        "site": "ru",
        "lines": [{"sku": sku.code, "quantity": 1}],
        "coupons": ["RU-ONLY-3"],
    }
    quote = ok(shop.post("/quotes", asked), 201)
    assert quote["coupons"] == [{"code": "RU-ONLY-3", "applied": True, "amount": "3.00", "refusal": None}]
    order = ok(shop.post("/orders", {"order": "A-1", "quote": quote["quote"]}), 201)
    assert (order["discount"], order["total"]) == ("3.00", "17.00")
    assert order["snapshot"]["coupons"][0]["claim"] == made["claim"]


def test_a_refusal_is_a_problem_with_the_coupons_code_and_stays_on_record(
    shop: Api, store: Store, coupon: Coupon
) -> None:
    refused = problem(shop.post(CLAIMS, {"buyer": "b-1", "country": "PL"}), 409, "ERR_COUPON_REGION")
    assert refused["coupon"] == "RU-ONLY-3"
    assert "RU" in refused["detail"]
    with in_store(store.pk):
        assert Refusal.objects.get().code == "ERR_COUPON_REGION"
        assert not Claim.objects.exists()
    ok(shop.post(CLAIMS, {"buyer": "b-1", "country": "RU"}), 201)
    problem(shop.post(CLAIMS, {"buyer": "b-1", "country": "RU"}), 409, "ERR_COUPON_LIMIT")


def test_the_same_key_claims_once(shop: Api, store: Store, coupon: Coupon) -> None:
    key = new_key()
    body = {"buyer": "b-1", "country": "RU"}
    first = ok(shop.post(CLAIMS, body, key=key), 201)
    assert ok(shop.post(CLAIMS, body, key=key), 201) == first
    with in_store(store.pk):
        assert Claim.objects.count() == 1


def test_stock_that_a_system_tells_must_keep_coming(
    shop: Api, owner: Api, coupon: Coupon, sku: Sku, time: FrozenClock
) -> None:
    count = {"stock": [{"sku": sku.code, "quantity": 9}]}
    ok(owner.post("/stock", count))
    time.tick(timedelta(minutes=18))
    ok(shop.post(CLAIMS, {"buyer": "b-1", "country": "RU"}), 201)
    time.tick(1)
    problem(shop.post(CLAIMS, {"buyer": "b-2", "country": "RU"}), 409, "ERR_STOCK_SYNC_FAIL")
    ok(owner.post("/stock", count))
    ok(shop.post(CLAIMS, {"buyer": "b-2", "country": "RU"}), 201)


def test_bad_bodies_and_unknown_coupons(shop: Api, coupon: Coupon) -> None:
    problem(shop.post("/coupons/NO-SUCH/claims", {"buyer": "b-1"}), 404)
    problem(shop.post(CLAIMS, {"buyer": "b-1", "ip": "here"}), 422)
    problem(shop.post(CLAIMS, {"buyer": "b-1", "shoe": 1}), 422)
    other = make_store()
    with in_store(other.pk):
        make_coupon(other, [], code="THEIRS")
    problem(shop.post("/coupons/THEIRS/claims", {"buyer": "b-1"}), 404)
