"""Costs, single-use codes, segments and tests of coupons over the API."""

from __future__ import annotations

from core.scopes import in_store
from coupons import batches
from coupons.models import CouponTally
from listings import jobs
from tests import factories as make
from tests.api.client import ok, problem


def test_costs_and_the_budget(store, owner, nobody):
    with in_store(store.pk):
        make.make_coupon(store, code="SAVE-2")
    told = ok(owner.get("/coupons/SAVE-2/costs"))
    assert (told["cost"], told["budget"], told["margin_share"]) == ("0.00", None, None)
    assert [effect["key"] for effect in told["effects"]] == ["redemption", "conversion", "repurchase", "share"]
    assert (
        ok(owner.post("/coupons/SAVE-2/budget", {"budget": "50.00", "version": told["version"]}))["budget"] == "50.00"
    )
    problem(
        owner.post("/coupons/SAVE-2/budget", {"budget": "60.00", "version": told["version"]}),
        409,
        "ERR_VERSION_CONFLICT",
    )
    problem(owner.post("/coupons/SAVE-2/budget", {"budget": "much"}), 422)
    assert ok(owner.post("/coupons/SAVE-2/budget", {"budget": None}))["budget"] is None
    problem(nobody.get("/coupons/SAVE-2/costs"), 403, "ERR_PERMISSION")


def test_single_use_codes(store, owner):
    with in_store(store.pk):
        coupon = make.make_coupon(store, code="PARCEL", quota=10)
    problem(owner.post("/coupons/PARCEL/batches", {"name": "Many", "size": 11}), 422, "ERR_INVALID")
    made = ok(owner.post("/coupons/PARCEL/batches", {"name": "Parcels", "size": 5}), 202)
    problem(owner.get(f"/coupons/PARCEL/batches/{made['id']}/codes.csv"), 409, "ERR_COUPON_CODES_GONE")
    jobs.run_due()
    assert ok(owner.get(f"/jobs/{made['job']}"))["result"] == {"codes": 5}
    answer = owner.get(f"/coupons/PARCEL/batches/{made['id']}/codes.csv")
    codes = [line.split(",")[0] for line in b"".join(answer.streaming_content).decode("utf-8-sig").split()[1:]]
    assert batches.resolve(store.pk, codes) == dict.fromkeys(codes, coupon.pk)
    assert ok(owner.post(f"/coupons/PARCEL/batches/{made['id']}/seal"))["sealed"]
    problem(owner.get(f"/coupons/PARCEL/batches/{made['id']}/codes.csv"), 409, "ERR_COUPON_CODES_GONE")
    assert ok(owner.post(f"/coupons/PARCEL/batches/{made['id']}/withdraw"))["state"] == "withdrawn"
    (row,) = ok(owner.get("/coupons/PARCEL/batches"))
    assert (row["size"], row["made"], row["used"]) == (5, 5, 0)
    problem(owner.post("/coupons/PARCEL/batches/999999/seal"), 404)


def test_who_may_claim_and_issuing_to_them(store, owner):
    rules = [{"kind": "named", "buyers": ["anna", "ben"]}]
    with in_store(store.pk):
        coupon = make.make_coupon(store, code="VIP", segment={"rules": rules})
        make.make_coupon(store, code="ALL")
    assert ok(owner.get("/coupons/VIP/segment")) == {"rules": ["are: anna, ben"], "buyers": 2}
    assert ok(owner.get("/coupons/ALL/segment")) == {"rules": [], "buyers": None}
    job = ok(owner.post("/coupons/VIP/issue"), 202)["job"]
    jobs.run_due()
    assert ok(owner.get(f"/jobs/{job}"))["result"] == {"claims": 2}
    with in_store(store.pk):
        assert CouponTally.objects.get(coupon=coupon).claimed == 2
    problem(owner.post("/coupons/ALL/issue"), 409, "ERR_COUPON_SEGMENT")


def test_a_test_of_two_coupons(store, owner):
    with in_store(store.pk):
        for code in ("FIVE", "SEVEN"):
            make.make_coupon(store, code=code)
    asked = {"code": "SPRING", "name": "Five or seven", "arms": ["FIVE", "SEVEN"]}
    problem(owner.post("/coupon-tests", {**asked, "arms": ["FIVE"]}), 422)
    problem(owner.post("/coupon-tests", {**asked, "arms": ["FIVE", "NONE"]}), 404)
    test = ok(owner.post("/coupon-tests", asked), 201)
    assert (test["state"], test["enough_data"], test["p_value"]) == ("running", False, None)
    assert [arm["coupon"] for arm in test["arms"]] == ["FIVE", "SEVEN"]
    problem(owner.post("/coupon-tests", {**asked, "code": "AGAIN"}), 409, "ERR_COUPON_TEST")
    assert ok(owner.post("/coupon-tests/SPRING/stop"))["state"] == "stopped"
    assert ok(owner.get("/coupon-tests/spring"))["stopped_at"]
