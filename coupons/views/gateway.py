"""The store's SMS gateway: connect, change, try out, disconnect (R81)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.forms import blame
from accounts.requests import StoreRequest
from accounts.rights import requires
from core.errors import DomainError
from coupons import gateways
from coupons.models import RecipientState
from coupons.sending_forms import GatewayForm, TrialForm
from coupons.sending_tables import why_of
from coupons.views.common import address, problem_of


@requires("settings.manage")
def show(request: StoreRequest, store: str) -> HttpResponse:
    """The gateway and its form."""
    form = GatewayForm(request.POST if request.method == "POST" else None, initial=_kept(request))
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                gateways.connect(request.store, **form.cleaned_data, actor=request.actor)
            except DomainError as refusal:
                blame(form, refusal.errors, refusal.detail)
                status = refusal.status
            else:
                messages.success(request, _("The gateway is connected. Try it out with one number."))
                return HttpResponseRedirect(address(request, "gateway"))
    return _page(request, form, TrialForm(), status=status)


def _kept(request: StoreRequest) -> dict[str, str]:
    gateway = gateways.of(request.store)
    return {"url": gateway.url, "header": gateway.header} if gateway else {}


@require_POST
@requires("settings.manage")
def trial(request: StoreRequest, store: str) -> HttpResponse:
    """Send one SMS to one number, and say what the gateway answered."""
    trial_form = TrialForm(request.POST)
    form = GatewayForm(initial=_kept(request))
    if not trial_form.is_valid():
        return _page(request, form, trial_form, status=422)
    try:
        result = gateways.try_out(request.store, **trial_form.cleaned_data, actor=request.actor)
    except DomainError as refusal:
        blame(trial_form, refusal.errors, refusal.detail)
        return _page(request, form, trial_form, status=refusal.status)
    if result.state == RecipientState.SENT:
        messages.success(request, _("The gateway took the message. See whether it arrives."))
        return HttpResponseRedirect(address(request, "gateway"))
    answer = _("It answered %(status)s.") % {"status": result.answer} if result.answer else ""
    problem = {"code": result.code, "title": why_of(result.code), "detail": answer}
    return _page(request, form, trial_form, more={"problem": problem})


@require_POST
@requires("settings.manage")
def disconnect(request: StoreRequest, store: str) -> HttpResponse:
    """Forget the gateway."""
    try:
        gateways.disconnect(request.store, actor=request.actor)
    except DomainError as refusal:
        context = {"problem": problem_of(refusal, request)}
        return _page(request, GatewayForm(), TrialForm(), status=refusal.status, more=context)
    messages.success(request, _("The gateway is disconnected and its secret forgotten."))
    return HttpResponseRedirect(address(request, "gateway"))


def _page(
    request: StoreRequest,
    form: GatewayForm,
    trial_form: TrialForm,
    *,
    status: int = 200,
    more: dict[str, Any] | None = None,
) -> HttpResponse:
    context = {"here": _("SMS gateway"), "form": form, "trial": trial_form, "gateway": gateways.of(request.store)}
    return render(request, "coupons/gateway.html", context | (more or {}), status=status)
