"""Stop issuing, resume, void: the buttons and the pages that ask first. What they offer is lent to the pages of a coupon."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Sum
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from core import display
from core.errors import DomainError
from core.forms import at_version
from coupons import lifecycle, links, stopping, tabs
from coupons.models import Bond, Coupon, CouponState, PausedBy, Reservation
from coupons.shortages import Shortage
from coupons.views.common import address, find, page, problem_of, why_not

S = CouponState
RIGHT = "coupons.manage"


class PauseForm(forms.Form):
    """暂停发放."""

    reason = forms.CharField(
        label=gettext_lazy("Reason"), required=False, max_length=500, widget=forms.Textarea(attrs={"rows": 2})
    )
    freeze_claimed = forms.BooleanField(
        label=gettext_lazy("Freeze use of claimed coupons"),
        help_text=gettext_lazy("Off unless you choose it: buyers who hold one may go on using it."),
        required=False,
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


class VoidForm(forms.Form):
    """作废: final, so the coupon's own code is typed, and the people of the store read why."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=500, widget=forms.Textarea(attrs={"rows": 2}))
    confirm_code = forms.CharField(
        label=gettext_lazy("Coupon code"),
        max_length=40,
        required=False,
        widget=forms.TextInput(
            attrs={
                "autocomplete": "off",
                "autocapitalize": "characters",
                "spellcheck": "false",
                "class": "bo-code-input",
            }
        ),
    )
    version = forms.IntegerField(widget=forms.HiddenInput, required=False)


def buttons(request: StoreRequest, coupon: Coupon) -> tabs.Buttons:
    """What may be done with a coupon that is not a draft and not over; no query."""
    found = tabs.Buttons()
    if RIGHT not in request.rights:
        return found
    if coupon.state == S.DRAFT:
        url = address(request, "activate", coupon)
        found.main.append({"label": _("Start issuing"), "url": url, "icon": "play", "post": True, "primary": True})
    if coupon.state == S.ACTIVE:
        stop = {"label": _("Stop issuing"), "url": address(request, "pause", coupon), "icon": "pause", "tone": "pause"}
        found.main.append({**stop, "key": "p"})
    if coupon.state == S.PAUSED and coupon.paused_by != PausedBy.CAMPAIGN:
        url = address(request, "resume", coupon)
        found.main.append({"label": _("Resume issuing"), "url": url, "icon": "play", "post": True})
    if coupon.state in lifecycle.LIVE:
        found.final.append({"label": _("Void coupon…"), "url": address(request, "void", coupon)})
    return found


