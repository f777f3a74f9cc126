"""Pages of platform staff (平台小二): promotions to review, and what the platform holds of a campaign (R21, R25, R4)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.problems import problem_context
from accounts.requests import SignedInRequest
from accounts.rights import staff_only
from campaigns import finding, reviewing, subitems
from campaigns.checking import warnings_of
from campaigns.kinds import spec
from campaigns.models import Campaign, CampaignItem, CampaignState, Kind
from campaigns.review_forms import APPROVE, REJECT, DecisionForm, EndItemsForm, EnforceForm
from core import clock
from core.errors import DomainError, NotFound
from core.forms import at_version
from core.scopes import across_stores, in_store
from policies import active
from policies.rules.campaigns import CampaignRules

S = CampaignState
WAITING, LIVE, ENFORCED = "waiting", "live", "enforced"


@staff_only
def queue(request: SignedInRequest) -> HttpResponse:
    """Enrolments that wait for a decision, the longest waiting first; live promotions; what the platform enforces."""
    tab = request.GET.get("tab", WAITING)
    rules = active(CampaignRules, clock.now())
    with across_stores("platform staff review the campaigns of all stores"):
        rows = _rows(tab).select_related("store")
        page = Paginator(rows, rules.page_size).get_page(request.GET.get("page"))
        waiting = _rows(WAITING).count()
        list(page.object_list)
    base = reverse("platform_campaigns")
    tabs = [
        {"label": _("To review"), "url": base, "current": tab == WAITING, "count": waiting},
        {"label": _("Live promotions"), "url": f"{base}?tab={LIVE}", "current": tab == LIVE, "count": None},
        {
            "label": _("Enforced by platform"),
            "url": f"{base}?tab={ENFORCED}",
            "current": tab == ENFORCED,
            "count": None,
        },
    ]
    return render(request, "campaigns/platform/queue.html", {"page": page, "tabs": tabs, "tab": tab})


def _rows(tab: str) -> QuerySet[Campaign]:
    if tab == LIVE:
        live = [S.SCHEDULED, S.RUNNING, S.PAUSED]
        return Campaign.objects.filter(kind=Kind.PLATFORM_PROMOTION, state__in=live).order_by("starts_at", "id")
    if tab == ENFORCED:
        return (
            Campaign.objects.filter(platform_enforced=True)
            .exclude(state__in=[S.ENDED, S.CANCELLED])
            .order_by("ends_at", "id")
        )
    return Campaign.objects.filter(state=S.IN_REVIEW).order_by("submitted_at", "id")


@staff_only
def show(request: SignedInRequest, code: str) -> HttpResponse:
    """One campaign as staff decide on it."""
    return _page(request, _find(code))


@staff_only
@require_POST
def decide(request: SignedInRequest, code: str) -> HttpResponse:
    """Approve, reject with a reason, or give back to the store."""
    campaign = _find(code)
    form = DecisionForm(request.POST, reasons=active(CampaignRules, clock.now()).reject_reasons)
    if not form.is_valid():
        return _page(request, campaign, status=422, decision=form)
    data = form.cleaned_data
    told: dict[str, Any] = {"note": data["note"], "version": data["version"], "actor": request.actor}
    try:
        with in_store(campaign.store_id):
            if data["act"] == APPROVE:
                reviewing.approve(campaign.store, campaign.code, **told)
                words = _("Approved.")
            elif data["act"] == REJECT:
                reviewing.reject(campaign.store, campaign.code, reason=data["reason"], **told)
                words = _("Rejected. The store was told why.")
            else:
                reviewing.withdraw_enrolment(campaign.store, campaign.code, **told)
                words = _("Given back to the store as a draft.")
    except DomainError as error:
        return _page(request, _find(code), status=error.status, error=error, decision=form)
    messages.success(request, words)
    return HttpResponseRedirect(reverse("platform_campaigns"))


@staff_only
@require_POST
def enforce(request: SignedInRequest, code: str) -> HttpResponse:
    """Switch enforcement by the platform on or off."""
    campaign = _find(code)
    form = EnforceForm(request.POST)
    if not form.is_valid():
        return _page(request, campaign, status=422, enforcing=form)
    data = form.cleaned_data
    try:
        with in_store(campaign.store_id):
            reviewing.set_enforced(
                campaign.store, campaign.code, data["enforced"],
                reason=data["reason"], version=data["version"], actor=request.actor,
            )  # fmt: skip
    except DomainError as error:
        for item in error.errors:
            form.add_error("reason" if item.field == "reason" else None, str(item.message))
        return _page(request, _find(code), status=error.status, error=None if error.errors else error, enforcing=form)
    messages.success(request, _("Saved."))
    return HttpResponseRedirect(reverse("platform_campaign", kwargs={"code": campaign.code}))


@staff_only
@require_POST
def end_items(request: SignedInRequest, code: str) -> HttpResponse:
    """End items of a promotion for the store."""
    campaign = _find(code)
    form = EndItemsForm(request.POST)
    if not form.is_valid():
        return _page(request, campaign, status=422, ending=form)
    data = form.cleaned_data
    try:
        with in_store(campaign.store_id):
            subitems.release_items(
                campaign.store, campaign.code, request.POST.getlist("sku"),
                reason=data["reason"], version=data["version"], actor=request.actor,
            )  # fmt: skip
    except DomainError as error:
        return _page(request, _find(code), status=error.status, error=error, ending=form)
    messages.success(request, _("These items no longer take part."))
    return HttpResponseRedirect(reverse("platform_campaign", kwargs={"code": campaign.code}))


def _find(code: str) -> Campaign:
    try:
        return finding.across(code)
    except NotFound:
        raise Http404("no such campaign") from None


def _page(
    request: SignedInRequest,
    campaign: Campaign,
    *,
    status: int = 200,
    error: DomainError | None = None,
    decision: DecisionForm | None = None,
    enforcing: EnforceForm | None = None,
    ending: EndItemsForm | None = None,
) -> HttpResponse:
    rules, version = active(CampaignRules, clock.now()), {"version": campaign.version}
    for refused in (decision, enforcing, ending):
        if refused is not None:
            at_version(refused, campaign.version)
    with in_store(campaign.store_id):
        rows = CampaignItem.objects.filter(campaign=campaign).select_related("sku", "listing").order_by("id")
        pages = Paginator(rows, rules.page_size)
        pages.count = campaign.item_count
        page = pages.get_page(request.GET.get("page"))
        items = list(page.object_list)
        warnings = warnings_of(campaign, clock.now())
    can_end = spec(campaign.kind).sub_items and campaign.state in subitems.OPEN
    context: dict[str, Any] = {
        "campaign": campaign,
        "shop": campaign.store,
        "items": items,
        "pages": page,
        "warnings": warnings,
        "decision": decision or DecisionForm(reasons=rules.reject_reasons, initial=version),
        "enforcing": enforcing or EnforceForm(initial=version | {"reason": campaign.enforced_reason}),
        "ending": (ending or EndItemsForm(initial=version)) if can_end else None,
        "can_enforce": campaign.state in reviewing.LIVE,
        "back_url": reverse("platform_campaigns"),
    }
    if error is not None:
        context["problem"] = problem_context(request, error)["problem"]
    return render(request, "campaigns/platform/one.html", context, status=status)
