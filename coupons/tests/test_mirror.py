"""The refusal mirror: the smallest single change, whom it lets in, what they cost; and the draft that it opens."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from core import clock
from core.errors import InvalidInput
from core.scopes import in_store
from coupons import facts, mirror, mirror_drafts
from coupons.judging import ChannelFacts, SiteFacts
from coupons.mirror import Change
from coupons.models import Coupon, PoolCategory, PoolListing
from listings.models import Sku
from publishing.models import Site
from tests import factories as make
from tests.coupon_rows import make_claims, make_refusal

pytestmark = pytest.mark.django_db
NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
DAY = timedelta(days=1)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store; the clock stands at noon."""
    with clock.freeze(NOON):
        store = make.make_store()
        make.decorate(store)
        with in_store(store.pk):
            yield store


def _options(coupon: Coupon, code: str) -> list[tuple[Any, ...]]:
    groups = mirror.groups_of([Coupon.objects.select_related("tally").get(pk=coupon.pk)], now=NOON + 30 * DAY)
    group = next(one for one in groups[coupon.pk] if one.code == code)
    return [(one.change.field, one.change.value, one.buyers, one.expected) for one in group.options]


def test_a_region_is_added_by_country_the_largest_first(store: Store) -> None:
    coupon = make.make_coupon(store, regions=["RU"], face_value="3.00", quota=500)
    make_claims(coupon, 100, redeemed=20)
    for n, country in enumerate(["PL", "PL", "PL", "BY", ""]):
        make_refusal(coupon, facts.RegionFacts(regions=("RU",)), buyer=f"b-{n}", country=country, times=n + 1)
    make_refusal(coupon, facts.RegionFacts(regions=("RU",)), buyer="b-0", country="PL", at=NOON - 2 * DAY)
    make_refusal(coupon, facts.RegionFacts(regions=("RU",), also=("ERR_COUPON_DISPUTES",)), buyer="b-9", country="PL")
    coupon.created_at = NOON - 9 * DAY
    Coupon.objects.filter(pk=coupon.pk).update(created_at=NOON - 9 * DAY)
    assert _options(coupon, "ERR_COUPON_REGION") == [
        ("regions", ["RU", "PL"], 3, Decimal("1.8")),  # 3.00 x 3 buyers x 20 of 100 redeemed
        ("regions", ["RU", "BY"], 1, Decimal("0.6")),
    ]


def test_the_minimum_order_is_lowered_in_round_steps_and_never_below_the_floor(store: Store) -> None:
    coupon = make.make_coupon(store, min_order="20.00", face_value="2.00")
    for n, eligible in enumerate(["19.99", "18.70", "18.50", "15.20", "11.00", "9.99", "0"]):
        told = facts.MinOrderFacts(eligible=Decimal(eligible), min_order=Decimal(20))
        make_refusal(coupon, told, buyer=f"b-{n}", phase="order")
    assert _options(coupon, "ERR_COUPON_MIN_ORDER") == [
        ("min_order", "18.50", 3, Decimal(6)),
        ("min_order", "11.00", 5, Decimal(10)),
    ]


def test_a_basket_outside_the_pool_names_the_listing_that_would_do(store: Store) -> None:
    listing, other = make.make_listing(store), make.make_listing(store)
    coupon = make.make_coupon(store, [listing], min_order="20.00")
    for n, outside in enumerate([{other.pk: Decimal(25)}, {other.pk: Decimal(20)}, {other.pk: Decimal(5)}]):
        told = facts.MinOrderFacts(eligible=Decimal(0), min_order=Decimal(20), outside=outside)
        make_refusal(coupon, told, buyer=f"b-{n}", phase="quote")
    assert _options(coupon, "ERR_COUPON_MIN_ORDER") == [("listings", [other.pk], 2, Decimal(4))]


def test_a_site_of_the_store_is_added(store: Store) -> None:
    Site.objects.create(store=store, code="de", language="de", currency="USD")
    coupon = make.make_coupon(store, sites=["en"], face_value="2.00")
    for n, site in enumerate(["de", "de", "nowhere"]):
        make_refusal(coupon, SiteFacts(sites=("en",), site=site), buyer=f"s-{n}", phase="quote")
    assert _options(coupon, "ERR_COUPON_SITE") == [("sites", ["en", "de"], 2, Decimal(4))]
    assert mirror_drafts.read_change("sites", '["en", "de"]').value == ["en", "de"]


def test_quota_budget_logistics_and_first_order(store: Store) -> None:
    coupon = make.make_coupon(store, quota=10, budget=Decimal(50), logistics=["standard"], first_order_only=True)
    for n in range(3):
        make_refusal(coupon, facts.ExhaustedFacts(limit="quota", quota=10), buyer=f"q-{n}")
        make_refusal(
            coupon, facts.LogisticsFacts(logistics="premium", allowed=("standard",)), buyer=f"l-{n}", phase="order"
        )
        make_refusal(coupon, facts.FirstOrderFacts(orders=1), buyer=f"f-{n}", phase="quote")
    make_refusal(coupon, facts.LogisticsFacts(logistics="epacket", allowed=("standard",)), buyer="l-9", phase="order")
    make_refusal(coupon, ChannelFacts(channels=("push",)), buyer="c-1", phase="quote", channel="email")
    needed = facts.ExhaustedFacts(limit="budget", budget=Decimal(50), left=Decimal(1), needed=Decimal(2))
    make_refusal(coupon, needed, buyer="m-1", phase="order")
    assert _options(coupon, "ERR_COUPON_EXHAUSTED") == [("quota", "13", 3, None), ("budget", "52.00", 1, Decimal(2))]
    assert _options(coupon, "ERR_COUPON_LOGISTICS") == [
        ("logistics", ["standard", "premium"], 3, Decimal(6)),
        ("logistics", [], 1, Decimal(2)),
    ]
    assert _options(coupon, "ERR_COUPON_CHANNEL") == [("channels", ["email"], 1, Decimal(2))]
    assert _options(coupon, "ERR_COUPON_FIRST_ORDER") == [("first_order_only", False, 3, Decimal(6))]


