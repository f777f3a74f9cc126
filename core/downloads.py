"""Downloads that are recorded when they are made: a HEAD asks about one, it takes nothing."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse


def announced(request: HttpRequest, content_type: str) -> HttpResponse | None:
    """What a HEAD of a download answers, without making or recording anything; None for a request that wants the download itself."""
    if request.method != "HEAD":
        return None
    answer = HttpResponse(content_type=content_type)
    answer["Cache-Control"] = "no-store"
    return answer
