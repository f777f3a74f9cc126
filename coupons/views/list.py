"""优惠券管理: the list of coupons (R53)."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock, keyset
from core.errors import DomainError
from core.tables import Empty
from coupons import reading
from coupons.forms import CouponFilterForm
from coupons.models import CouponState
from coupons.tables import CouponTable
from coupons.tabs import Buttons
from coupons.views.common import address, buttons_for
from policies import active
from policies.rules import CouponRules


@requires("coupons.view")
def coupon_list(request: StoreRequest, store: str) -> HttpResponse:
    """The list. Filters are the address, so that a link restores the page (R17)."""
    form = CouponFilterForm(request.GET or None)
    data = form.cleaned_data if form.is_valid() else {}
    wanted = reading.CouponFilter(data.get("state", ""), data.get("kind", ""), data.get("q", ""))
    rows, rules = reading.matching(request.store.pk, wanted), active(CouponRules, clock.now())
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        found = keyset.page(rows, size=rules.page_size)
    for coupon in found.rows:
        coupon.row_actions = _in_a_row(buttons_for(request, coupon))  # type: ignore[attr-defined]  # for the table
    table = CouponTable(found.rows, address=partial(address, request, "detail"))
    if "coupons.manage" not in request.rights:
        table.exclude = ("actions",)
    table.context = {"request": request}
    table.empty = _empty(request, any(request.GET.get(name) for name in form.fields))
    total = keyset.count_up_to(rows, rules.count_limit + 1)
    context: dict[str, Any] = {
        "table": table,
        "form": form,
        "tabs": _tabs(request),
        "pages": found,
        "total": total if total <= rules.count_limit else None,
        "many": total > rules.count_limit,
        "count_limit": rules.count_limit,
        "clear_url": address(request, "list"),
    }
    return render(request, "coupons/list.html", context)


def _in_a_row(buttons: Buttons) -> Buttons:
    """One button in sight, the others under More: a draft is edited from the list, and issued by nobody's slip."""
    buttons.items = [*buttons.main[1:], *buttons.items]
    buttons.main = buttons.main[:1]
    return buttons


def _tabs(request: StoreRequest) -> list[dict[str, Any]]:
    counts, base, chosen = reading.by_state(request.store.pk), address(request, "list"), request.GET.get("state", "")
    shown = [{"label": _("All"), "url": base, "current": not chosen, "count": None}]
    for state in CouponState:
        count = counts.get(state, 0) if state in (CouponState.DRAFT, CouponState.ACTIVE, CouponState.PAUSED) else None
        url = f"{base}?state={state}"
        shown.append({"label": state.label, "url": url, "current": chosen == state, "count": count})
    return shown


def _empty(request: StoreRequest, filtered: bool) -> Empty:
    if filtered:
        return Empty(kind="filtered", clear_url=address(request, "list"))
    can = "coupons.manage" in request.rights
    return Empty(
        kind="never",
        title=_("No coupons yet"),
        text=_("A coupon takes its face value off an order of chosen products, once for each buyer."),
        action_url=address(request, "new") if can else "",
        action_label=_("Create coupon") if can else "",
    )
