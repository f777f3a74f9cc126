"""成本: the ledger of a coupon, its budget, its clicks, and what it brings (R58, R60, R61, R80, R153)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

import policies
from accounts.forms import blame
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import charts, clock, display, keyset, money
from core.errors import DomainError
from core.forms import at_version
from core.tables import Empty
from coupons import budgets, cost_figures, costs
from coupons.cost_forms import BudgetForm, ClicksForm
from coupons.cost_tables import CostDayTable, CostTable
from coupons.models import Coupon, CouponState
from coupons.views.common import address, find, page
from policies.rules import ReachRules


@requires("coupons.view")
def show(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The costs tab."""
    return _page(request, find(request, code))


@requires("coupons.manage")
@require_POST
def budget(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Set or lift the budget."""
    coupon, form = find(request, code), BudgetForm(request.POST)
    if form.is_valid():
        data = form.cleaned_data
        try:
            budgets.set_budget(
                request.store, coupon.code, budget=data["budget"].strip() or None, version=data["version"], actor=request.actor
            )  # fmt: skip
        except DomainError as refusal:
            blame(form, refusal.errors, refusal.detail)
            at_version(form, coupon.version)
            return _page(request, coupon, budget_form=form, status=refusal.status)
        messages.success(request, _("The budget is set."))
        return HttpResponseRedirect(address(request, "costs", coupon))
    return _page(request, coupon, budget_form=form, status=422)


@requires("coupons.manage")
@require_POST
def clicks(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Record clicks."""
    coupon, form = find(request, code), ClicksForm(request.POST)
    if form.is_valid():
        try:
            costs.record_clicks(request.store, coupon.code, **form.cleaned_data, actor=request.actor)
        except DomainError as refusal:
            blame(form, refusal.errors, refusal.detail)
            return _page(request, coupon, clicks_form=form, status=refusal.status)
        messages.success(request, _("The clicks are recorded."))
        return HttpResponseRedirect(address(request, "costs", coupon))
    return _page(request, coupon, clicks_form=form, status=422)


def _page(
    request: StoreRequest,
    coupon: Coupon,
    *,
    budget_form: BudgetForm | None = None,
    clicks_form: ClicksForm | None = None,
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    rules = policies.active(ReachRules, now)
    sums = cost_figures.totals(coupon)
    over = coupon.state in (CouponState.EXPIRED, CouponState.VOIDED)
    manages = "coupons.manage" in request.rights
    if budget_form is None:
        worth = "" if coupon.budget is None else money.text(coupon.budget, coupon.currency)
        budget_form = BudgetForm(initial={"budget": worth, "version": coupon.version})
    context: dict[str, Any] = {
        "here": _("Costs"),
        "sums": sums,
        "verdicts": cost_figures.verdicts(sums, now=now),
        "effects": cost_figures.effects(coupon, now=now) if coupon.tally.claimed else [],
        "left": None if coupon.tally.budget is None else coupon.tally.budget - coupon.tally.spent,
        "used_percent": _used(coupon),
        "budget_form": budget_form if manages and not over else None,
        "clicks_form": (clicks_form or ClicksForm()) if manages and coupon.state != CouponState.DRAFT else None,
        **_by_day(request, coupon, rules),
        **_ledger(request, coupon, rules),
    }
    for form, name in ((budget_form, "budget"), (context["clicks_form"], "amount")):
        if form is not None:
            form.fields[name].label = f"{form.fields[name].label} ({coupon.currency})"
    return page(request, "coupons/costs.html", coupon, context, status)


def _used(coupon: Coupon) -> int | None:
    tally = coupon.tally
    return None if not tally.budget else min(100, int(tally.spent * 100 / tally.budget))


def _by_day(request: StoreRequest, coupon: Coupon, rules: ReachRules) -> dict[str, Any]:
    days = cost_figures.days(coupon, display.zone(request.store.time_zone))
    axis = charts.span_of(days, rules.chart_days)
    if not axis:
        return {"chart": None}
    words = {day: display.money(days.get(day, {}).get("cost", cost_figures.ZERO), coupon.currency) for day in axis}
    rows = [
        {"day": f"{day:%Y-%m-%d}", "cost": words[day], "redemptions": days.get(day, {}).get("redemptions", 0)}
        for day in reversed(axis)
        if day in days
    ]
    return {"chart": charts.bars(_("Cost"), days, axis, "cost", words), "day_table": CostDayTable(rows)}


def _ledger(request: StoreRequest, coupon: Coupon, rules: ReachRules) -> dict[str, Any]:
    rows = cost_figures.entries(coupon)
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        found = keyset.page(rows, size=rules.page_size)
    table = CostTable(found.rows)
    table.context = {"request": request}
    table.empty = Empty(
        kind="never",
        title=_("It has cost nothing yet"),
        text=_("Each redemption appears here with what it took off; there is no platform fee."),
    )
    return {"table": table, "pages": found}
