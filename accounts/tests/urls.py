"""Addresses for tests of the door: one page of each kind, and one that forgot to say who may open it."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from django.views.generic import View
from django.views.i18n import set_language

from accounts.rights import Access, member, public, requires, signed_in, staff_only
from core.errors import Conflict, OperationLocked
from listings.models import Brand


@requires("campaigns.pause")
def pausing(request: HttpRequest, store: str) -> HttpResponse:
    names = ",".join(Brand.objects.order_by("name").values_list("name", flat=True))
    return HttpResponse(f"{request.store.slug} {request.membership.user.pk} {request.actor.ip} {names}")  # type: ignore[attr-defined]  # set by the middleware


class Viewing(View):
    access = Access("store", "campaigns.view")

    def get(self, request: HttpRequest, store: str) -> HttpResponse:
        return HttpResponse("viewed")


@member
def anybody_of_the_store(request: HttpRequest, store: str) -> HttpResponse:
    return HttpResponse("member")


@public
def everybody(request: HttpRequest) -> HttpResponse:
    return HttpResponse("public")


@signed_in
def person(request: HttpRequest) -> HttpResponse:
    return HttpResponse("person")


@staff_only
def staff(request: HttpRequest) -> HttpResponse:
    return HttpResponse("staff")


def forgotten(request: HttpRequest) -> HttpResponse:
    return HttpResponse("must never be seen")


class Forgotten(View):
    def get(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse("must never be seen")


@member
def refusing(request: HttpRequest, store: str) -> HttpResponse:
    if request.GET.get("how") == "locked":
        raise OperationLocked("Operator A is on it", "Operator A", 8)
    raise Conflict("ERR_EXAMPLE", "This cannot be done now, because of the example")


urlpatterns = [
    path("language/", set_language, name="set_language"),
    path("preferences/", everybody, name="preferences"),
    path("account/", include("accounts.urls")),
    path("s/<slug:store>/pause/", pausing),
    path("s/<slug:store>/view/", Viewing.as_view()),
    path("s/<slug:store>/any/", anybody_of_the_store),
    path("s/<slug:store>/refusing/", refusing),
    path("public/", everybody),
    path("person/", person),
    path("platform/", staff),
    path("forgotten/", forgotten),
    path("forgotten-class/", Forgotten.as_view()),
    path("", person),
]
