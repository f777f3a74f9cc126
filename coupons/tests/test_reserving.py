"""Stock that coupons hold back (R59)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Store
from core import clock
from core.scopes import in_store
from coupons import reserving
from coupons.models import CouponTally, PoolBrand, PoolCategory, Reservation
from listings.models import Brand, Listing, Sku
from tests import factories as make

pytestmark = pytest.mark.django_db


def _sku(listing: Listing) -> Sku:
    return Sku.objects.get(listing=listing)


def test_a_coupon_holds_what_is_left_of_its_quota_or_what_can_be_had() -> None:
    store = make.make_store()
    with in_store(store.pk):
        plenty, few = make.make_listing(store, stock=100), make.make_listing(store, stock=7)
        coupon = make.make_coupon(store, [plenty, few], quota=30)
        CouponTally.objects.filter(coupon=coupon).update(claimed=5, redeemed=5)
        assert reserving.hold([coupon.pk], now=clock.now()) == {coupon.pk: 25 + 7}
        assert (_sku(plenty).reserved, _sku(plenty).available) == (25, 75)
        assert (_sku(few).reserved, _sku(few).available) == (7, 0)
        assert reserving.hold([coupon.pk], now=clock.now()) == {coupon.pk: 32}, "holding again changes nothing"
        assert _sku(few).reserved == 7
        assert reserving.release([coupon.pk], now=clock.now()) == {coupon.pk: 32}
        assert (_sku(plenty).reserved, _sku(few).reserved) == (0, 0)
        assert not Reservation.objects.exists()


def test_coupons_that_share_a_product_share_its_stock() -> None:
    store = make.make_store()
    with in_store(store.pk):
        listing = make.make_listing(store, stock=50)
        first, second, third = (make.make_coupon(store, [listing], quota=30) for _ in range(3))
        units = reserving.hold([third.pk, first.pk, second.pk], now=clock.now())
        assert units == {first.pk: 30, second.pk: 20, third.pk: 0}
        assert _sku(listing).reserved == 50
        reserving.release([first.pk], now=clock.now())
        assert _sku(listing).reserved == 20
        assert reserving.hold([third.pk], now=clock.now()) == {third.pk: 30}


@pytest.mark.parametrize("how", ["category", "brand"])
def test_pools_by_category_and_brand_hold_too(how: str) -> None:
    store = make.make_store()
    with in_store(store.pk):
        listing = make.make_listing(store, stock=5)
        coupon = make.make_coupon(store, [], quota=3)
        _name(store, coupon.pk, listing, how)
        assert reserving.hold([coupon.pk], now=clock.now()) == {coupon.pk: 3}


def _name(store: Store, coupon_id: int, listing: Listing, how: str) -> None:
    from_pool = {"store": store, "coupon_id": coupon_id}
    if how == "category":
        PoolCategory.objects.create(category=listing.category, **from_pool)
        return
    brand = Brand.objects.create(store=store, name="Kettle & Co")
    Listing.objects.filter(pk=listing.pk).update(brand=brand)
    PoolBrand.objects.create(brand=brand, **from_pool)


def test_the_gauge_counts_what_can_be_had_of_what_is_on_sale() -> None:
    store = make.make_store()
    with in_store(store.pk):
        listings = [make.make_listing(store, stock=stock) for stock in (100, 4, 0)]
        make.make_listing(store, stock=9)
        off = make.make_listing(store, stock=9, state="delisted")
        coupon = make.make_coupon(store, [*listings, off], quota=10)
        reserving.hold([coupon.pk], now=clock.now())
        gauge = reserving.gauges([coupon.pk], now=clock.now())[coupon.pk]
        assert (gauge.skus, gauge.in_stock, gauge.reserved_units, gauge.stale) == (3, 1, 10 + 4 + 9, 0)
        assert gauge.percent == pytest.approx(100 / 3)
        synced = clock.now() - timedelta(hours=1)
        Sku.objects.filter(listing=listings[0]).update(stock_as_of=synced, stock_synced_at=synced)
        assert reserving.gauges([coupon.pk], now=clock.now())[coupon.pk].stale == 1


def test_the_page_shows_the_gauge_beside_the_rate_that_is_wanted(client: Client) -> None:
    """R59, R66: the in-stock rate, what is held back, when the stock was counted last; not for a coupon that is over."""
    store = make.make_store()
    with in_store(store.pk):
        listings = [make.make_listing(store, stock=stock) for stock in (100, 4)]
        coupon, over = make.make_coupon(store, listings, quota=10), make.make_coupon(store, listings, state="voided")
        reserving.hold([coupon.pk], now=clock.now())
    client.force_login(make.owner_of(store))
    shown = _text(client, store, coupon.code)
    assert "1 of 2 SKUs on sale can be bought without this coupon; wanted: 98%" in shown
    assert "below the line" in shown
    assert "Oldest stock figure" in shown
    assert "SKUs on sale" not in _text(client, store, over.code)


def _text(client: Client, store: Store, code: str) -> str:
    return client.get(reverse("coupons:detail", kwargs={"store": store.slug, "code": code})).content.decode()
