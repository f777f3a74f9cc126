"""All addresses. Store pages live under `/s/<store>/`, so that tabs of two stores never mix."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, include, path

from backoffice import health, metrics, preferences
from backoffice.pages import dashboard, platform_audit
from campaigns.views import emergency
from finance import views as finance_views

handler500 = "backoffice.views.server_error"

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("metrics", metrics.metrics, name="metrics"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("preferences/", preferences.preferences, name="preferences"),
    path("account/", include("accounts.urls")),
    path("api/v1/", include("api.urls")),
    path("platform/emergency-stop/", emergency.emergency_stop, name="platform_emergency"),
    path("platform/campaigns/", include("campaigns.platform_urls")),
    path("platform/audit/", platform_audit.events, name="platform_audit"),
    path("platform/audit/<int:event_id>/", platform_audit.entry, name="platform_audit_entry"),
    path("platform/audit/<int:event_id>/proof.json", platform_audit.proof, name="platform_audit_proof"),
    path("platform/rule-sets/", include("backoffice.pages.rulebook_urls")),
    path("", include("accounts.home_urls")),
    path("s/<slug:store>/", dashboard.dashboard, name="dashboard"),
    path("s/<slug:store>/", include("accounts.store_urls")),
    path("shop/", include("storefront.urls")),
    path("s/<slug:store>/sites/", include("publishing.urls")),
    path("s/<slug:store>/", include("insights.urls")),
    path("s/<slug:store>/campaigns/", include("campaigns.urls")),
    path("s/<slug:store>/coupons/", include("coupons.urls")),
    path("s/<slug:store>/listings/", include("listings.urls")),
    path("s/<slug:store>/orders/", include("orders.urls")),
    path("s/<slug:store>/deposit/", include("finance.urls")),
    path("platform/<slug:slug>/deposit/", finance_views.staff_deposit, name="platform_deposit"),
    path("s/<slug:store>/audit/", include("backoffice.pages.audit_urls")),
    path("s/<slug:store>/rules/", include("backoffice.pages.policies_urls")),
    path("s/<slug:store>/messages/", include("inbox.urls")),
]
