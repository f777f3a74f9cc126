"""API tokens of a store: one's own, and for `staff.manage` everybody's."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.db.models import F
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from accounts import tokens
from accounts.forms import TokenForm, blame
from accounts.models import ApiToken
from accounts.requests import StoreRequest
from accounts.rights import requires
from accounts.views.confirm import recently_confirmed
from core import clock
from core.errors import DomainError
from policies import active
from policies.rules import ApiRules


@requires("api.manage")
@never_cache
def token_list(request: StoreRequest, store: str) -> HttpResponse:
    """The tokens and a form for a new one."""
    return _page(request, _form(request))


@requires("api.manage")
@recently_confirmed
@never_cache
def create(request: StoreRequest, store: str) -> HttpResponse:
    """Make a token and show it, this once."""
    if request.method != "POST":
        return HttpResponseRedirect(reverse("accounts:tokens", kwargs={"store": store}))
    form = _form(request, request.POST)
    if not form.is_valid():
        return _page(request, form, status=422)
    try:
        token, raw = tokens.issue(request.store, request.user, **form.cleaned_data, actor=request.actor)
    except DomainError as error:
        blame(form, error.errors, error.detail)
        return _page(request, form, status=error.status)
    return _page(request, _form(request), made=token, raw=raw)


@require_POST
@requires("api.manage")
def revoke(request: StoreRequest, store: str, token: int) -> HttpResponse:
    """End a token at once."""
    found = tokens.revoke(request.store, token, actor=request.actor)
    messages.success(request, _("Token %(prefix)s… works no more.") % {"prefix": found.prefix})
    return HttpResponseRedirect(reverse("accounts:tokens", kwargs={"store": store}))


def _form(request: StoreRequest, data: Any = None) -> TokenForm:
    return TokenForm(data, longest=active(ApiRules, clock.now()).token_days)


def _page(
    request: StoreRequest, form: TokenForm, *, made: ApiToken | None = None, raw: str = "", status: int = 200
) -> HttpResponse:
    # Those that work first: they must be among the rows shown, for they are what may have to be revoked.
    working_first = F("revoked_at").desc(nulls_first=True)
    found = ApiToken.objects.filter(store=request.store).select_related("user").order_by(working_first, "-id")
    everybody = "staff.manage" in request.rights
    shown = found if everybody else found.filter(user=request.user)
    context = {
        "tokens": shown[:200],
        "form": form,
        "made": made,
        "raw": raw,
        "everybody": everybody,
        "now": clock.now(),
    }
    return render(request, "accounts/tokens.html", context, status=status)
