"""One unit of time and one id for each request."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable
from contextvars import ContextVar

from django.http import HttpRequest, HttpResponse

from core import clock

request_id: ContextVar[str] = ContextVar("request_id", default="")
_WELL_FORMED = re.compile(r"^[A-Za-z0-9._-]{8,64}$")


def unit_of_work(get_response: Callable[[HttpRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
    """Give the request a clock unit and an id; the id comes back in `X-Request-ID` and in every audit event."""

    def middleware(request: HttpRequest) -> HttpResponse:
        given = request.headers.get("X-Request-ID", "")
        identifier = given if _WELL_FORMED.match(given) else uuid.uuid4().hex
        token = request_id.set(identifier)
        request.request_id = identifier  # type: ignore[attr-defined]  # HttpRequest knows none
        try:
            with clock.unit_of_work():
                response = get_response(request)
        finally:
            request_id.reset(token)
        response["X-Request-ID"] = identifier
        return response

    return middleware
