"""Coupon pages, relative to `s/<store>/coupons/`. Other modules lend theirs: `coupons.tabs`."""

from __future__ import annotations

from django.urls import path

from coupons import tabs
from coupons.views import detail, new
from coupons.views import list as listing

app_name = "coupons"

urlpatterns = [
    path("", listing.coupon_list, name="list"),
    path("new/", new.create, name="new"),
    path("check/", new.check, name="check"),
    path("goods/", new.search, name="goods"),
    *tabs.patterns(),
    path("<str:code>/", detail.show, name="detail"),
    path("<str:code>/edit/", new.edit, name="edit"),
    path("<str:code>/copy/", new.copy, name="copy"),
    path("<str:code>/delete/", new.delete, name="delete"),
]
