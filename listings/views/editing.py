"""Making a listing, changing it, changing its prices, putting it on sale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from core.errors import DomainError, VersionConflict
from listings import reading
from listings.drafts import ListingData
from listings.editing import create_listing, edit_listing
from listings.forms import ListingForm, SkuForm, SkuPriceForm, show_refusal
from listings.models import ChangeSource, Listing, ListingState, Sku
from listings.views.common import address, find, sent, version_of

#: Empty rows for SKUs on the form of a new listing, and on that of one that is there.
_NEW_ROWS, _MORE_ROWS = 3, 1


def _all_valid(rows: Sequence[forms.Form]) -> bool:
    """Every row is looked at, so that every row shows what is wrong with it."""
    return not [row for row in rows if not row.is_valid()]


@requires("listings.edit")
def create(request: StoreRequest, store: str) -> HttpResponse:
    """A new listing with up to a few SKUs; more come by editing it, or by a table."""
    data, _files = sent(request)
    form = ListingForm(data)
    rows = [SkuForm(data, prefix=f"sku{index}") for index in range(_NEW_ROWS)]
    draft = request.POST.get("then") == "draft"
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid() and _all_valid(rows):
            used = [row for row in rows if not row.blank] or rows[:1]
            state = ListingState.DRAFT if draft else ListingState.ON_SALE
            body = form.changes({}) | {"state": state.value, "skus": [row.row() for row in used]}
            try:
                listing = create_listing(
                    request.store, ListingData.of(body), source=ChangeSource.MANUAL, actor=request.actor
                )
            except DomainError as refused:
                show_refusal(form, refused, used)
                status = refused.status
            else:
                messages.success(request, _("Submitted. Buyers see it once the sites have been told."))
                return redirect(address(request, "detail", pk=listing.pk))
    context = {
        "form": form,
        "rows": rows,
        "draft": draft,
        "back_url": address(request, "list"),
        "currency": request.store.currency,
    }
    return render(request, "listings/form.html", context, status=status)


@requires("listings.edit")
def edit(request: StoreRequest, store: str, pk: int) -> HttpResponse:
    """Everything about a listing; sale prices only for those who may change them."""
    listing = find(request, pk)
    priced = "listings.price" in request.rights
    skus = reading.skus_of([listing.pk]).get(listing.pk, [])
    data, _files = sent(request)
    form = ListingForm(data, initial=ListingForm.values_of(listing))
    known = [
        SkuForm(data, prefix=f"sku{sku.pk}", initial=SkuForm.values_of(sku), known=True, priced=priced) for sku in skus
    ]
    rows = [*known, *(SkuForm(data, prefix=f"new{index}") for index in range(_MORE_ROWS))]
    problem: DomainError | None = None
    if request.method == "POST" and form.is_valid() and _all_valid(rows):
        used = [*known, *(row for row in rows[len(known) :] if not row.blank)]
        skus_sent = [row.row(priced=priced or row not in known) for row in used]
        changes = form.changes(listing.titles) | {"skus": skus_sent}
        saved, problem = _save(request, listing, changes, form, used)
        if saved is not None:
            return saved
    return _show(request, "listings/form.html", listing, form, rows, problem)


@requires("listings.price")
def prices(request: StoreRequest, store: str, pk: int) -> HttpResponse:
    """The sale prices of a listing, and nothing else."""
    listing = find(request, pk)
    skus = reading.skus_of([listing.pk]).get(listing.pk, [])
    data, _files = sent(request)
    form = ListingForm()
    rows = [SkuPriceForm(data, prefix=f"sku{sku.pk}", initial=SkuForm.values_of(sku)) for sku in skus]
    problem: DomainError | None = None
    if request.method == "POST":
        form = ListingForm(ListingForm.values_of(listing))
        form.is_valid()
        if _all_valid(rows):
            changes = {"skus": [dict(row.cleaned_data) for row in rows]}
            saved, problem = _save(request, listing, changes, form, rows)
            if saved is not None:
                return saved
    return _show(request, "listings/prices.html", listing, form, rows, problem)


def _save(
    request: StoreRequest, listing: Listing, changes: Mapping[str, Any], form: ListingForm, rows: list[Any]
) -> tuple[HttpResponse | None, DomainError | None]:
    """Do it: the way on, or what stood against it (shown beside the fields)."""
    try:
        after = edit_listing(
            request.store,
            listing.pk,
            changes,
            version=version_of(request),
            source=ChangeSource.MANUAL,
            actor=request.actor,
        )
    except DomainError as refused:
        if not isinstance(refused, VersionConflict):
            show_refusal(form, refused, rows)
        return None, refused
    if after.version == listing.version:
        messages.info(request, _("Nothing was different, so nothing was changed."))
    else:
        messages.success(request, _("Submitted. Buyers see it once the sites have been told."))
    return redirect(address(request, "detail", pk=listing.pk)), None


def _show(
    request: StoreRequest,
    template: str,
    listing: Listing,
    form: ListingForm,
    rows: list[Any],
    problem: DomainError | None,
) -> HttpResponse:
    status = 200 if request.method != "POST" else (problem.status if problem else 422)
    stale, given = isinstance(problem, VersionConflict), version_of(request)
    currency = Sku.objects.filter(listing=listing).values_list("currency", flat=True).first() or request.store.currency
    context = {
        "listing": listing,
        "form": form,
        "rows": rows,
        "stale": stale,
        "differences": _differences([form, *rows]) if stale else [],
        # Whoever has seen what others changed may send the form again: it is made from the listing as it stands now. One that was
        # refused for its fields is still made from what its sender saw.
        "version": listing.version if stale or given is None else given,
        "back_url": address(request, "detail", pk=listing.pk),
        "currency": currency,
    }
    return render(request, template, context, status=status)


def _differences(filled: Sequence[forms.Form]) -> list[dict[str, Any]]:
    """What was typed against what stands now, field by field."""
    return [
        {
            "label": f"{row['sku'].value()} · {row[name].label}" if "sku" in row.fields else row[name].label,
            "before": row.get_initial_for_field(row.fields[name], name),
            "after": row[name].value(),
        }
        for row in filled
        for name in row.changed_data
    ]


@requires("listings.edit")
@require_POST
def put_on_sale(request: StoreRequest, store: str, pk: int) -> HttpResponse:
    """上架."""
    listing = find(request, pk)
    try:
        edit_listing(
            request.store, pk, {"state": ListingState.ON_SALE.value}, version=version_of(request), source=ChangeSource.MANUAL,
            actor=request.actor,
        )  # fmt: skip
    except DomainError as refused:
        messages.error(request, str(refused.errors[0].message if refused.errors else refused.detail))
    else:
        messages.success(request, _("Submitted. Buyers see it once the sites have been told."))
    return redirect(address(request, "detail", pk=listing.pk))
