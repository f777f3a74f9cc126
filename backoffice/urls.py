"""All addresses. Store pages live under `/s/<store>/`, so that tabs of two stores never mix."""

from __future__ import annotations

from django.urls import URLPattern, URLResolver

urlpatterns: list[URLPattern | URLResolver] = []
