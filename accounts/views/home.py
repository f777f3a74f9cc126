"""Where `/` leads: to the store opened last, to a choice of stores, or to the platform's pages."""

from __future__ import annotations

from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse

from accounts.models import Store
from accounts.requests import SignedInRequest
from accounts.rights import signed_in
from accounts.stores import stores_of


def _store_of(request: SignedInRequest) -> tuple[Store | None, list[Store]]:
    """The store opened last, or the only one; and all of the person's."""
    found = list(stores_of(request.user.pk))
    last = next((store for store in found if store.pk == request.user.last_store_id), None)
    return last or (found[0] if len(found) == 1 else None), found


@signed_in
def home(request: SignedInRequest) -> HttpResponse:
    """The dashboard of the person's store; a choice when there are several; the platform's pages for its staff."""
    store, found = _store_of(request)
    if store is not None:
        return HttpResponseRedirect(reverse("dashboard", kwargs={"store": store.slug}))
    if not found and request.user.is_platform_staff:
        return HttpResponseRedirect(reverse("platform"))
    return render(request, "accounts/stores.html", {"found": found})


@signed_in
def remembered(request: SignedInRequest, rest: str) -> HttpResponse:
    """`/campaigns/…` in the store opened last."""
    store, found = _store_of(request)
    if store is None:
        return render(request, "accounts/stores.html", {"found": found, "rest": rest})
    query = request.META.get("QUERY_STRING", "")
    return HttpResponseRedirect(
        reverse("dashboard", kwargs={"store": store.slug}) + rest + (f"?{query}" if query else "")
    )
