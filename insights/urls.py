"""History and analytics, relative to `s/<store>/`."""

from __future__ import annotations

from django.urls import path

from insights import views

app_name = "insights"

urlpatterns = [
    path("campaigns/past/", views.history_list, name="history"),
    path("campaigns/past/history.xlsx", views.export_history, name="export"),
    path("insights/", views.overview, name="overview"),
    path("insights/campaigns/<str:code>/", views.metrics, name="metrics"),
    path("insights/campaigns/<str:code>/spend/", views.spend, name="spend"),
]
