"""The stop page asks first; Pause and the permanent cancel are different pages, forms and tokens (R8, R9)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import form_tokens, parking, stopping
from campaigns.forms import CancelForm, PauseForm, blame_typed
from campaigns.guards import close_check, close_checks
from campaigns.lifecycle import is_own
from campaigns.models import Campaign, CampaignState, ParkedClose
from campaigns.outcomes import CloseCheck
from campaigns.views.common import STOPPABLE, address, find, page, problem_of
from campaigns.views.guard_rows import rows_of
from core import clock, display
from core.errors import DomainError
from core.returning import CHECKED, to_row
from policies import timing

S = CampaignState


@requires("campaigns.pause")
def stop(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """「之后还可能恢复这个活动吗?」 GET asks, POST pauses."""
    campaign = find(request, code)
    if request.method != "POST":
        return _stop_page(request, campaign, PauseForm())
    form = PauseForm(request.POST)
    if not form.is_valid():
        return _stop_page(request, campaign, form, status=422)
    return _once(request, campaign, "pause", form, _park if "park" in request.POST else _pause)


def _pause(request: StoreRequest, campaign: Campaign, form: PauseForm, version: int) -> str:
    stopping.pause(
        request.store,
        campaign.code,
        reason=form.cleaned_data["reason"],
        note=form.cleaned_data["note"],
        freeze_claimed=form.cleaned_data["freeze_claimed"],
        version=version,
        actor=request.actor,
    )
    messages.success(
        request, _("Submitted: the promotion is off for buyers. Below, the public pages are being read one by one.")
    )
    return address(request, "detail", campaign)


@requires("campaigns.cancel")
def cancel(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The permanent cancel: blockers, consequences, the typed code. Reached through the stop page only."""
    campaign = find(request, code)
    if request.method != "POST":
        if not form_tokens.came_through_stop(request.GET.get("via", ""), user_id=request.user.pk, code=campaign.code):
            checked, stop_url = request.GET.get(CHECKED, ""), address(request, "stop", campaign)
            return redirect(to_row(stop_url, checked) if checked.isidentifier() else stop_url)
        return _cancel_page(request, campaign, CancelForm())
    form = CancelForm(request.POST)
    if not form.is_valid():
        return _cancel_page(request, campaign, form, status=422)
    return _once(request, campaign, "cancel", form, _park if "park" in request.POST else _cancel)


def _cancel(request: StoreRequest, campaign: Campaign, form: CancelForm, version: int) -> str:
    data = form.cleaned_data
    stopping.cancel(
        request.store,
        campaign.code,
        reason=data["reason"],
        note=data["note"],
        confirm_code=data["confirm_code"],
        version=version,
        actor=request.actor,
    )
    return address(request, "closing", campaign)


def _park(request: StoreRequest, campaign: Campaign, form: PauseForm | CancelForm, version: int) -> str:
    """Let the refused stop wait; a permanent cancel has its code typed like any other."""
    data = form.cleaned_data
    parking.park(
        request.store,
        campaign.code,
        action="cancel" if isinstance(form, CancelForm) else "pause",
        then=data["then"] or ParkedClose.Then.ACT,
        reason=data["reason"],
        note=data["note"],
        freeze_claimed=data.get("freeze_claimed", False),
        confirm_code=data.get("confirm_code", ""),
        version=version,
        actor=request.actor,
    )
    messages.success(request, _("It waits now; the checks are repeated every few seconds."))
    return address(request, "detail", campaign)


def _once(request: StoreRequest, campaign: Campaign, action: str, form: Any, act: Any) -> HttpResponse:
    """Run `act` under the form's one-time token; a second submit is led to the first result."""
    again = _cancel_page if action == "cancel" else _stop_page
    try:
        with form_tokens.redeemed(
            form.cleaned_data["form_token"], user_id=request.user.pk, campaign=campaign, action=action
        ) as token:
            if token.outcome:
                return redirect(token.outcome)
            token.outcome = act(
                request, campaign, form, token.version
            )  # again under the lock: it may change until then
            return redirect(token.outcome)
    except DomainError as refusal:
        if any(item.field == "confirm_code" for item in refusal.errors):
            blame_typed(form, "confirm_code", str(refusal.errors[0].message))
            return again(request, campaign, form, status=422)
        fresh = find(request, campaign.code)
        told = {"title": _("Not carried out: nothing was changed")} | problem_of(refusal, request)
        return again(request, fresh, form, status=refusal.status, problem=told, refusal=refusal)


