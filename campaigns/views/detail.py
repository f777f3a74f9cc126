"""One campaign: where it stands, what buyers see of it, its products, who did what."""

from __future__ import annotations

from typing import Any

from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import render

from accounts.requests import StoreRequest
from accounts.rights import requires
from audit.reading import events_of
from campaigns import neighbours, page_copy, parking
from campaigns.deal_prices import with_lowest_deal
from campaigns.evidence import evidence_of
from campaigns.models import Campaign, CampaignItem, CampaignState, Closing
from campaigns.tables import ItemTable, ProtectedItemTable
from campaigns.views.common import address, find, page, track_of
from core import clock, display
from policies import active, timing
from policies.rules.campaigns import CampaignRules


@requires("campaigns.view")
def show(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The overview."""
    campaign = find(request, code)
    closing = Closing.objects.filter(campaign=campaign, taken_back_at=None).order_by("-id").first()
    context: dict[str, Any] = {
        "track": track_of(campaign),
        "closing": closing,
        "closes_at": campaign.ends_at + timing.expiry_grace(),
        "items": CampaignItem.objects.filter(campaign=campaign)
        .select_related("sku", "listing")
        .order_by("id")[: active(CampaignRules, clock.now()).preview_items],
        "events": _events(request, campaign),
        "lock": _lock(request, campaign),
        "parked": parking.waiting(campaign),
        "page_text": page_copy.task_of(campaign),
        "sections": neighbours.sections_for(request, campaign),
        **_evidence(request, campaign),
    }
    return page(request, "campaigns/detail.html", campaign, context)


@requires("campaigns.view")
def evidence(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The fragment that says what buyers see now; it asks again while checks are open."""
    campaign = find(request, code)
    return render(request, "campaigns/_evidence.html", {"campaign": campaign, **_evidence(request, campaign)})


@requires("campaigns.view")
def items(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """All products of the campaign."""
    campaign = find(request, code)
    found = CampaignItem.objects.filter(campaign=campaign).select_related("sku", "listing")
    rows: QuerySet[CampaignItem, Any] = found.order_by("id")
    if campaign.price_protected:
        rows = with_lowest_deal(found, clock.now())
    pages = Paginator(rows, active(CampaignRules, clock.now()).page_size)
    pages.count = campaign.item_count
    current = pages.get_page(request.GET.get("page"))
    kind = ProtectedItemTable if campaign.price_protected else ItemTable
    table = kind(list(current.object_list), currency=request.store.currency)
    return page(
        request,
        "campaigns/items.html",
        campaign,
        {"table": table, "pages": current, "page_text": page_copy.task_of(campaign), **_evidence(request, campaign)},
    )


def _evidence(request: StoreRequest, campaign: Campaign) -> dict[str, Any]:
    return {"evidence": evidence_of(campaign), "evidence_url": address(request, "evidence", campaign)}


def _events(request: StoreRequest, campaign: Campaign) -> list[dict[str, Any]]:
    limit, zone = active(CampaignRules, clock.now()).timeline_events, display.zone(request.store.time_zone)
    rows = events_of(request.store.pk, "campaign", campaign.code, limit=limit, zone=zone)
    return [
        {"icon": row.icon, "at": row.at, "title": row.sentence, "actor": row.actor_label, "text": row.text}
        for row in rows
    ]


def _lock(request: StoreRequest, campaign: Campaign) -> dict[str, Any] | None:
    from_other = campaign.lock_holder_id is not None and campaign.lock_holder_id != request.user.pk
    if (
        not from_other
        or campaign.locked_until is None
        or campaign.state in (CampaignState.ENDED, CampaignState.CANCELLED)
    ):
        return None
    return (
        {"holder": campaign.lock_holder, "until": campaign.locked_until}
        if campaign.locked_until > clock.now()
        else None
    )
