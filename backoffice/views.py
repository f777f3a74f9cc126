"""Pages that belong to no room: failures, health."""

from __future__ import annotations

from urllib.parse import urlsplit

from django.http import HttpRequest, HttpResponse, HttpResponseServerError
from django.shortcuts import render
from django.template.loader import render_to_string

from core.returning import is_own


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form whose token is missing or stale: say so and lead back to the page that it stood on, never a bare 403."""
    came = urlsplit(request.headers.get("Referer", ""))
    page = came.path + (f"?{came.query}" if came.query else "")
    again = page if came.netloc == request.get_host() and is_own(page, "/") else ""
    return render(request, "403_csrf.html", {"problem": {"code": "ERR_CSRF"}, "again": again}, status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """What broke is unknown, so the page asks for nothing but the number of the request, by which the fault is found in the log."""
    return HttpResponseServerError(render_to_string("500.html", {"request": request}))
