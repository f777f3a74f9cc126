"""创建新券: what a coupon may be, all faults at once, and what becomes of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_scopes import scope

from accounts.models import AccountState, Entity, Kyc, Store
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, InvalidInput, PermissionRefused, VersionConflict
from coupons import creating, goods, issuing, margins
from coupons.inputs import CouponInput, PoolInput
from coupons.models import Coupon, CouponTally, Evidence, PoolCategory, Reservation
from coupons.pool import Pool
from listings.models import Brand, Category, Listing, Management, Sku
from policies import active
from policies.rules import CouponRules
from tests.factories import actor_for, make_listing, make_member, make_skus, make_store, owner_of

pytestmark = pytest.mark.django_db


@pytest.fixture
def store() -> Any:
    found = make_store()
    Store.objects.filter(pk=found.pk).update(opened_at=clock.now() - timedelta(days=400))
    found.refresh_from_db()
    with scope(store=found.pk):
        yield found


def wanted(*listings: Listing, **changes: Any) -> CouponInput:
    now = clock.now()
    data = CouponInput(
        kind="spend", face_value="2.00", min_order="10.00", currency="USD", starts_at=now, ends_at=now + timedelta(days=20),
        quota=100, pool=PoolInput(listings=[one.pk for one in listings]),
    )  # fmt: skip
    return replace(data, **changes)


def create(store: Store, data: CouponInput, **extra: Any) -> Any:
    return creating.create(store, data, actor=actor_for(owner_of(store)), **extra)


def faults(store: Store, data: CouponInput) -> dict[str, str]:
    with pytest.raises(InvalidInput) as caught:
        create(store, data)
    return {error.field: error.code for error in caught.value.errors}


def test_a_coupon_is_issued_at_once_with_its_counters_its_pool_and_its_stock(store: Store) -> None:
    """R57: effective at once; R55: one for each buyer; R59: stock held back; R75: worry-free logistics by default; R189."""
    listing = make_listing(store, ["A-1"], stock=30)
    coupon = create(store, wanted(listing, quota=20, budget="50.00")).coupon
    assert (coupon.state, coupon.per_buyer, coupon.logistics) == ("active", 1, ["standard", "premium"])
    assert len(coupon.code) == 10
    assert set(coupon.code) <= set("0123456789ABCDEFGHJKMNPQRSTVWXYZ")
    assert (coupon.name, coupon.name_zh) == ("Spend $10.00, save $2.00", "满US$10.00减US$2.00")
    tally = CouponTally.objects.get(coupon=coupon)
    assert (tally.quota, tally.budget) == (20, Decimal("50.00"))
    assert Reservation.objects.get(coupon=coupon).units == 20
    entry = AuditEvent.objects.get(action="coupon.create")
    assert (entry.object_id, entry.right, entry.after["state"]) == (coupon.code, "coupons.manage", "active")


def test_every_fault_comes_back_at_once(store: Store) -> None:
    """R54–R56: the wrong forms of the glossary, all in one answer, each under its field."""
    listing = make_listing(store, ["PC-EAR-040"], price="8.90")
    now = clock.now()
    data = wanted(
        listing, face_value="5.00", min_order="9.99", ends_at=now + timedelta(days=91), per_buyer=2, quota=0, regions=["RU", "XX"],
        logistics=["pigeon"], code="a!", stacks_until=now,
    )  # fmt: skip
    assert faults(store, data) == {
        "code": "ERR_COUPON_CODE",
        "face_value": "ERR_COUPON_FACE_TOO_HIGH",
        "min_order": "ERR_COUPON_FLOOR",
        "ends_at": "ERR_COUPON_VALIDITY",
        "quota": "ERR_RANGE",
        "per_buyer": "ERR_COUPON_PER_BUYER",
        "regions.1": "ERR_CHOICE",
        "logistics.0": "ERR_CHOICE",
        "stacks_until": "ERR_COUPON_STACKING",
    }
    assert not Coupon.objects.exists()


@pytest.mark.parametrize(
    ("days", "allowed"), [
        (timedelta(days=1), True),
        (timedelta(days=90), True),
        (timedelta(hours=23), False),
        (timedelta(days=90, seconds=1), False),
    ],
)  # fmt: skip
def test_validity_is_one_to_ninety_days(store: Store, days: timedelta, allowed: bool) -> None:
    data = wanted(make_listing(store))
    assert data.starts_at is not None
    data = replace(data, ends_at=data.starts_at + days)
    if allowed:
        assert create(store, data).coupon.state == "active"
    else:
        assert faults(store, data) == {"ends_at": "ERR_COUPON_VALIDITY"}


def test_the_face_value_is_at_most_half_of_any_item_and_the_item_is_named(store: Store) -> None:
    """R56: exactly half passes; a cent more is refused, by the cheapest item of the pool; goods off the shelf do not count."""
    dear, cheap = make_listing(store, ["DEAR-1"], price="24.90"), make_listing(store, ["CHEAP-1"], price="8.00")
    make_listing(store, ["GONE-1"], price="1.00", state="delisted", category="toys")
    assert create(store, wanted(dear, cheap, face_value="4.00")).coupon.pk
    with pytest.raises(InvalidInput) as caught:
        create(store, wanted(dear, cheap, face_value="4.01"))
    [error] = caught.value.errors
    assert error.field == "face_value"
    assert "CHEAP-1" in str(error.message)
    assert "50.1%" in str(error.message)


def test_amounts_that_are_swapped_are_noticed(store: Store) -> None:
    assert faults(store, wanted(make_listing(store, price="90.00"), face_value="30.00", min_order="15.00")) == {
        "face_value": "ERR_COUPON_FACE_VALUE"
    }


def test_a_no_threshold_coupon_has_the_floor_and_a_brake(store: Store) -> None:
    """R182: labelled with its floor; a large one is typed twice, and confirmed anew when a draft's face value changes."""
    listing = make_listing(store, price="40.00")
    data = wanted(listing, kind="no_threshold", min_order=None, face_value="6.00", name="Six off")
    assert faults(store, data) == {"confirm_face_value": "ERR_CONFIRM_FACE_VALUE"}
    assert faults(store, replace(data, confirm_face_value="60")) == {"confirm_face_value": "ERR_CONFIRM_FACE_VALUE"}
    assert faults(store, replace(data, min_order="12.00", confirm_face_value="6")) == {"min_order": "ERR_COUPON_FLOOR"}
    coupon = create(store, replace(data, confirm_face_value="6.00"), draft=True).coupon
    assert coupon.min_order == Decimal("10.00")
    owner = actor_for(owner_of(store))
    with pytest.raises(InvalidInput):
        creating.edit(store, coupon.code, {"face_value": "9.00"}, actor=owner)
    saved = creating.edit(store, coupon.code, {"quota": 7}, actor=owner)
    assert (saved.coupon.quota, saved.coupon.tally.quota) == (7, 7)


