"""Addresses of the style page: the frame, every component, the doors, and answers that htmx meets. No database."""

from __future__ import annotations

from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import path
from django.utils.translation import get_language

from tests.frontend import style


def frame(request: HttpRequest) -> dict[str, Any]:
    """Stands in for `backoffice.context_processors.shell`."""
    language = get_language() or "en"
    found = {"theme": request.COOKIES.get("bo_theme", "auto"), "density": "normal", "shortcuts": "on"}
    if not request.path.startswith("/door"):
        found |= style.frame(language)
    return found


class _Door(forms.Form):
    login = forms.EmailField(label="E-mail")
    password = forms.CharField(label="Password", widget=forms.PasswordInput)


PEOPLE = [
    {"email": "owner@demo.test", "label": "Demo Owner"},
    {"email": "operator@demo.test", "label": "Demo Operator"},
]


def page(request: HttpRequest) -> HttpResponse:
    """Every component once."""
    return render(request, "style/page.html", style.context(get_language() or "en"))


def calm(request: HttpRequest) -> HttpResponse:
    """A list with its batch bar and nothing that asks for focus."""
    return render(request, "style/list.html", style.context(get_language() or "en"))


def door(request: HttpRequest, name: str) -> HttpResponse:
    """A signed-out page."""
    context = {"form": _Door(request.POST or None), "demo_people": PEOPLE, "demo_password": "demo-demo-demo"}
    return render(request, f"{name}.html".replace(":", "/"), context)


def poll(request: HttpRequest) -> HttpResponse:
    """Work that goes on for three answers."""
    tick = int(request.GET.get("tick", 0))
    return render(request, "style/_poll.html", {"tick": tick, "open": tick < 3})


def refuse(request: HttpRequest) -> HttpResponse:
    """A refusal as the rooms send it to htmx."""
    problem = {"code": "ERR_OPERATION_LOCKED", "title": "Somebody else is on it", "request_id": "abc"}
    response = render(request, "components/problem.html", {"problem": problem}, status=423)
    response["HX-Retarget"], response["HX-Reswap"] = "#bo-alerts", "innerHTML"
    return response


def broken(request: HttpRequest) -> HttpResponse:
    """A failure that no room has foreseen."""
    return HttpResponse("", status=502)


def taken(request: HttpRequest) -> HttpResponse:
    """Takes a form and says what it got."""
    return HttpResponse(request.POST.urlencode(), content_type="text/plain")


urlpatterns = [
    path("style/", page),
    path("list/", calm),
    path("poll/", poll),
    path("refuse/", refuse),
    path("broken/", broken),
    path("taken/", taken),
    path("i18n/setlang/", taken, name="set_language"),
    path("preferences/", taken, name="preferences"),
    path("logout/", taken, name="account_logout"),
    path("login/", taken, name="account_login"),
    path("reset/", taken, name="account_reset_password"),
    path("door/<str:name>/", door),
]
