"""Campaigns and the platform: review by its staff, enforcement, items that leave on their own; what buyers will pay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from accounts.models import Store
from api import lists
from api.access import needs, staff_only
from api.current import with_current
from api.frame import reply
from api.present import campaigns as present
from api.requests import ApiRequest
from api.schemas.campaigns import CampaignOut, EndItemsIn, EnforcedIn, PriceAt, PriceQuery, Reviewed
from api.schemas.common import Page
from campaigns import finding, reviewing, subitems
from campaigns.forecasting import prices_at
from campaigns.models import Campaign, CampaignItem
from core import clock
from core.scopes import in_store

router = Router(tags=["campaigns"])


@contextmanager
def _of_any_store(code: str) -> Iterator[Store]:
    """The store of a campaign that platform staff work on, in its scope; a conflict answers the current campaign."""
    store = finding.across(code).store
    with in_store(store.pk), with_current(store, code):
        yield store


@router.post(
    "/campaigns/{code}/approve",
    response=CampaignOut,
    summary=_("Let an enrolment in"),
    description=_("Platform staff only."),
)
@staff_only
def approve_campaign(request: ApiRequest, code: str, body: Reviewed | None = None) -> HttpResponse:
    """`POST /campaigns/{code}/approve`."""
    wanted = body or Reviewed()
    with _of_any_store(code) as store:
        campaign = reviewing.approve(store, code, note=wanted.note, version=wanted.version, actor=request.actor)
        return reply(present.one(campaign))


@router.post(
    "/campaigns/{code}/reject",
    response=CampaignOut,
    summary=_("Refuse an enrolment"),
    description=_("Platform staff only; the reason goes to the merchant."),
)
@staff_only
def reject_campaign(request: ApiRequest, code: str, body: Reviewed | None = None) -> HttpResponse:
    """`POST /campaigns/{code}/reject`."""
    wanted = body or Reviewed()
    with _of_any_store(code) as store:
        campaign = reviewing.reject(
            store, code, reason=wanted.reason, note=wanted.note, version=wanted.version, actor=request.actor
        )
        return reply(present.one(campaign))


@router.post(
    "/staff/campaigns/{code}/return",
    response=CampaignOut,
    summary=_("Give an enrolment back"),
    description=_("Platform staff take it out of review; it is a draft of the store again."),
)
@staff_only
def return_campaign(request: ApiRequest, code: str, body: Reviewed | None = None) -> HttpResponse:
    """`POST /staff/campaigns/{code}/return`."""
    wanted = body or Reviewed()
    with _of_any_store(code) as store:
        campaign = reviewing.withdraw_enrolment(
            store, code, note=wanted.note, version=wanted.version, actor=request.actor
        )
        return reply(present.one(campaign))


@router.post(
    "/staff/campaigns/{code}/enforce",
    response=CampaignOut,
    summary=_("Enforce a campaign, or lift that"),
    description=_("While the platform enforces a campaign the store can neither stop nor change it."),
)
@staff_only
def enforce_campaign(request: ApiRequest, code: str, body: EnforcedIn) -> HttpResponse:
    """`POST /staff/campaigns/{code}/enforce`."""
    with _of_any_store(code) as store:
        campaign = reviewing.set_enforced(
            store, code, body.enforced, reason=body.reason, version=body.version, actor=request.actor
        )
        return reply(present.one(campaign))


@router.post(
    "/campaigns/{code}/items/end",
    response=CampaignOut,
    summary=_("Close items on their own"),
    description=_("Items of a platform promotion leave at once, under the guards of a cancel; the campaign goes on."),
)
@needs("campaigns.cancel")
def end_items(request: ApiRequest, code: str, body: EndItemsIn) -> HttpResponse:
    """`POST /campaigns/{code}/items/end`."""
    with with_current(request.store, code):
        campaign = subitems.end_items(
            request.store, code, body.skus, reason=body.reason, version=body.version, actor=request.actor
        )
    return reply(present.one(campaign))


@router.post(
    "/staff/campaigns/{code}/items/end",
    response=CampaignOut,
    summary=_("Close items for a store"),
    description=_("Platform staff end items of a promotion, past the platform's own lock; a reason is needed."),
)
@staff_only
def release_items(request: ApiRequest, code: str, body: EndItemsIn) -> HttpResponse:
    """`POST /staff/campaigns/{code}/items/end`."""
    with _of_any_store(code) as store:
        campaign = subitems.release_items(
            store, code, body.skus, reason=body.reason, version=body.version, actor=request.actor
        )
        return reply(present.one(campaign))


@router.get(
    "/campaigns/{code}/prices",
    response=Page[PriceAt],
    summary=_("What buyers will pay at a moment"),
    description=_("By all campaigns planned for then and the sale prices of now, item by item, the newest item first."),
)
@needs("campaigns.view")
def list_prices(request: ApiRequest, code: str, query: Query[PriceQuery]) -> HttpResponse:
    """`GET /campaigns/{code}/prices`."""
    campaign = finding.get(request.store, code)
    at = query.at or max(clock.now(), campaign.starts_at)
    rows = (
        CampaignItem.objects.filter(campaign=campaign, ended_at=None).select_related("sku", "campaign").order_by("-id")
    )
    return reply(lists.page(rows, query, partial(_priced, campaign, at)))


def _priced(campaign: Campaign, at: datetime, items: Sequence[CampaignItem]) -> list[dict[str, Any]]:
    return present.prices(prices_at(campaign, items, at))
