"""商品管理: the list, and taking listings off sale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.db.models import Count, Max, Min, QuerySet, Sum
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

import policies
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock, display, keyset
from core.errors import DomainError
from core.tables import Empty
from listings import reading
from listings.delisting import delist
from listings.forms import DelistForm, ListingFilterForm, show_refusal
from listings.models import Listing, Sku
from listings.tables import ListingTable
from listings.views.common import address
from policies.rules import ListingRules


@dataclass(frozen=True, slots=True)
class Shelf:
    """The SKUs of a listing in a few figures."""

    count: int
    code: str
    currency: str
    low: Decimal
    high: Decimal
    stock: int


def shelves(listing_ids: Sequence[int]) -> dict[int, Shelf]:
    """Figures over the SKUs of each listing; one query."""
    rows = Sku.objects.filter(listing_id__in=listing_ids).order_by().values("listing_id", "currency")
    figures = rows.annotate(
        n=Count("id"), code=Min("code"), low=Min("sale_price"), high=Max("sale_price"), units=Sum("stock")
    )
    return {
        row["listing_id"]: Shelf(row["n"], row["code"], row["currency"], row["low"], row["high"], row["units"])
        for row in figures
    }


def _filter_of(query: QueryDict) -> dict[str, str]:
    """The filters of the address; unknown values are as if they were not there."""
    form = ListingFilterForm(query)
    form.is_valid()
    return {name: value for name, value in form.cleaned_data.items() if value}


@requires("listings.view")
def listing_list(request: StoreRequest, store: str) -> HttpResponse:
    """Listings of the store, newest first; filters are the address."""
    rules = policies.active(ListingRules, clock.now())
    form = ListingFilterForm(request.GET or None)
    wanted = _filter_of(request.GET)
    rows = reading.find(request.store, **wanted)
    chosen = rows.select_related("category")
    try:
        page = keyset.page(chosen, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        page = keyset.page(chosen, size=rules.page_size)
    total = keyset.count_up_to(rows, rules.count_limit + 1)
    here = address(request, "list")
    table = ListingTable(_dressed(page.rows), exclude=() if _may_delist(request) else ("pick",))
    table.context = {"request": request}
    table.empty = _empty(request, bool(wanted), here)
    context = {
        "form": form,
        "table": table,
        "pages": page,
        "total": total if total <= rules.count_limit else None,
        "many": total > rules.count_limit,
        "count_limit": rules.count_limit,
        "clear_url": here,
        "bulk_total": min(total, rules.delist_per_call),
        "bulk_actions": [{"value": "delist", "label": _("Delist"), "icon": "box"}] if _may_delist(request) else [],
    }
    return render(request, "listings/list.html", context)


def _may_delist(request: StoreRequest) -> bool:
    return "listings.delist" in request.rights


def _dressed(rows: list[Listing]) -> list[Listing]:
    """Rows with what their cells show: two queries for the page."""
    ids = [row.pk for row in rows]
    figures, tags = shelves(ids), reading.tags_of(ids, clock.now())
    for row in rows:
        row.shelf = figures.get(row.pk)  # type: ignore[attr-defined]  # for the template
        row.stock = row.shelf.stock if row.shelf else 0  # type: ignore[attr-defined]  # for the template
        row.tags = tags.get(row.pk, [])  # type: ignore[attr-defined]  # for the template
    return rows


def _empty(request: StoreRequest, filtered: bool, here: str) -> Empty:
    if filtered:
        return Empty(kind="filtered", clear_url=here)
    text = _("Import a table, create one by hand, or send them through the API.")
    if "listings.edit" not in request.rights:
        return Empty(kind="never", title=_("No listings yet"), text=text)
    label = _("Import a table")
    return Empty(
        kind="never", title=_("No listings yet"), text=text, action_url=address(request, "import"), action_label=label
    )


def _chosen(request: StoreRequest) -> list[int]:
    """The listings meant: the ticked ones, or all that match the list's filter at this moment; frozen from here on."""
    most = policies.active(ListingRules, clock.now()).delist_per_call
    if request.POST.get("all") == "1":
        rows: QuerySet[Listing] = reading.find(request.store, **_filter_of(QueryDict(request.POST.get("filter", ""))))
        return list(rows.order_by("-pk").values_list("pk", flat=True)[:most])
    picked = (text for text in request.POST.getlist("pick") if text.isascii() and text.isdigit() and len(text) < 19)
    return list(dict.fromkeys(int(text) for text in picked))[: most + 1]


@requires("listings.delist")
@require_POST
def delist_page(request: StoreRequest, store: str) -> HttpResponse:
    """First submit: the frozen selection, with reason and way to choose. Second: do it and say what became of each."""
    ids = _chosen(request)
    asked = "confirmed" in request.POST
    form = DelistForm(request.POST if asked else None)
    status = 200 if ids else 422
    rejected: list[dict[str, Any]] = []
    if asked and ids and form.is_valid():
        try:
            outcome = delist(request.store, ids, actor=request.actor, **form.cleaned_data)
        except DomainError as refused:
            show_refusal(form, refused)
            status = refused.status
        else:
            rejected = [row.as_dict() for row in outcome.rejected]
            if outcome.applied:
                words = ngettext(
                    "Submitted: %(n)s listing goes off sale.", "Submitted: %(n)s listings go off sale.", outcome.applied
                )
                messages.success(request, words % {"n": display.number(outcome.applied)})
            if not rejected:
                return redirect(address(request, "list"))
            ids = [int(row["id"]) for row in rejected]
    elif asked:
        status = 422
    rules = policies.active(ListingRules, clock.now())
    rows = list(Listing.objects.filter(store=request.store, pk__in=ids[: rules.page_size]).order_by("-pk"))
    why = {int(row["id"]): row["message"] for row in rejected}
    context = {
        "form": form,
        "ids": ids,
        "rows": [(row, why.get(row.pk, "")) for row in rows],
        "more": len(ids) - len(rows),
        "rejected": rejected,
        "hours": rules.gradual_delist_hours,
        "back_url": address(request, "list"),
    }
    return render(request, "listings/delist.html", context, status=status)