def test_a_longer_validity_by_days_within_what_is_allowed(store: Store) -> None:
    coupon = make.make_coupon(store, starts_at=NOON - 40 * DAY, ends_at=NOON, created_at=NOON - 41 * DAY)
    told = facts.WindowFacts(starts_at=coupon.starts_at, ends_at=coupon.ends_at)
    for n, at in enumerate([NOON + timedelta(hours=1), NOON + timedelta(hours=30), NOON - 41 * DAY]):
        make_refusal(coupon, told, buyer=f"b-{n}", at=at)
    make_refusal(coupon, told, buyer="b-9", at=NOON + 80 * DAY)
    assert [one[:3] for one in _options(coupon, "ERR_COUPON_WINDOW")] == [
        ("later_end", 1, 1),
        ("later_end", 2, 2),
        ("earlier_start", 1, 1),
    ]


def test_goods_out_of_stock_point_to_their_category(store: Store) -> None:
    sold_out = make.make_listing(store, stock=0)
    coupon = make.make_coupon(store, [sold_out])
    make_refusal(coupon, facts.StockFacts(reason="sold_out", sku="X"), buyer="b-1")
    assert _options(coupon, "ERR_STOCK_SYNC_FAIL") == []
    make.make_listing(store, stock=5)
    assert _options(coupon, "ERR_STOCK_SYNC_FAIL") == [("categories", ["home"], 1, None)]


@pytest.mark.parametrize(
    "told", [facts.LimitFacts(), facts.DisputeFacts(disputes=2, days=30), facts.StateFacts(state="voided")]
)
def test_what_no_term_mends_says_so(store: Store, told: facts.Facts) -> None:
    coupon = make.make_coupon(store)
    make_refusal(coupon, told, buyer="b-1")
    (group,) = mirror.groups_of([Coupon.objects.select_related("tally").get(pk=coupon.pk)], now=NOON)[coupon.pk]
    assert group.options == ()
    assert str(group.none)


def test_the_mirror_asks_as_much_for_many_coupons_and_refusals(store: Store) -> None:
    def queries(coupons: int) -> int:
        made = [make.make_coupon(store) for _n in range(coupons)]
        for coupon in made:
            for n in range(coupons):
                make_refusal(coupon, facts.StockFacts(reason="stale"), buyer=f"b-{n}")
        rows = list(Coupon.objects.select_related("tally").filter(pk__in=[one.pk for one in made]))
        with CaptureQueriesContext(connection) as asked:
            mirror.groups_of(rows, now=NOON)
        return len(asked)

    queries(1)
    assert queries(1) == queries(4)


def test_a_change_opens_as_a_draft_of_its_own(store: Store) -> None:
    listing = make.make_listing(store, price="30.00")
    span: dict[str, Any] = {"starts_at": NOON - 10 * DAY, "ends_at": NOON - 3 * DAY}
    coupon = make.make_coupon(store, [listing], regions=["RU"], state="expired", **span)
    actor = make.actor_for(make.owner_of(store))

    def opened(field: str, value: str) -> Coupon:
        return mirror_drafts.copy_with(store, coupon.code, mirror_drafts.read_change(field, value), actor=actor).coupon

    made = opened("regions", '["RU", "PL"]')
    assert (made.state, made.regions, made.min_order) == ("draft", ["RU", "PL"], coupon.min_order)
    assert (made.starts_at, made.ends_at) == (NOON, NOON + 7 * DAY)
    assert made.code != coupon.code
    assert PoolListing.objects.get(coupon=made).listing_id == listing.pk
    assert opened("later_end", "2").ends_at == NOON + 9 * DAY
    assert opened("quota", '"120"').quota == 120
    assert opened("min_order", '"15.50"').min_order == Decimal("15.50")
    assert PoolCategory.objects.get(coupon=opened("categories", '["home"]')).category.code == "home"
    assert Sku.objects.filter(reserved__gt=0).count() == 0, "a draft holds nothing back"
    with pytest.raises(InvalidInput) as refused:
        opened("min_order", '"5.00"')
    assert [error.field for error in refused.value.errors] == ["min_order"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("face_value", '"99"'), ("regions", "PL"), ("regions", '[{"a": 1}]'), ("quota", "-1"), ("quota", '"1e9"'), ("min_order", '"NaN"'),
        ("later_end", "true"), ("first_order_only", "true"), ("regions", "[" * 5000),
    ],
)  # fmt: skip
def test_what_no_mirror_offers_is_refused(field: str, value: str) -> None:
    with pytest.raises(InvalidInput):
        mirror_drafts.read_change(field, value)


def test_a_change_in_words() -> None:
    coupon = Coupon(currency="USD", min_order=Decimal(20), quota=1000, budget=Decimal(50))

    def said(field: str, value: Any) -> str:
        return mirror.words(Change(field, value), coupon, {7: "Lamp"}, {"home": "Home & Garden"})

    assert said("regions", ["RU", "PL"]) == "Add Poland to the regions"
    assert said("min_order", "18.50") == "Minimum order: $20.00 → $18.50"
    assert said("quota", "1120") == "Quota: 1,000 → 1,120"
    assert said("later_end", 2) == "Valid 2 days longer"
    assert said("listings", [7]) == "Add Lamp to the pool"
