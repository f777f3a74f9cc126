"""How the reader likes the pages: brightness, row height, single-key shortcuts. Kept in cookies, so it needs no account."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_http_methods

from accounts.rights import public

CHOICES: dict[str, tuple[str, ...]] = {
    "theme": ("auto", "light", "dark"),
    "density": ("normal", "compact", "loose"),
    "shortcuts": ("on", "off"),
}
YEAR = 365 * 86400


def preference(request: HttpRequest, key: str) -> str:
    """The reader's choice, or the first one of CHOICES when there is none or the cookie holds something else."""
    value = request.COOKIES.get(f"bo_{key}", "")
    return value if value in CHOICES[key] else CHOICES[key][0]


def back_to(request: HttpRequest) -> str:
    """The page to return to: `next` when it is one of ours."""
    target = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(
        target, allowed_hosts={request.get_host()}, require_https=request.is_secure()
    )
    return target if safe else request.path


@public
@require_http_methods(["GET", "HEAD", "POST"])
def preferences(request: HttpRequest) -> HttpResponse:
    """The display settings; a POST keeps each known choice and ignores what it does not know."""
    if request.method != "POST":
        return render(request, "shell/preferences.html")
    response = HttpResponseRedirect(back_to(request))
    for key, values in CHOICES.items():
        if (value := request.POST.get(key)) in values:
            response.set_cookie(
                f"bo_{key}", value, max_age=YEAR, samesite="Lax", httponly=True, secure=settings.SESSION_COOKIE_SECURE
            )
    return response
