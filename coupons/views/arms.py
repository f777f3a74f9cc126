"""A/B tests: start one, its results on the pages of both coupons, stop it (R67)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from accounts.forms import blame
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock
from core.errors import DomainError
from coupons import arms
from coupons.arm_forms import TestForm
from coupons.models import ArmsState, Coupon, CouponState
from coupons.tabs import Buttons
from coupons.views.common import address, find, page, problem_of
from policies import active
from policies.rules import ReachRules


def section(request: StoreRequest, coupon: Coupon) -> dict[str, Any] | None:
    """The section of the overview; none for a coupon that was never tested."""
    test = arms.latest_of(coupon)
    if test is None:
        return None
    return {
        "test": test,
        "found": arms.compare(test, now=clock.now()),
        "running": test.state == ArmsState.RUNNING,
        "may_stop": "coupons.manage" in request.rights,
        "rules": active(ReachRules, clock.now()),
    }


def buttons(request: StoreRequest, coupon: Coupon) -> Buttons:
    """Under More, for a coupon that is issued."""
    found = Buttons()
    if coupon.state == CouponState.ACTIVE and "coupons.manage" in request.rights and not coupon.codes_only:
        found.items.append({"label": _("Test against another coupon"), "url": address(request, "test", coupon)})
    return found


@requires("coupons.manage")
def start(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The form, and the start."""
    coupon = find(request, code)
    rows = Coupon.objects.filter(
        store=request.store, state=CouponState.ACTIVE, currency=coupon.currency, codes_only=False
    ).exclude(pk=coupon.pk)
    most = active(ReachRules, clock.now()).page_size
    choices = [(row.code, f"{row.label} ({row.code})") for row in rows.order_by("-id")[: 4 * most]]
    form = TestForm(request.POST or None, coupons=choices)
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            pair = (coupon.code, data["other"])
            try:
                arms.start(
                    request.store, data["code"], name=data["name"], arms=pair, share=data["share"], actor=request.actor
                )
            except DomainError as refusal:
                blame(form, refusal.errors, refusal.detail)
                status = refusal.status
            else:
                messages.success(request, _("The test is running."))
                return HttpResponseRedirect(address(request, "detail", coupon))
    context = {"here": _("Start an A/B test"), "form": form if choices else None}
    return page(request, "coupons/test_start.html", coupon, context, status)


@requires("coupons.manage")
def stop(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Ask, then stop the running test."""
    coupon = find(request, code)
    test = arms.latest_of(coupon)
    if test is None:
        raise Http404("this coupon was never tested")
    context: dict[str, Any] = {"here": _("Stop the test"), "test": test}
    status = 200
    if request.method == "POST":
        try:
            arms.stop(request.store, test.code, actor=request.actor)
        except DomainError as refusal:
            context["problem"], status = problem_of(refusal, request), refusal.status
        else:
            messages.success(request, _("The test is stopped."))
            return HttpResponseRedirect(address(request, "detail", coupon))
    return page(request, "coupons/test_stop.html", coupon, context, status)