def test_fully_managed_goods_are_refused_and_left_out_of_categories(store: Store) -> None:
    """R127: named ones are refused; in a category they are left out, and a pool of nothing else is refused."""
    own = make_listing(store, ["OWN-1"], category="toys")
    managed = make_listing(store, ["KB-1"], category="toys", management=Management.FULLY_MANAGED)
    make_listing(store, ["KB-2"], category="shoes", management=Management.FULLY_MANAGED)
    named = faults(store, wanted(own, managed, pool=PoolInput(listings=[own.pk, managed.pk], skus=["KB-2", "NONE"])))
    assert named == {
        "pool.listings.1": "ERR_FULLY_MANAGED",
        "pool.skus.0": "ERR_FULLY_MANAGED",
        "pool.skus.1": "ERR_SKU_UNKNOWN",
    }
    assert faults(store, wanted(pool=PoolInput(categories=["shoes"]))) == {"pool": "ERR_FULLY_MANAGED"}
    assert faults(store, wanted(pool=PoolInput(categories=["bags", "nowhere"]))) == {
        "pool.categories.1": "ERR_CATEGORY_UNKNOWN"
    }
    assert faults(store, wanted(pool=PoolInput(categories=["bags"]))) == {"pool": "ERR_COUPON_POOL_EMPTY"}
    assert faults(store, wanted(pool=PoolInput())) == {"pool": "ERR_REQUIRED"}
    saved = create(store, wanted(pool=PoolInput(categories=["toys"])))
    assert [warning.code for warning in saved.warnings] == ["WARN_FULLY_MANAGED"]
    assert PoolCategory.objects.get(coupon=saved.coupon).category.code == "toys"


