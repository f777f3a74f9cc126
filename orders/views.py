"""Order pages: the list, and one order with the terms it was placed under (R14, R15)."""

from __future__ import annotations

from django.contrib import messages
from django.db.models import Count
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

import policies
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock, keyset
from core.errors import DomainError, NotFound
from core.returning import back_of
from core.tables import Empty
from orders import reading
from orders.editing import patch_order
from orders.forms import OrderChangeForm, OrderFilterForm
from orders.kept_terms import campaigns_of, kept_terms
from orders.models import OrderLine
from orders.tables import OrderTable
from policies.rules import OrderRules


@requires("orders.view")
def order_list(request: StoreRequest, store: str) -> HttpResponse:
    """Orders of the store, newest first; filters are the address."""
    form = OrderFilterForm(request.GET or None, store=request.store)
    form.is_valid()
    wanted = {name: value for name, value in getattr(form, "cleaned_data", {}).items() if value}
    rules = policies.active(OrderRules, clock.now())
    rows = reading.find(request.store, **wanted)
    try:
        page = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        page = keyset.page(rows, size=rules.page_size)
    counts = dict(
        OrderLine.objects.filter(order__in=[row.pk for row in page.rows])
        .order_by()
        .values_list("order")
        .annotate(n=Count("id"))
    )
    for row in page.rows:
        row.lines_count = counts.get(row.pk, 0)  # type: ignore[attr-defined]  # for the template
    table = OrderTable(page.rows)
    table.context = {"request": request}
    here = reverse("orders:list", kwargs={"store": request.store.slug})
    table.empty = (
        Empty(kind="filtered", clear_url=here)
        if wanted
        else Empty(
            kind="never",
            title=_("No orders yet"),
            text=_("Orders arrive through the API, the storefront or an import."),
        )
    )
    total = keyset.count_up_to(rows, rules.count_limit + 1)
    context = {
        "form": form,
        "table": table,
        "pages": page,
        "total": total if total <= rules.count_limit else None,
        "clear_url": here,
        "back": back_of(request, f"/s/{request.store.slug}/"),
    }
    return render(request, "orders/list.html", context)


@requires("orders.view")
def detail(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """One order. A change of state, fulfilment number or dispute needs `orders.edit`; the terms cannot be changed by anybody."""
    try:
        order = reading.get(request.store, code)
    except NotFound:
        raise Http404("no such order in this store") from None
    can_edit = "orders.edit" in request.rights
    form = OrderChangeForm(
        request.POST or None,
        initial={"state": order.state, "fulfilment_number": order.fulfilment_number, "dispute": order.dispute},
    )
    status = 200
    if request.method == "POST":
        if can_edit and form.is_valid():
            changes = {name: value for name, value in form.cleaned_data.items() if value != getattr(order, name)}
            try:
                patch_order(request.store, order.code, changes, version=_version(request), actor=request.actor)
            except DomainError as refusal:
                form.add_error(None, str(refusal.errors[0].message if refusal.errors else refusal.detail))
                status = refusal.status
            else:
                messages.success(request, _("Submitted."))
                return redirect("orders:detail", store=request.store.slug, code=order.code)
        else:
            status = 422 if can_edit else 403
    context = {
        "order": order,
        "terms": kept_terms(order),
        "lines": [(line, campaigns_of(order, line)) for line in reading.lines_of(order)],
        "form": form,
        "can_edit": can_edit,
    }
    return render(request, "orders/detail.html", context, status=status)


def _version(request: StoreRequest) -> int | None:
    text = request.POST.get("version", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else None
