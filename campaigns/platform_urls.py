"""Pages of platform staff about campaigns, relative to `platform/campaigns/`."""

from __future__ import annotations

from django.urls import path

from campaigns.views import reviewing

urlpatterns = [
    path("", reviewing.queue, name="platform_campaigns"),
    path("<str:code>/", reviewing.show, name="platform_campaign"),
    path("<str:code>/decide/", reviewing.decide, name="platform_decide"),
    path("<str:code>/enforce/", reviewing.enforce, name="platform_enforce"),
    path("<str:code>/items/", reviewing.end_items, name="platform_end_items"),
]
