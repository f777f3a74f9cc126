"""Addresses of the public pages."""

from __future__ import annotations

from django.urls import path

from storefront import views

app_name = "storefront"
urlpatterns = [
    path("<slug:shop>/<slug:site>/", views.front, name="front"),
    path("<slug:shop>/<slug:site>/<int:listing>/", views.product, name="product"),
]
