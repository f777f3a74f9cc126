"""Listing pages, relative to `s/<store>/listings/`."""

from __future__ import annotations

from django.urls import path

from listings.views import decoration, detail, editing, imports, lists

app_name = "listings"
urlpatterns = [
    path("", lists.listing_list, name="list"),
    path("new/", editing.create, name="new"),
    path("delist/", lists.delist_page, name="delist"),
    path("decoration/", decoration.decoration, name="decoration"),
    path("import/", imports.import_page, name="import"),
    path("jobs/<int:job>/", imports.show_job, name="job"),
    path("jobs/<int:job>/refused.csv", imports.job_errors, name="job_errors"),
    path("<int:pk>/", detail.detail, name="detail"),
    path("<int:pk>/edit/", editing.edit, name="edit"),
    path("<int:pk>/prices/", editing.prices, name="prices"),
    path("<int:pk>/on-sale/", editing.put_on_sale, name="on_sale"),
]
