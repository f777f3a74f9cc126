"""Order pages, relative to `s/<store>/orders/`."""

from __future__ import annotations

from django.urls import path

from orders import views

app_name = "orders"
urlpatterns = [
    path("", views.order_list, name="list"),
    path("<path:code>/", views.detail, name="detail"),
]
