"""Coupon pages, relative to `s/<store>/coupons/`. Other modules lend theirs: `coupons.tabs`."""

from __future__ import annotations

from django.urls import path

from coupons import tabs
from coupons.views import detail
from coupons.views import list as listing

app_name = "coupons"

urlpatterns = [
    path("", listing.coupon_list, name="list"),
    *tabs.patterns(),
    path("<str:code>/", detail.show, name="detail"),
]
