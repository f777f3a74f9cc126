"""员工管理: who works in the store and what they may do there (R132)."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import members, switching
from accounts.forms import AddMemberForm, ReasonForm, RightsForm, blame, bundle_choices, limits_text
from accounts.models import Grant, Membership
from accounts.problems import attempt, problem_context
from accounts.requests import StoreRequest
from accounts.rights import ALL_RIGHTS, BUNDLES, ROOMS, live_grants, owner_only, requires
from accounts.views.confirm import recently_confirmed
from accounts.views.people import tell as tell_switched
from accounts.views.people import wants_off
from core import clock, display
from core.errors import DomainError, InvalidInput

PEOPLE_A_PAGE = 8
"""Columns that fit a screen; a matter of layout."""


def _address(request: StoreRequest, name: str = "staff", **kwargs: Any) -> str:
    return reverse(f"accounts:{name}", kwargs={"store": request.store.slug, **kwargs})


def _cell(membership: Membership, right: str, now: datetime) -> dict[str, Any]:
    """How one person holds one right: `owner`, `lent` (with its terms), `lapsed` or `none`."""
    if membership.is_owner:
        return {"kind": "owner"}
    grant = next((grant for grant in membership.grants.all() if grant.right == right), None)
    if grant is None:
        return {"kind": "none"}
    return {
        "kind": "lapsed" if _is_lapsed(grant, now) else "lent",
        "until": grant.expires_at,
        "limits": " · ".join(limits_text(grant)),
    }


@requires("staff.manage")
def matrix(request: StoreRequest, store: str) -> HttpResponse:
    """Rights in rows, people in columns."""
    now = clock.now()
    page = Paginator(members.members_of(request.store), PEOPLE_A_PAGE).get_page(request.GET.get("page"))
    people = list(page.object_list)
    rooms: list[dict[str, Any]] = []
    for right in ALL_RIGHTS.values():
        if not rooms or rooms[-1]["key"] != right.room:
            rooms.append({"key": right.room, "label": ROOMS[right.room], "rights": []})
        cells = [_cell(person, right.code, now) for person in people]
        rooms[-1]["rights"].append({"right": right, "cells": cells})
    context = {"people": people, "rooms": rooms, "page": page, "is_owner": request.membership.is_owner}
    return render(request, "accounts/staff.html", context)


@requires("staff.manage")
def add(request: StoreRequest, store: str) -> HttpResponse:
    """Add somebody by e-mail; they start without any right."""
    form = AddMemberForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            membership = members.add_member(request.store, **form.cleaned_data, actor=request.actor)
        except DomainError as error:
            blame(form, error.errors, error.detail)
        else:
            if membership.user.is_active:
                messages.success(request, _("Added, and invited by e-mail. Now choose what they may do."))
            else:
                messages.warning(
                    request, _("Added, but the account is switched off: nobody was invited, and no right counts.")
                )
            return HttpResponseRedirect(_address(request, "person", user=membership.user_id))
    status = 422 if form.errors else 200
    return render(request, "accounts/add.html", {"form": form, "back_url": _address(request)}, status=status)


def _find(request: StoreRequest, user: int) -> Membership:
    membership = members.members_of(request.store).filter(user_id=user).first()
    if membership is None:
        raise Http404("no such member of this store")
    return membership


@requires("staff.manage")
def person(request: StoreRequest, store: str, user: int) -> HttpResponse:
    """What one person may do: change it, look at the difference, save it."""
    membership = _find(request, user)
    now = clock.now()
    held = live_grants(membership, now)
    form, seen = _rights_form(request, held), members.mark_of(held.values())
    context = {
        "person": membership,
        "form": form,
        "seen": seen,
        "lapsed": [ALL_RIGHTS[grant.right].label for grant in membership.grants.all() if _is_lapsed(grant, now)],
        "lends": request.membership.is_owner,
        "oneself": user == request.user.pk,
        "bundles": bundle_choices(),
        "colleagues": [
            other for other in members.members_of(request.store) if not other.is_owner and other.user_id != user
        ],
        "back_url": _address(request),
    }
    status = 200
    if request.method == "POST" and not membership.is_owner:
        if not form.is_valid():
            status = 422
        elif request.POST.get("seen") != seen:
            status = 409
            messages.warning(request, _("Somebody else changed these rights meanwhile. Look again before you save."))
        elif request.POST.get("step") == "save":
            answer = _save(request, membership, form, seen)
            if isinstance(answer, HttpResponse):
                return answer
            status, context["problem"] = answer.status, problem_context(request, answer)["problem"]
        else:
            context["changes"] = form.changes()
    return render(request, "accounts/person.html", context, status=status)


def _is_lapsed(grant: Grant, now: datetime) -> bool:
    return grant.right in ALL_RIGHTS and grant.expires_at is not None and grant.expires_at <= now


def _rights_form(request: StoreRequest, held: dict[str, Grant]) -> RightsForm:
    zone = display.zone(request.store.time_zone)
    # Who may not lend sees what is lent, to take it back.
    only = None if request.membership.is_owner else frozenset(held)
    if request.method == "POST":
        return RightsForm(request.POST, held=held, zone=zone, only=only)
    like, bundle = request.GET.get("like", ""), BUNDLES.get(request.GET.get("bundle", ""))
    wanted = None
    if like.isascii() and like.isdigit() and len(like) < 19:
        wanted = live_grants(_find(request, int(like)), clock.now())
    return RightsForm(held=held, zone=zone, only=only, wanted=wanted, extra=bundle.rights if bundle else ())


def _save(request: StoreRequest, membership: Membership, form: RightsForm, seen: str) -> HttpResponse | DomainError:
    try:
        lent, gone = members.set_rights(request.store, membership.user_id, form.loans(), seen=seen, actor=request.actor)
    except InvalidInput as error:
        blame(form, error.errors, error.detail)
        return error
    except DomainError as error:
        return error
    words = _("Saved: %(lent)s lent or changed, %(gone)s taken back. It holds from the next request on.")
    messages.success(request, words % {"lent": lent, "gone": gone})
    return HttpResponseRedirect(_address(request, "person", user=membership.user_id))


@requires("staff.manage")
def remove(request: StoreRequest, store: str, user: int) -> HttpResponse:
    """A question, then the end of a membership."""
    membership = _find(request, user)
    context = {"person": membership, "back_url": _address(request, "person", user=user)}
    if request.method == "POST":
        try:
            members.remove_member(request.store, user, actor=request.actor)
        except DomainError as error:
            context["problem"] = problem_context(request, error)["problem"]
            return render(request, "accounts/remove.html", context, status=error.status)
        words = _("%(name)s works here no more; rights and API tokens ended at once.")
        messages.success(request, words % {"name": membership.user.label})
        return HttpResponseRedirect("/" if user == request.user.pk else _address(request))
    return render(request, "accounts/remove.html", context)


@owner_only
def switch(request: StoreRequest, store: str, user: int) -> HttpResponse:
    """What switching a sub-account off, or on, does; then it is done, with a reason."""
    membership = _find(request, user)
    one, back = membership.user, _address(request, "person", user=user)
    form = ReasonForm(request.POST or None, help_text=_("It stays in the audit log of the store."))
    context: dict[str, Any] = {
        "person": membership,
        "form": form,
        "back_url": back,
        "oneself": user == request.user.pk,
        "beyond": one.is_active and switching.is_beyond(one, request.user.pk),
        "foreign": not one.is_active and not switching.may_switch_on(one, request.user.pk),
        "places": switching.places_of(one) if one.is_active else [],
    }
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            verb = switching.switch_off_member if wants_off(request, one) else switching.switch_on_member
            ask = partial(verb, request.store, user, reason=form.cleaned_data["reason"], actor=request.actor)
            switched, status = attempt(request, form, context, ask)
            if switched is not None:
                tell_switched(request, one, off=verb is switching.switch_off_member)
                return HttpResponseRedirect(back)
    return render(request, "accounts/switch.html", context, status=status)


@owner_only
@recently_confirmed
def owner(request: StoreRequest, store: str, user: int) -> HttpResponse:
    """Make somebody a main account, or end that; asks for the password first."""
    membership = _find(request, user)
    context = {"person": membership, "back_url": _address(request, "person", user=user)}
    if request.method == "POST":
        try:
            members.set_owner(request.store, user, not membership.is_owner, actor=request.actor)
        except DomainError as error:
            context["problem"] = problem_context(request, error)["problem"]
            return render(request, "accounts/owner.html", context, status=error.status)
        return HttpResponseRedirect(_address(request))
    return render(request, "accounts/owner.html", context)
