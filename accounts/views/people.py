"""Pages of platform staff about people: finding them, switching them off and on, erasing them."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Prefetch, Q, QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import erasing, switching
from accounts.forms import EraseForm, ReasonForm
from accounts.models import Membership, Store, User
from accounts.problems import attempt
from accounts.requests import SignedInRequest
from accounts.rights import staff_only
from accounts.views.confirm import recently_confirmed
from audit import erasure

PEOPLE_A_PAGE = 50
"""A matter of layout."""
_STATES = ("on", "off", "staff")


def _everybody() -> QuerySet[User]:
    """People with the stores they work in: two queries whatever their number."""
    works = Membership.objects.filter(is_active=True).select_related("store").order_by("store__name", "id")
    return User.objects.prefetch_related(Prefetch("memberships", queryset=works, to_attr="places"))


def _find(user: int) -> User:
    found = _everybody().filter(pk=user).first()
    if found is None:
        raise Http404("no such person")
    return found


@staff_only
def people_list(request: SignedInRequest) -> HttpResponse:
    """Everybody, with a search by name and e-mail and a filter by state."""
    query, state = request.GET.get("q", "").replace("\x00", "").strip()[:80], request.GET.get("state", "")
    found = _everybody().order_by("-id")
    if query:
        found = found.filter(Q(email__icontains=query) | Q(name__icontains=query) | Q(name_zh__icontains=query))
    if state in _STATES:
        found = found.filter(is_platform_staff=True) if state == "staff" else found.filter(is_active=state == "on")
    context = {
        "page": Paginator(found, PEOPLE_A_PAGE).get_page(request.GET.get("page")),
        "q": query,
        "state": state,
        "states": [("on", _("Switched on")), ("off", _("Switched off")), ("staff", _("Platform staff"))],
        "filtered": bool(query or state in _STATES),
    }
    return render(request, "accounts/people.html", context)


@staff_only
def person(request: SignedInRequest, user: int) -> HttpResponse:
    """One person: state, stores, and what can be done."""
    return render(
        request, "accounts/platform_person.html", {"one": _find(user), "back_url": reverse("platform_people")}
    )


@staff_only
def switch(request: SignedInRequest, user: int) -> HttpResponse:
    """What switching this person off, or on, does; then it is done, with a reason."""
    one = _find(user)
    back = reverse("platform_person", kwargs={"user": user})
    form = ReasonForm(
        request.POST or None, help_text=_("The stores the person works in read it; it stays in the audit log.")
    )
    context: dict[str, Any] = {"one": one, "form": form, "back_url": back, "orphans": _orphans(one)}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            verb = switching.switch_off if wants_off(request, one) else switching.switch_on
            ask = partial(verb, user, reason=form.cleaned_data["reason"], actor=request.actor)
            switched, status = attempt(request, form, context, ask)
            if switched is not None:
                tell(request, one, off=verb is switching.switch_off)
                return HttpResponseRedirect(back)
    return render(request, "accounts/platform_switch.html", context, status=status)


@staff_only
@recently_confirmed
def erase(request: SignedInRequest, user: int) -> HttpResponse:
    """What erasing takes and what it leaves; then it is done, once the e-mail was typed. Asks for the password first."""
    one = _find(user)
    back = reverse("platform_person", kwargs={"user": user})
    form = EraseForm(
        request.POST or None, help_text=_("It stays in the audit log for good: write no name and no address here.")
    )
    held = erasure.held_of(user)
    context: dict[str, Any] = {
        "one": one,
        "form": form,
        "back_url": back,
        "owned": [place.store for place in one.places if place.is_owner],  # type: ignore[attr-defined]  # a Prefetch
        "emails": held.get("email", 0) + held.get("actor", 0),
        "addresses": held.get("ip", 0),
    }
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            ask = partial(erasing.erase, user, **form.cleaned_data, actor=request.actor)
            erased, status = attempt(request, form, context, ask)
            if erased is not None:
                messages.success(request, _("Erased. Nobody can sign in as this person any more."))
                return HttpResponseRedirect(back)
    return render(request, "accounts/platform_erase.html", context, status=status)


def wants_off(request: SignedInRequest, one: User) -> bool:
    """Which way the form asks: the button says so, for the person may have been switched while the page was open."""
    return request.POST.get("to", "off" if one.is_active else "on") == "off"


def tell(request: SignedInRequest, one: User, *, off: bool) -> None:
    """What was done, in a sentence."""
    if off:
        words = _("%(name)s is switched off: every session ended, every API token is revoked, no right counts.")
    else:
        words = _("%(name)s is switched on: lent rights hold again. They sign in anew, and make API tokens anew.")
    messages.success(request, words % {"name": one.label})


def _orphans(one: User) -> list[Store]:
    """The stores that would have no working main account without this person (one query)."""
    if not one.is_active:
        return []
    others = Membership.objects.filter(is_active=True, is_owner=True, user__is_active=True).exclude(user=one)
    owned = Store.objects.filter(memberships__user=one, memberships__is_owner=True, memberships__is_active=True)
    return list(owned.exclude(pk__in=others.values("store")).order_by("name", "id"))