def test_another_stores_goods_are_unknown(store: Store) -> None:
    other = make_store()
    with scope(store=[store.pk, other.pk]):
        theirs = make_listing(other, ["THEIRS-1"])
        Brand.objects.create(store=other, name="Theirs")
    data = wanted(pool=PoolInput(listings=[theirs.pk, "x"], skus=["THEIRS-1"], brands=["Theirs"]))
    assert faults(store, data) == {
        "pool.listings.0": "ERR_LISTING_UNKNOWN",
        "pool.listings.1": "ERR_LISTING_UNKNOWN",
        "pool.skus.0": "ERR_SKU_UNKNOWN",
        "pool.brands.0": "ERR_BRAND_UNKNOWN",
    }


def test_two_materials_gate_and_the_rest_advises(store: Store) -> None:
    """R57, R178: company with KYC, Alipay+ of level 2; R175: a young store is only advised."""
    data = wanted(make_listing(store))
    for changes, codes in (
        ({"entity": Entity.SOLE_TRADER}, ["ERR_COUPON_COMPANY"]),
        ({"kyc": Kyc.PENDING}, ["ERR_KYC", "ERR_COUPON_ALIPAY"]),
        ({"account_state": AccountState.FROZEN}, ["ERR_ACCOUNT_STATE"]),
    ):
        for name, value in changes.items():
            setattr(store, name, value)
        with pytest.raises(Conflict) as caught:
            create(store, data)
        assert [row["code"] for row in caught.value.extra["blockers"]] == codes
        store.refresh_from_db()
    evidence = Evidence.objects.create(store=store, alipay_level=1)
    with pytest.raises(Conflict) as caught:
        create(store, data)
    assert caught.value.code == "ERR_COUPON_ALIPAY"
    evidence.delete()
    store.opened_at = clock.now() - timedelta(days=18)
    assert [warning.code for warning in create(store, data).warnings] == ["WARN_NEW_STORE"]


def test_rights_and_the_caps_of_a_loan_hold(store: Store) -> None:
    """R132: the right, at most so many listings, at most so deep."""
    data = wanted(make_listing(store, price="10.00"), make_listing(store, price="40.00"))
    nobody = make_member(store, rights=["coupons.view"])
    with pytest.raises(PermissionRefused):
        creating.create(store, data, actor=actor_for(nobody))
    each: tuple[tuple[dict[str, Any], str], ...] = (
        ({"max_listings": 1}, "max_listings"),
        ({"max_percent_off": 19}, "max_percent_off"),
    )
    for caps, cap in each:
        lent = make_member(store, rights=["coupons.manage"], **caps)
        with pytest.raises(Conflict) as caught:
            creating.create(store, data, actor=actor_for(lent))
        assert (caught.value.code, caught.value.extra["cap"]) == ("ERR_GRANT_CAP", cap)
    lent = make_member(store, rights=["coupons.manage"], max_listings=2, max_percent_off=20)
    assert creating.create(store, data, actor=actor_for(lent)).coupon.state == "active"


def test_drafts_are_edited_deleted_and_started_after_everything_was_asked_again(store: Store) -> None:
    listing, owner = make_listing(store, ["X-1"], price="8.00"), actor_for(owner_of(store))
    coupon = create(store, wanted(listing, face_value="4.00", code="spring-4"), draft=True).coupon
    assert (coupon.code, coupon.state) == ("SPRING-4", "draft")
    assert not Reservation.objects.exists()
    with pytest.raises(VersionConflict):
        creating.edit(store, "spring-4", {"quota": 5}, version=9, actor=owner)
    edited = creating.edit(
        store, "SPRING-4", {"code": "SPRING-5", "pool": PoolInput(categories=["home"])}, version=1, actor=owner
    )
    assert (edited.coupon.code, edited.coupon.version) == ("SPRING-5", 2)
    assert faults(store, wanted(listing, code="Spring-5")) == {"code": "ERR_COUPON_CODE_TAKEN"}
    Sku.objects.update(sale_price=Decimal("7.99"))
    with pytest.raises(InvalidInput) as caught:
        issuing.ensure_may_start(store, edited.coupon, actor=owner, now=clock.now())
    assert caught.value.errors[0].code == "ERR_COUPON_FACE_TOO_HIGH"
    creating.delete_draft(store, "SPRING-5", actor=owner)
    assert not Coupon.objects.exists()
    assert not CouponTally.objects.exists()
    issued = create(store, wanted(listing)).coupon
    for act in (
        lambda: creating.delete_draft(store, issued.code, actor=owner),
        lambda: creating.edit(store, issued.code, {}, actor=owner),
    ):
        with pytest.raises(Conflict) as refused:
            act()
        assert refused.value.code == "ERR_STATE"


