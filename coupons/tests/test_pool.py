"""Which goods a coupon is for."""

from __future__ import annotations

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_scopes import scope

from coupons.models import PoolBrand, PoolCategory
from coupons.pool import SKUS, coupons_for, skus_of
from listings.models import Brand, Category, Management
from tests.factories import make_coupon, make_listing, make_store

pytestmark = pytest.mark.django_db


def test_a_pool_holds_named_listings_and_what_is_in_its_categories_and_brands() -> None:
    """R54: by listing, category with its children, brand; neither fully-managed goods nor other currencies (R127)."""
    store, other = make_store(), make_store()
    with scope(store=[store.pk, other.pk]):
        brand = Brand.objects.create(store=store, name="Fir")
        named = make_listing(store, ["NAMED-1", "NAMED-2"], category="toys")
        make_listing(store, ["PETS-1"], category="pets")
        branded = make_listing(store, ["FIR-1"], category="shoes", brand=brand)
        make_listing(store, ["MANAGED-1"], category="home", management=Management.FULLY_MANAGED)
        make_listing(store, ["EURO-1"], category="home", currency="EUR")
        make_listing(store, ["APART-1"], category="shoes")
        make_listing(other, ["THEIRS-1"], category="home")
        coupon, by_brand, empty = make_coupon(store, [named]), make_coupon(store), make_coupon(store)
        PoolCategory.objects.create(store=store, coupon=coupon, category=Category.objects.get(code="home"))
        PoolBrand.objects.create(store=store, coupon=by_brand, brand=brand)

        assert set(skus_of(coupon).values_list("code", flat=True)) == {"NAMED-1", "NAMED-2", "PETS-1"}
        assert list(skus_of(by_brand)) == list(branded.skus.all())
        assert not skus_of(empty).exists()

        with connection.cursor() as cursor:
            cursor.execute(f"SELECT c.code, s.code {SKUS} ORDER BY 1, 2", {"ids": [coupon.pk, by_brand.pk]})
            rows = cursor.fetchall()
        assert rows == sorted(
            [(coupon.code, code) for code in ("NAMED-1", "NAMED-2", "PETS-1")] + [(by_brand.code, "FIR-1")]
        )

        every = {
            sku.code: sku.pk for one in (store, other) for listing in one.listings.all() for sku in listing.skus.all()
        }
        assert coupons_for(store, every.values(), ["NO-SUCH"]) == {}  # plans the statement of this connection
        with CaptureQueriesContext(connection) as counted:
            covered = coupons_for(store, every.values(), [coupon.code, by_brand.code, empty.code, "NO-SUCH"])
        assert len(counted) == 1
        assert covered == {
            coupon.code: {every[code] for code in ("NAMED-1", "NAMED-2", "PETS-1")},
            by_brand.code: {every["FIR-1"]},
        }
