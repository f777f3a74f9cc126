"""The API alone."""

from django.urls import include, path

from backoffice import health, preferences

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("i18n/", include("django.conf.urls.i18n")),
    path("preferences/", preferences.preferences, name="preferences"),
    path("api/v1/", include("api.urls")),
]
