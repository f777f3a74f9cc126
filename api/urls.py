"""Addresses below `/api/v1/`. Everything answers JSON or a problem document, the readable docs apart."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, URLResolver, path, re_path

from api import openapi
from api.app import api
from api.frame import guarded

app_name = "api"


def _unknown(request: HttpRequest, rest: str = "") -> HttpResponse:
    raise Http404


def _operations() -> list[URLPattern | URLResolver]:
    """The operations of django-ninja behind the guard; its own root page is left out."""
    found = [pattern for pattern in api.urls[0] if isinstance(pattern, URLPattern) and pattern.name != "api-root"]
    for pattern in found:
        pattern.callback = guarded(pattern.callback)
    return list(found)


urlpatterns: list[URLPattern | URLResolver] = [
    path("openapi.json", openapi.document_view, name="openapi"),
    path("docs", openapi.docs_view, name="docs"),
    *_operations(),
    re_path(r"^(?P<rest>[\s\S]*)$", guarded(_unknown)),
]
