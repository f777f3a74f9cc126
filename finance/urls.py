"""Deposit pages, relative to `s/<store>/deposit/`."""

from __future__ import annotations

from django.urls import path

from finance import views

app_name = "finance"
urlpatterns = [
    path("", views.deposit, name="deposit"),
    path("pay/", views.pay, name="pay"),
]
