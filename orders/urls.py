"""Order pages, relative to `s/<store>/orders/`."""

from __future__ import annotations

from django.urls import path

from orders import import_views, views

app_name = "orders"
urlpatterns = [
    path("", views.order_list, name="list"),
    # A hyphen first: an order's code may be any word, and these addresses come before it.
    path("-/import/", import_views.import_page, name="import"),
    path("-/jobs/<int:job>/", import_views.show_job, name="job"),
    path("-/jobs/<int:job>/refused.csv", import_views.job_errors, name="job_errors"),
    path("<path:code>/", views.detail, name="detail"),
]
