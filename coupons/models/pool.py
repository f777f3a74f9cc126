"""The product pool of a coupon (R54), and the stock it holds back (R59)."""

from __future__ import annotations

from django.db import models
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.coupon import Coupon
from listings.models import Brand, Category, Listing, Sku


class PoolListing(models.Model):
    """A listing (SPU) of the pool."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="pool_listings", db_index=False)
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["coupon", "listing"], name="coupon_listing_once")]

    def __str__(self) -> str:
        return f"{self.listing_id} of {self.coupon_id}"


class PoolCategory(models.Model):
    """A category of the pool, with all that is below it."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="pool_categories", db_index=False)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="+", db_index=False)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["coupon", "category"], name="coupon_category_once")]
        indexes = [models.Index(fields=["store", "category"], name="coupon_pool_category")]

    def __str__(self) -> str:
        return f"{self.category_id} of {self.coupon_id}"


class PoolBrand(models.Model):
    """A brand of the pool."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="pool_brands", db_index=False)
    brand = models.ForeignKey(Brand, on_delete=models.CASCADE, related_name="+")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["coupon", "brand"], name="coupon_brand_once")]

    def __str__(self) -> str:
        return f"{self.brand_id} of {self.coupon_id}"


class Reservation(models.Model):
    """Units of a SKU held back for a coupon in force; their sum over coupons is `Sku.reserved`."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="reservations", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="+")
    units = models.PositiveIntegerField()

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["coupon", "sku"], name="coupon_reservation_once")]

    def __str__(self) -> str:
        return f"{self.units} of {self.sku_id} for {self.coupon_id}"