@requires(RIGHT)
@require_POST
def activate(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """A draft is issued, effective at once."""
    coupon = find(request, code)
    try:
        acted = lifecycle.activate(request.store, coupon.code, actor=request.actor)
    except DomainError as refusal:
        return _stays(request, coupon, refusal)
    waits = acted.coupon.bond == Bond.WAITS
    messages.success(
        request,
        _("The coupon is ready; buyers can claim it as soon as its campaign runs.")
        if waits
        else _("The coupon is issued."),
    )
    if words := shortage_words(acted.shortage):
        messages.warning(request, words)
    return redirect(address(request, "detail", coupon))


@requires(RIGHT)
def pause(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """GET asks and shows what a stop touches, POST stops."""
    coupon = find(request, code)
    form = PauseForm(request.POST or None, initial={"version": coupon.version})
    if request.method != "POST":
        return _ask(request, coupon, form, "pause")
    if not form.is_valid():
        return _ask(request, coupon, form, "pause", status=422)
    try:
        acted = lifecycle.pause(request.store, coupon.code, **form.cleaned_data, actor=request.actor)
    except DomainError as refusal:
        return _refused(request, coupon, form, "pause", refusal)
    kept = _("claimed ones cannot be used meanwhile") if acted.coupon.freeze_claimed else _("claimed ones stay usable")
    messages.success(request, _("Issuing is stopped; %(kept)s.") % {"kept": kept})
    return redirect(address(request, "detail", coupon))


@requires(RIGHT)
@require_POST
def resume(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """恢复发放; says which stock could not be held again."""
    coupon = find(request, code)
    try:
        acted = lifecycle.resume(request.store, coupon.code, actor=request.actor)
    except DomainError as refusal:
        return _stays(request, coupon, refusal)
    messages.success(request, _("The coupon is issued again."))
    if words := shortage_words(acted.shortage):
        messages.warning(request, words)
    return redirect(address(request, "detail", coupon))


@requires(RIGHT)
def void(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """作废: consequences with real figures, the typed code."""
    coupon = find(request, code)
    form = VoidForm(request.POST or None, initial={"version": coupon.version})
    if request.method != "POST":
        return _ask(request, coupon, form, "void")
    if not form.is_valid():
        return _ask(request, coupon, form, "void", status=422)
    try:
        acted = lifecycle.void(request.store, coupon.code, **form.cleaned_data, actor=request.actor)
    except DomainError as refusal:
        return _refused(request, coupon, form, "void", refusal)
    shown = display.number(acted.claims)
    messages.success(
        request,
        _("The coupon is void; there was no claimed one left to use.")
        if not acted.claims
        else ngettext(
            "The coupon is void, and with it %(n)s claimed one that was not used.",
            "The coupon is void, and with it %(n)s claimed ones that were not used.",
            acted.claims,
        )
        % {"n": shown},
    )
    return redirect(address(request, "detail", coupon))


def _stays(request: StoreRequest, coupon: Coupon, refusal: DomainError) -> HttpResponse:
    """What a button without a page of its own could not do, said on the page of the coupon."""
    messages.error(request, why_not(refusal))
    return redirect(address(request, "detail", coupon))


def shortage_words(found: Shortage) -> str:
    """What could not be held again, in one sentence; empty when everything was."""
    if not found.short:
        return ""
    words = ngettext(
        "Of %(n)s product less stock could be reserved than the quota asks for: %(codes)s.",
        "Of %(n)s products less stock could be reserved than the quota asks for: %(codes)s.",
        found.short,
    )
    more = ["…"] if found.short > len(found.codes) else []
    return words % {"n": display.number(found.short), "codes": display.series([*found.codes, *more])}


def _ask(
    request: StoreRequest, coupon: Coupon, form: forms.Form, what: str, status: int = 200, **extra: Any
) -> HttpResponse:
    ids = [coupon.pk]
    context = {
        "form": form,
        "unused": stopping.unused(ids).get(coupon.pk, 0),
        "units": Reservation.objects.filter(coupon=coupon).aggregate(n=Sum("units"))["n"] or 0,
        "campaign": links.of(request.store.pk, ids).get(coupon.pk),
        "possible": coupon.state in (lifecycle.LIVE if what == "void" else {S.ACTIVE}),
        "back_url": address(request, "detail", coupon),
        "pause_url": address(request, "pause", coupon),
        **extra,
    }
    return page(request, f"coupons/{what}.html", coupon, context, status=status)


def _refused(request: StoreRequest, coupon: Coupon, form: forms.Form, what: str, refusal: DomainError) -> HttpResponse:
    if any(item.field == "confirm_code" for item in refusal.errors):
        form.add_error("confirm_code", str(refusal.errors[0].message))
        return _ask(request, coupon, form, what, status=422)
    fresh = find(request, coupon.code)
    at_version(form, fresh.version)
    return _ask(request, fresh, form, what, status=refusal.status, problem=problem_of(refusal, request))


tabs.lend_page("<str:code>/activate/", activate, "activate")
tabs.lend_page("<str:code>/pause/", pause, "pause")
tabs.lend_page("<str:code>/resume/", resume, "resume")
tabs.lend_page("<str:code>/void/", void, "void")
tabs.lend_buttons(buttons)
