"""Create, edit, submit, copy, delete drafts."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import lifecycle
from campaigns.forms import CampaignForm, EndTimeForm
from campaigns.inputs import CampaignInput, ItemInput
from campaigns.models import Campaign, CampaignItem, CampaignState
from campaigns.outcomes import CampaignWarning
from campaigns.views.common import address, find, page, problem_of
from core import clock, money
from core.errors import DomainError
from listings.models import ListingState, Management, Sku
from policies import active
from policies.rules.campaigns import CampaignRules

S = CampaignState
#: Where a verb's field stands on the form.
FIELDS = {
    "items": "items",
    "starts_at": "starts_at",
    "ends_at": "ends_at",
    "name": "name",
    "kind": "kind",
    "stacks": "stacks",
}


@requires("campaigns.edit")
def create(request: StoreRequest, store: str) -> HttpResponse:
    """新建活动. Saved as a draft; buyers see nothing before it is submitted."""
    form = CampaignForm(request.POST or None, store=request.store)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        given = CampaignInput(
            kind=data["kind"],
            name=data["name"],
            name_zh=data["name_zh"],
            starts_at=data["starts_at"],
            ends_at=data["ends_at"],
            stacks=data["stacks"],
            items=_items(request, data),
        )
        try:
            saved = lifecycle.create_campaign(request.store, given, actor=request.actor)
        except DomainError as refusal:
            _blame(form, refusal)
            return _form_page(request, form, refusal=refusal)
        _tell_warnings(request, saved.warnings)
        return redirect(address(request, "detail", saved.campaign))
    return _form_page(request, form)


@requires("campaigns.edit")
def edit(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Everything before the start; the end only while it runs (demands: the end of a running campaign can be moved)."""
    campaign = find(request, code)
    running = campaign.state in (S.RUNNING, S.PAUSED)
    form: CampaignForm | EndTimeForm
    if running:
        form = EndTimeForm(request.POST or None, store=request.store, initial={"ends_at": campaign.ends_at})
    else:
        form = CampaignForm(request.POST or None, store=request.store, editing=True, initial=_initial(campaign))
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        changes = (
            {"ends_at": data["ends_at"]}
            if running
            else {
                "name": data["name"],
                "name_zh": data["name_zh"],
                "starts_at": data["starts_at"],
                "ends_at": data["ends_at"],
                "stacks": data["stacks"],
                "items": _items(request, data),
            }
        )
        try:
            version = int(request.POST.get("version") or campaign.version)
            saved = lifecycle.edit_campaign(request.store, campaign.code, changes, version=version, actor=request.actor)
        except (DomainError, ValueError) as refusal:
            if isinstance(refusal, DomainError):
                _blame(form, refusal)
                return _form_page(request, form, campaign=campaign, running=running, refusal=refusal)
            return redirect(address(request, "edit", campaign))
        _tell_warnings(request, saved.warnings)
        return redirect(address(request, "detail", saved.campaign))
    return _form_page(request, form, campaign=campaign, running=running)


@requires("campaigns.edit")
@require_POST
def submit(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Submit a draft: it starts at its time, or at once when that has passed."""
    campaign = lifecycle.submit(request.store, find(request, code).code, actor=request.actor)
    messages.success(request, _("Submitted."))
    return redirect(address(request, "detail", campaign))


@requires("campaigns.edit")
@require_POST
def copy(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """复制为新活动: a draft with the same settings and products."""
    draft = lifecycle.copy_as_draft(request.store, find(request, code).code, actor=request.actor).campaign
    messages.success(request, _("Copied. Set its times, then submit it."))
    return redirect(address(request, "edit", draft))


@requires("campaigns.edit")
def delete(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Delete a draft that nobody has seen; everything later is history and stays (R37)."""
    campaign = find(request, code)
    if request.method == "POST":
        lifecycle.delete_draft(request.store, campaign.code, actor=request.actor)
        messages.success(request, _("The draft is deleted."))
        return redirect(address(request, "list"))
    return page(request, "campaigns/delete.html", campaign, {"back_url": address(request, "detail", campaign)})


def _items(request: StoreRequest, data: dict[str, Any]) -> tuple[ItemInput, ...]:
    """The typed lines, and the category's SKUs at the percentage; a typed price wins over the computed one."""
    typed = [ItemInput(sku=sku, price=price) for sku, price in data["items"]]
    if not data.get("category"):
        return tuple(typed)
    known = {item.sku for item in typed}
    most = data.get("most") or active(CampaignRules, clock.now()).items_per_call
    skus = Sku.objects.filter(
        store_id=request.store.pk,
        listing__category=data["category"],
        listing__state=ListingState.ON_SALE,
        listing__management=Management.SELF,
    ).order_by("id")
    factor = (100 - Decimal(data["percent_off"])) / 100
    picked = [
        ItemInput(sku=code, price=money.text(price * factor, currency))
        for code, price, currency in skus.values_list("code", "sale_price", "currency")[:most]
        if code not in known
    ]
    return tuple(typed + picked)


def _initial(campaign: Campaign) -> dict[str, Any]:
    rows = (
        CampaignItem.objects.filter(campaign=campaign).order_by("id").values_list("sku__code", "price", "sku__currency")
    )
    return {
        "name": campaign.name,
        "name_zh": campaign.name_zh,
        "starts_at": campaign.starts_at,
        "ends_at": campaign.ends_at,
        "stacks": campaign.stacks,
        "items": [(sku, money.text(price, currency)) for sku, price, currency in rows if price is not None],
    }


def _blame(form: Any, refusal: DomainError) -> None:
    """Put each error of a verb beside its field; the rest stands on top."""
    for item in refusal.errors:
        name = FIELDS.get(item.field.split(".")[0].split("[")[0])
        form.add_error(name if name in form.fields else None, str(item.message))
    if not refusal.errors:
        form.add_error(None, str(refusal.detail))


def _tell_warnings(request: StoreRequest, warnings: Sequence[CampaignWarning]) -> None:
    for warning in warnings:
        messages.warning(request, str(warning.message))


def _form_page(
    request: StoreRequest,
    form: Any,
    campaign: Campaign | None = None,
    running: bool = False,
    refusal: DomainError | None = None,
) -> HttpResponse:
    status = refusal.status if refusal else 422 if form.errors else 200
    context = {
        "form": form,
        "running": running,
        "problem": problem_of(refusal, request) if refusal and not refusal.errors else None,
        "back_url": address(request, "detail", campaign) if campaign else address(request, "list"),
    }
    if campaign is not None:
        return page(request, "campaigns/form.html", campaign, context, status=status)
    return render(request, "campaigns/form.html", context, status=status)
