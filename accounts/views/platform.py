"""Pages of platform staff (平台小二): the stores, and the state of each."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import Q
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts import members, stores
from accounts.forms import OwnerForm, StateForm, StoreForm, blame
from accounts.models import AccountState, Store
from accounts.problems import attempt, problem_context
from accounts.requests import SignedInRequest
from accounts.rights import staff_only
from accounts.signals import SiteDraft
from accounts.views.confirm import recently_confirmed
from core.errors import DomainError, FieldError, InvalidInput
from core.forms import at_version

STORES_A_PAGE = 50
"""A matter of layout."""


@staff_only
def store_list(request: SignedInRequest) -> HttpResponse:
    """Every store, with a search and a filter by state."""
    query, state = request.GET.get("q", "").replace("\x00", "").strip()[:80], request.GET.get("state", "")
    found = Store.objects.order_by("-id")
    if query:
        found = found.filter(Q(slug__icontains=query) | Q(name__icontains=query) | Q(name_zh__icontains=query))
    if state in AccountState.values:
        found = found.filter(account_state=state)
    page = Paginator(found, STORES_A_PAGE).get_page(request.GET.get("page"))
    context = {
        "page": page,
        "q": query,
        "state": state,
        "states": AccountState.choices,
        "filtered": bool(query or state),
    }
    return render(request, "accounts/platform.html", context)


@staff_only
def open_store(request: SignedInRequest) -> HttpResponse:
    """A new store, its owner and its sites."""
    form = StoreForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = dict(form.cleaned_data)
        try:
            store = stores.create_store(**data | {"sites": _sites(data["sites"])}, actor=request.actor)
        except InvalidInput as error:
            blame(form, [_as_field(item) for item in error.errors], error.detail)
        else:
            messages.success(request, _("The store is open. Its main account can ask for a password by e-mail."))
            return HttpResponseRedirect(reverse("platform_store", kwargs={"slug": store.slug}))
    context = {"form": form, "back_url": reverse("platform")}
    return render(request, "accounts/open_store.html", context, status=422 if form.errors else 200)


def _sites(lines: str) -> list[SiteDraft]:
    """Read one site a line. Raises InvalidInput naming the lines that are none."""
    drafts, wrong = [], []
    for number, line in enumerate(lines.splitlines(), start=1):
        parts = line.replace(",", " ").split()
        if len(parts) == 3:
            drafts.append(SiteDraft(parts[0].lower(), parts[1].lower(), parts[2].upper()))
        elif parts:
            words = _("Line %(number)s: write code, language and currency, such as en en USD.") % {"number": number}
            wrong.append(FieldError("sites", "ERR_INVALID", words))
    if wrong:
        raise InvalidInput(_("The store was not opened: please put right what is marked."), wrong)
    return drafts


def _as_field(error: FieldError) -> FieldError:
    """`sites.0.currency` is a fault of the one field `sites`."""
    head, dot, rest = error.field.partition(".")
    return FieldError(head, error.code, f"{rest}: {error.message}" if dot else error.message)


@staff_only
def one_store(request: SignedInRequest, slug: str) -> HttpResponse:
    """A store's people and its state, which is set here."""
    store = stores.find(slug)
    state = stores.state_of(store)
    switches = {key: value for key, value in state.items() if isinstance(value, bool)}
    form = StateForm(request.POST or None, facts=switches, initial=state | {"version": store.version})
    context: dict[str, Any] = {
        "shop": store,
        "form": form,
        "back_url": reverse("platform"),
        "people": members.members_of(store)[:50],
        "in_need": members.in_need(store),
    }
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = dict(form.cleaned_data)
            reason, version = data.pop("reason"), data.pop("version")
            try:
                stores.edit_store_state(slug, data, version=version, reason=reason, actor=request.actor)
            except DomainError as error:
                blame(form, error.errors)
                status, context["problem"] = error.status, problem_context(request, error)["problem"]
                at_version(form, store.version)
            else:
                messages.success(request, _("Saved."))
                return HttpResponseRedirect(request.path)
    return render(request, "accounts/one_store.html", context, status=status)


@staff_only
@recently_confirmed
def main_account(request: SignedInRequest, slug: str) -> HttpResponse:
    """Name a main account for a store that has none left; asks for the password first."""
    store = stores.find(slug)
    people = list(members.members_of(store))
    able = [
        place for place in people if place.user.is_active and not place.is_owner and place.user_id != request.user.pk
    ]
    back = reverse("platform_store", kwargs={"slug": slug})
    form = OwnerForm(request.POST or None, people=able)
    context: dict[str, Any] = {
        "shop": store,
        "form": form,
        "back_url": back,
        "working": [place.user.label for place in people if place.is_owner and place.user.is_active],
        "resting": [place.user.label for place in people if place.is_owner and not place.user.is_active],
        "able": able,
    }
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            named, reason = int(form.cleaned_data["person"]), form.cleaned_data["reason"]
            ask = partial(members.set_owner, store, named, True, reason=reason, actor=request.actor)
            place, status = attempt(request, form, context, ask)
            if place is not None:
                words = _("%(name)s is the main account of the store now. The store is told.")
                messages.success(request, words % {"name": place.user.label})
                return HttpResponseRedirect(back)
    return render(request, "accounts/platform_owner.html", context, status=status)
