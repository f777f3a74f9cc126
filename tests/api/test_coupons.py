"""`/coupons`: create, read, change a draft."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Entity, Store
from core import clock
from core.scopes import in_store
from coupons.models import Refusal
from tests.api.client import Api, problem
from tests.factories import make_coupon, make_listing


@pytest.fixture
def listing(store: Store) -> Any:
    with in_store(store.pk):
        return make_listing(store, ["PC-EAR-040"], price="8.90", cost="1.90")


def body(**changes: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "kind": "spend", "face_value": "2.00", "currency": "USD", "min_order": "15.00", "starts_at": clock.rfc3339(now),
        "ends_at": clock.rfc3339(now + timedelta(days=20)), "quota": 100, "per_buyer": 1, "pool": {"skus": ["PC-EAR-040"]},
        "regions": ["RU"], "logistics": ["standard", "premium"], "first_order_only": True, "stacks_with_platform": False,
        "campaign": None,
    } | changes  # fmt: skip


def test_a_coupon_is_created_active_and_read(owner: Api, listing: Any, store: Store) -> None:
    wanted = body(code="ear-2")
    made = owner.post("/coupons", wanted, key="once")
    assert made.status_code == 201, made.content
    coupon = made.json()
    assert (coupon["code"], coupon["state"], coupon["face_value"], coupon["pool"]["listings"]) == (
        "EAR-2", "active", "2.00", [listing.pk],
    )  # fmt: skip
    assert (coupon["claimed"], coupon["redeemed"], coupon["refused"], coupon["redemption_rate"]) == (0, 0, 0, None)
    assert owner.post("/coupons", wanted, key="once")["Idempotent-Replay"] == "true"
    read = owner.get("/coupons/ear-2").json()
    assert read["pool"] == coupon["pool"]
    listed = owner.get("/coupons?state=active&q=EAR").json()["items"]
    assert [row["code"] for row in listed] == ["EAR-2"]
    assert owner.get("/coupons?state=draft").json()["items"] == []
    taken = problem(owner.post("/coupons", body(code="EAR-2")), 422)
    assert [(error["field"], error["code"]) for error in taken["errors"]] == [("code", "ERR_COUPON_CODE_TAKEN")]


def test_faults_of_shape_and_of_sense_come_back_together(owner: Api, listing: Any) -> None:
    """Every broken rule at once, a validity out of bounds under `ends_at`, the pool's members by their place."""
    now = clock.now()
    wrong = body(
        face_value="5.00", min_order=9.99, starts_at="tomorrow", ends_at=clock.rfc3339(now), per_buyer=2, regions=["Russia"],
        pool={"listings": [True], "skus": ["PC-EAR-040", "NO-SUCH"]}, quota="many", colour="red",
    )  # fmt: skip
    found = problem(owner.post("/coupons", wrong), 422)
    assert {error["field"]: error["code"] for error in found["errors"]} == {
        "colour": "ERR_FIELD_UNKNOWN",
        "min_order": "ERR_TYPE",
        "starts_at": "ERR_TIME_FORMAT",
        "quota": "ERR_TYPE",
        "ends_at": "ERR_WINDOW_PAST",
        "per_buyer": "ERR_COUPON_PER_BUYER",
        "regions.0": "ERR_CHOICE",
        "pool.listings.0": "ERR_LISTING_UNKNOWN",
        "pool.skus.1": "ERR_SKU_UNKNOWN",
        "face_value": "ERR_COUPON_FACE_TOO_HIGH",
    }
    late = problem(owner.post("/coupons", body(ends_at=clock.rfc3339(now + timedelta(days=91)))), 422)
    assert [(error["field"], error["code"]) for error in late["errors"]] == [("ends_at", "ERR_COUPON_VALIDITY")]
    empty = problem(owner.post("/coupons", {}), 422)
    due = {"face_value", "min_order", "starts_at", "ends_at", "quota", "pool"}
    assert {error["field"] for error in empty["errors"] if error["code"] == "ERR_REQUIRED"} == due


def test_a_draft_is_changed_until_it_is_issued(owner: Api, listing: Any) -> None:
    draft = owner.post("/coupons", body(draft=True, logistics=[])).json()
    assert (draft["state"], [warning["code"] for warning in draft["warnings"]]) == (
        "draft", ["WARN_LOGISTICS_OPEN", "WARN_NEW_STORE"],
    )  # fmt: skip
    path = f"/coupons/{draft['code']}"
    changed = owner.patch(path, {"face_value": "1.50", "logistics": ["standard"], "version": draft["version"]}).json()
    assert (changed["face_value"], changed["logistics"], changed["version"]) == ("1.50", ["standard"], 2)
    stale = problem(owner.patch(path, {"quota": 5, "version": 1}), 409, "ERR_VERSION_CONFLICT")
    assert stale["current"]["face_value"] == "1.50"
    issued = owner.post("/coupons", body()).json()
    problem(owner.patch(f"/coupons/{issued['code']}", {"quota": 5}), 409, "ERR_STATE")


def test_a_sole_trader_is_told_why(owner: Api, listing: Any, store: Store) -> None:
    """R178: 409 with the blockers; the store's capabilities say the same."""
    Store.objects.filter(pk=store.pk).update(entity=Entity.SOLE_TRADER)
    refused = problem(owner.post("/coupons", body()), 409, "ERR_COUPON_COMPANY")
    assert [row["code"] for row in refused["blockers"]] == ["ERR_COUPON_COMPANY"]
    capability = next(row for row in owner.get("/store").json()["capabilities"] if row["capability"] == "coupons")
    assert (capability["allowed"], [row["code"] for row in capability["reasons"]]) == (False, ["ERR_COUPON_COMPANY"])


def test_staff_say_what_is_known_of_a_store(staff: Api, owner: Api, listing: Any, store: Store) -> None:
    """R57, R174."""
    path = f"/staff/stores/{store.slug}"
    found = staff.patch(path, {"alipay_level": 1, "positive_rating": "97.5", "official_logistics": True}).json()
    assert (found["alipay_level"], found["positive_rating"], found["official_logistics"]) == (1, "97.50", True)
    problem(owner.post("/coupons", body()), 409, "ERR_COUPON_ALIPAY")
    assert staff.patch(path, {"alipay_level": None}).json()["alipay_level"] is None
    assert owner.post("/coupons", body()).status_code == 201
    problem(staff.patch(path, {"positive_rating": "many"}), 422)


def test_a_list_takes_as_many_queries_for_ten_coupons_as_for_one(owner: Api, listing: Any, store: Store) -> None:
    counts = []
    owner.get("/coupons")
    for more in (1, 9):
        with in_store(store.pk):
            for _one in range(more):
                coupon = make_coupon(store, [listing])
                now = clock.now()
                Refusal.objects.create(
                    store=store,
                    coupon=coupon,
                    phase="claim",
                    code="ERR_COUPON_REGION",
                    hour=now,
                    at=now,
                    last_at=now,
                    times=3,
                )
        with CaptureQueriesContext(connection) as counted:
            items = owner.get("/coupons").json()["items"]
        counts.append(len(counted))
    assert [row["refused"] for row in items] == [3] * 10
    assert counts[0] == counts[1]