@requires("campaigns.pause")
@require_POST
def resume(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Bring a paused campaign back."""
    campaign = find(request, code)
    stopping.resume(request.store, campaign.code, actor=request.actor)
    messages.success(
        request, _("Submitted: the promotion is on again. Tags and prices return as each site is published.")
    )
    return redirect(address(request, "detail", campaign))


@requires("campaigns.cancel")
@require_POST
def take_back(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """撤回取消, while the hold lasts."""
    campaign = find(request, code)
    stopping.take_back(request.store, campaign.code, actor=request.actor)
    messages.success(request, _("The cancel is taken back."))
    return redirect(address(request, "detail", campaign))


def _stop_page(
    request: StoreRequest, campaign: Campaign, form: PauseForm, status: int = 200, **extra: Any
) -> HttpResponse:
    checks = close_checks(request.store, campaign, ["pause", "cancel"], actor=request.actor)
    pause_check, cancel_check = checks["pause"], checks["cancel"]
    can_pause = campaign.state == S.RUNNING
    # What cannot be paused has only the checks of the other way to show.
    shown = pause_check if can_pause else cancel_check
    context = {
        "form": form,
        "form_token": form_tokens.issue(user_id=request.user.pk, campaign=campaign, action="pause"),
        "check": pause_check,
        "shown": shown,
        "impact": shown.impact.as_dict(),
        "cancel_check": cancel_check,
        "guards": rows_of(shown.guards, here=request.path, request=request),
        "blocked_for_pause": _in_the_way(pause_check, "blocked"),
        "blocked_for_cancel": _in_the_way(cancel_check, "blocked", "unknown"),
        "can_pause": can_pause,
        "stoppable": campaign.state in STOPPABLE,
        "edit_url": address(request, "edit", campaign)
        if "campaigns.edit" in request.rights and is_own(campaign)
        else "",
        "resume_url": address(request, "resume", campaign),
        "can_cancel": campaign.state in STOPPABLE and "campaigns.cancel" in request.rights,
        "cancel_url": address(request, "cancel", campaign),
        "via": form_tokens.stop_pass(user_id=request.user.pk, code=campaign.code),
        "parked": parking.waiting(campaign),
        "back_url": address(request, "detail", campaign),
        "lock": _lock_of(extra.get("refusal"), request),
        **extra,
    }
    return page(request, "campaigns/stop.html", campaign, context, status=status)


def _cancel_page(
    request: StoreRequest, campaign: Campaign, form: CancelForm, status: int = 200, **extra: Any
) -> HttpResponse:
    check = close_check(request.store, campaign, "cancel", actor=request.actor)
    via = form_tokens.stop_pass(user_id=request.user.pk, code=campaign.code)
    here = f"{request.path}?{urlencode({'via': via})}"
    context = {
        "form": form,
        "form_token": form_tokens.issue(user_id=request.user.pk, campaign=campaign, action="cancel"),
        "check": check,
        "guards": rows_of(check.guards, here=here, request=request),
        "impact": check.impact.as_dict(),
        "can_cancel": campaign.state in STOPPABLE,
        "hold": _hold(),
        "stop_url": address(request, "stop", campaign),
        "parked": parking.waiting(campaign),
        "back_url": address(request, "detail", campaign),
        "via": via,
        "lock": _lock_of(extra.get("refusal"), request),
        **extra,
    }
    return page(request, "campaigns/cancel.html", campaign, context, status=status)


def _in_the_way(check: CloseCheck, *statuses: str) -> int:
    return sum(1 for guard in check.guards if guard.status in statuses)


def _hold() -> str:
    """How long a cancel can be taken back, in words; empty when it cannot."""
    now, hold = clock.now(), timing.cancel_hold()
    return display.span(now, now + hold) if hold else ""


def _lock_of(refusal: DomainError | None, request: StoreRequest) -> dict[str, Any] | None:
    if refusal is None or refusal.code != "ERR_OPERATION_LOCKED":
        return None
    return {"holder": refusal.extra["holder"], "until": refusal.extra.get("until") or clock.now()}
