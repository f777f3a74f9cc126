"""All addresses. Store pages live under `/s/<store>/`, so that tabs of two stores never mix."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver, path

from backoffice import health

urlpatterns: list[URLPattern | URLResolver] = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
]
