"""A/B tests: an arm is fixed for a buyer, results count the arm's own buyers, significance against a published example."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from accounts.models import Store
from core import clock
from core.errors import Conflict, InvalidInput, NotFound
from core.scopes import in_store
from coupons import arms, batches, claiming, creating, redeeming
from coupons.arms import Arm
from coupons.inputs import CouponInput
from coupons.models import Claim, Coupon, CouponTally, CouponTest
from policies.rules import ReachRules
from tests import factories as make

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def store(db: None) -> Iterator[Store]:
    found = make.make_store()
    with clock.freeze(NOON), in_store(found.pk):
        yield found


@pytest.fixture
def test(store: Store) -> CouponTest:
    pair = (make.make_coupon(store, code="FACE-5").code, make.make_coupon(store, code="FACE-7").code)
    return arms.start(
        store, "spring", name="Five or seven", arms=pair, share=30, actor=make.actor_for(make.owner_of(store))
    )


def test_an_arm_is_fixed_and_shared_out_as_asked(store: Store, test: CouponTest, django_assert_num_queries):
    buyers = [f"buyer-{n}" for n in range(4000)]
    second = [buyer for buyer in buyers if arms.arm_of(test, buyer) == "b"]
    assert 0.27 < len(second) / len(buyers) < 0.33
    assert arms.resolve(store.pk, ["NONE"], "anna") == {}  # plans the statement of this connection
    with django_assert_num_queries(1):
        assert arms.resolve(store.pk, ["SPRING", "OTHER"], second[0]) == {"SPRING": test.arm_b_id}
    assert arms.resolve(store.pk, ["SPRING"], next(b for b in buyers if b not in second)) == {"SPRING": test.arm_a_id}
    assert arms.resolve(make.make_store().pk, ["SPRING"], second[0]) == {}
    other = arms.start(
        store, "autumn", name="Again", share=30, actor=make.actor_for(make.owner_of(store)),
        arms=(make.make_coupon(store).code, make.make_coupon(store).code),
    )  # fmt: skip
    moved = sum(arms.arm_of(other, buyer) != arms.arm_of(test, buyer) for buyer in buyers)
    assert moved > 1000  # each test draws anew


def test_a_claim_with_the_tests_code_gives_the_buyer_his_arm(store: Store):
    owner, sku = make.actor_for(make.owner_of(store)), make.make_skus(store, 1)[0]
    pair = (make.make_coupon(store, [sku.listing]).code, make.make_coupon(store, [sku.listing]).code)
    test = arms.start(store, "SPRING", name="T", arms=pair, actor=owner)
    for n in range(6):
        claim = claiming.claim(store, "spring", {"buyer": f"buyer-{n}"}, actor=owner)
        assert claim.coupon_id == (test.arm_b_id if arms.arm_of(test, f"buyer-{n}") == "b" else test.arm_a_id)
    arms.stop(store, "SPRING", actor=owner)
    with pytest.raises(NotFound):
        claiming.claim(store, "SPRING", {"buyer": "late"}, actor=owner)
    held = redeeming.enter(store, "buyer-0", ["spring"]).held
    assert held == [Claim.objects.get(buyer="buyer-0").coupon_id], "who claimed with the code uses it by it"
    assert not redeeming.enter(store, "late", ["spring"]).held


def test_results_count_the_arms_own_buyers_since_the_start_in_one_query(
    store: Store, test: CouponTest, django_assert_num_queries
):
    sku = make.make_skus(store, 1)[0]
    found = {"a": [0, 0], "b": [0, 0]}
    for n in range(40):
        buyer = f"käufer-{n}"
        mine = arms.arm_of(test, buyer)
        coupon = test.arm_b if mine == "b" else test.arm_a
        order = make.make_order(store, [sku], buyer=buyer).code if n % 4 == 0 else ""
        used = (
            {"state": "redeemed", "redeemed_at": NOON, "order_code": order, "amount": coupon.face_value}
            if order
            else {}
        )
        Claim.objects.create(store=store, coupon=coupon, code=f"K-{n}", buyer=buyer, claimed_at=NOON, **used)
        found[mine][0] += 1
        found[mine][1] += bool(order)
    stray = next(f"x{n}" for n in range(99) if arms.arm_of(test, f"x{n}") == "a")
    Claim.objects.create(store=store, coupon=test.arm_b, code="K-STRAY", buyer=stray, claimed_at=NOON)
    Claim.objects.create(store=store, coupon=test.arm_a, code="K-EARLY", buyer=stray, claimed_at=NOON - HOUR)
    with django_assert_num_queries(1):
        result = arms.compare(test, now=NOON)
    assert [[arm.claims, arm.redeemed] for arm in result.arms] == [found["a"], found["b"]]
    assert result.arms[0].cost == 2 * found["a"][1]
    assert result.arms[0].sales == sku.sale_price * found["a"][1]
    assert not result.enough


def arm(letter: str, claims: int, redeemed: int) -> Arm:
    return Arm(letter, Coupon(code=letter), claims, redeemed)


def test_significance_is_that_of_the_pooled_two_proportion_test():
    """Newcombe (1998) compares 56/70 with 48/80; z by hand: (0.8 − 0.6) / sqrt(104/150 · 46/150 · (1/70 + 1/80)) = 2.6505, p = 0.00804."""
    rules = ReachRules(test_min_claims=50)
    found = arms.judge(arm("A", 80, 48), arm("B", 70, 56), rules)
    assert found.enough
    assert found.p == pytest.approx(0.00804, abs=2e-5)
    assert found.significant
    assert found.better is found.arms[1]
    assert (found.low, found.high, found.confidence) == (Decimal("5.8"), Decimal("34.2"), Decimal(95))
    strict = arms.judge(
        arm("A", 80, 48), arm("B", 70, 56), ReachRules(test_min_claims=50, test_significance=Decimal("0.005"))
    )
    assert (strict.significant, strict.low, strict.confidence) == (False, Decimal("-0.4"), Decimal("99.5"))
    same = arms.judge(arm("A", 100, 50), arm("B", 100, 53), rules)
    assert same.enough
    assert not same.significant
    assert same.better is None


def test_little_data_is_said_to_be_little(store: Store):
    rules = ReachRules()
    few = arms.judge(arm("A", 100, 90), arm("B", 40, 1), rules)
    assert (few.enough, few.missing, few.p) == (False, 60, None)
    none_redeemed = arms.judge(arm("A", 500, 0), arm("B", 500, 4), rules)
    assert (none_redeemed.enough, none_redeemed.missing) == (False, 0)
    all_redeemed = arms.judge(arm("A", 500, 500), arm("B", 500, 500), rules)
    assert not all_redeemed.enough


def test_what_cannot_be_tested_is_refused(store: Store, test: CouponTest):
    owner = make.actor_for(make.owner_of(store))
    free, paused = make.make_coupon(store, code="FREE-1"), make.make_coupon(store, state="paused")
    start = {"name": "T", "actor": owner}
    with pytest.raises(InvalidInput):
        arms.start(store, "FREE-1", arms=(free.code, test.arm_a.code), **start)
    with pytest.raises(InvalidInput, match="ERR_COUPON_CODE"):
        arms.start(store, "-T-", arms=(free.code, make.make_coupon(store).code), **start)
    with pytest.raises(InvalidInput):
        arms.start(store, "T-ONE", arms=(free.code, free.code), **start)
    for wrong in ({"share": 0}, {"share": 100}, {"name": ""}):
        with pytest.raises(InvalidInput):
            arms.start(store, "T-TWO", arms=(free.code, make.make_coupon(store).code), **{**start, **wrong})
    with pytest.raises(NotFound):
        arms.start(store, "T-TRI", arms=(free.code, "NOTHING"), **start)
    for other in (paused.code, test.arm_a.code):
        with pytest.raises(Conflict):
            arms.start(store, "T-FOUR", arms=(free.code, other), **start)
    with pytest.raises(Conflict, match="ERR_COUPON_TEST"):
        batches.make(store, test.arm_a.code, name="Flyers", size=5, actor=owner)
    with pytest.raises(InvalidInput, match="ERR_COUPON_CODE_TAKEN"):
        creating.create(store, CouponInput(code=test.code), actor=owner)
    arms.stop(store, test.code, actor=owner)
    assert arms.resolve(store.pk, [test.code], "anna") == {}
    with pytest.raises(Conflict):
        arms.stop(store, test.code, actor=owner)


def test_a_test_is_started_seen_and_stopped_on_the_coupons_pages(store: Store, client):
    client.force_login(make.owner_of(store))
    coupon = make.make_coupon(store)
    places = {"store": store.slug, "code": coupon.code}
    assert "no other coupon" in client.get(reverse("coupons:test", kwargs=places)).content.decode()
    other = make.make_coupon(store)
    asked = {"other": other.code, "name": "Two faces", "code": "faces", "share": "50"}
    assert client.post(reverse("coupons:test", kwargs=places), {**asked, "share": "0"}).status_code == 422
    assert client.post(reverse("coupons:test", kwargs=places), asked).status_code == 302
    text = client.get(reverse("coupons:detail", kwargs={**places, "code": other.code})).content.decode()
    assert "Two faces" in text
    assert "Not enough data yet" in text
    assert client.get(reverse("coupons:test_stop", kwargs=places)).status_code == 200
    assert client.post(reverse("coupons:test_stop", kwargs=places)).status_code == 302
    assert CouponTest.objects.get(code="FACES").state == "stopped"
    assert CouponTally.objects.get(coupon=coupon).claimed == 0