def test_low_margin_goods_and_open_logistics_warn_with_the_sum(store: Store) -> None:
    """R82, R185: advice for the product, not its category; R76: margin 8.40 − face 5.00 − freight 4.20 = −0.80."""
    cable = make_listing(store, ["RL-CBL-001-1M"], price="3.99", cost="2.70", category="phones")
    power = make_listing(store, ["RL-PWR-020"], price="19.90", cost="9.90", category="phones")
    low = create(store, wanted(cable, power, face_value="1.00")).warnings
    assert [(one.code, one.count, one.skus) for one in low] == [("WARN_LOW_MARGIN", 1, ("RL-CBL-001-1M",))]
    coat = make_listing(store, ["COAT-1"], price="20.40", cost="12.00")
    [warning] = create(store, wanted(coat, face_value="5.00", min_order="20.00", logistics=[])).warnings
    assert warning.code == "WARN_LOGISTICS_OPEN"
    assert "Margin 8.40 − face value 5.00 − freight 4.20 = −0.80." in str(warning.message)


def test_freight_inversion_of_the_source() -> None:
    """R76: a coupon of US$5 and ePacket at US$4.20 lose US$0.80 of a margin of US$8.40."""
    sums = margins.Sums(order=Decimal("20.40"), cost=Decimal("12.00"), face=Decimal("5.00"), freight=Decimal("4.20"))
    assert sums.gross == Decimal("8.40")
    assert sums.after_freight == Decimal("-0.80")
    assert [line.tone for line in margins.verdicts(sums, CouponRules())] == ["cancel", "cancel", "cancel"]
    kind = margins.Sums(order=Decimal(30), cost=Decimal(12), face=Decimal(5), click=Decimal("0.28"))
    assert kind.coupon_share is not None
    assert round(kind.coupon_share, 2) == Decimal("29.33")
    assert round(kind.net_percent, 2) == Decimal("50.88")
    assert [line.tone for line in margins.verdicts(kind, CouponRules())] == ["run", "run", "run"]


@pytest.mark.parametrize(("face", "tone"), [("1.99", "paused"), ("2.00", "run"), ("3.00", "run"), ("3.01", "paused")])
def test_the_best_band_is_eight_to_twelve_percent(face: str, tone: str) -> None:
    """R63."""
    assert margins.band(Decimal(face), Decimal(25), CouponRules()).tone == tone


def test_a_large_pool_is_measured_in_one_query_that_uses_the_indexes(store: Store) -> None:
    """R56: one query whatever the pool holds; creating a coupon over it takes as many queries as over one listing."""
    make_skus(store, 3000, prefix="BIG", category="toys", stock=3)
    cheap = make_listing(store, ["SMALL-1"], price="3.99", category="toys")
    rules, pool = active(CouponRules, clock.now()), Pool(categories=(Category.objects.get(code="toys").pk,))
    with CaptureQueriesContext(
        connection,
    ) as counted:
        found = goods.measure(store, pool, "USD", rules, face=Decimal("2.00"), quota=2)
    assert len(counted) == 1
    assert (found.skus, found.listings, found.too_cheap, found.some_cheapest[0]) == (3001, 3001, 1, "SMALL-1")
    assert (found.in_stock, found.in_stock_after) == (3001, 3001)
    counts = []
    for data in (wanted(make_listing(store)), wanted(pool=PoolInput(categories=["toys"]), face_value="1.99")):
        with CaptureQueriesContext(connection) as counted:
            create(store, data, draft=True)
        counts.append(len(counted))
    assert abs(counts[0] - counts[1]) <= 1
    assert cheap.pk
