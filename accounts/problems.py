"""Refusals as pages: a domain error in a page view becomes its problem page with its status, never a 500."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from django.forms import Form
from django.http import HttpRequest, HttpResponse
from django.template.loader import select_template
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext_lazy as _

from accounts.forms import blame
from core.errors import DomainError, InvalidInput, Text
from core.returning import is_own

Done = TypeVar("Done")


@dataclass
class Words:
    """What a reader is told about a code: a title, how to mend it, where."""

    title: Text = ""
    fix: Text = ""
    fix_url: str = ""
    fix_label: Text = ""


#: An upper room that owns the catalogue of codes sets `words_of`; without it the error's own detail must do.
@dataclass
class _Explainer:
    words_of: Callable[[HttpRequest, DomainError], Words] = field(default=lambda request, error: Words())


explainer = _Explainer()

_TITLES: dict[int, Text] = {
    403: _("No permission"),
    404: _("Not found"),
    409: _("This cannot be done now"),
    422: _("Please put right what is marked"),
    423: _("Somebody else is on it"),
    429: _("Too many requests"),
}
_FALLBACK = "accounts/problem.html"


def problem_context(request: HttpRequest, error: DomainError) -> dict[str, Any]:
    """The variables of a problem page: `problem` (code, title, detail, errors, fix …), `right`, `granted_by`, `status`."""
    words = explainer.words_of(request, error)
    return {
        "problem": {
            "code": error.code,
            "title": words.title or _TITLES.get(error.status, _("This cannot be done")),
            "detail": error.detail,
            "fix": words.fix,
            "fix_url": words.fix_url,
            "fix_label": words.fix_label,
            "errors": [item.as_dict() for item in error.errors],
            "request_id": getattr(request, "request_id", ""),
        },
        "code": error.code,
        "status": error.status,
        "right": error.extra.get("right", ""),
        "granted_by": error.extra.get("granted_by", []),
        "extra": error.extra,
        "retry_after": error.retry_after,
    }


def attempt(
    request: HttpRequest, form: Form, context: dict[str, Any], act: Callable[[], Done]
) -> tuple[Done | None, int]:
    """Carry out what a valid form asks; answers what came of it, None when it was refused, and the status of the page.

    A broken field is said at the field, any other refusal becomes the `problem` of the page's `context`.
    """
    try:
        return act(), 200
    except InvalidInput as refused:
        blame(form, refused.errors, refused.detail)
        return None, refused.status
    except DomainError as refused:
        context["problem"] = problem_context(request, refused)["problem"]
        return None, refused.status


def _came_from(request: HttpRequest) -> str:
    """The page whose button was refused, so that one click leads back to it; empty unless it is another page of this installation."""
    address = request.headers.get("Referer", "")
    if not url_has_allowed_host_and_scheme(address, allowed_hosts={request.get_host()}):
        return ""
    parts = urlsplit(address)
    path = f"{parts.path}?{parts.query}" if parts.query else parts.path
    return path if is_own(path, "/") and parts.path != request.path else ""


def render_problem(request: HttpRequest, error: DomainError) -> HttpResponse:
    """The page (for htmx: the fragment, aimed at the page's alerts) that says what is wrong and how to mend it."""
    context = problem_context(request, error)
    if getattr(request, "htmx", False):
        template = select_template(["components/problem.html", _FALLBACK])
        response = HttpResponse(template.render(context, request), status=error.status)
        response["HX-Retarget"] = "#bo-alerts"
        response["HX-Reswap"] = "innerHTML"
    else:
        context["back_url"] = _came_from(request)
        names = [f"{error.status}.html"] if error.status in {403, 404, 429} else []
        template = select_template([*names, "errors/problem.html", _FALLBACK])
        response = HttpResponse(template.render(context, request), status=error.status)
    if error.retry_after is not None:
        response["Retry-After"] = str(error.retry_after)
    response["Cache-Control"] = "no-store"
    return response
