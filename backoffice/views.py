"""Pages that belong to no room: failures, health."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or stale: say so and how to go on, never a bare 403."""
    return render(request, "403_csrf.html", {"code": "ERR_CSRF"}, status=403)
