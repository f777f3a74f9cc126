"""Campaigns: create, enter, review; lists."""

from __future__ import annotations

from collections.abc import Sequence

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import needs
from api.current import with_current
from api.frame import reply
from api.present import campaigns as present
from api.requests import ApiRequest
from api.schemas.campaigns import (
    CampaignIn,
    CampaignOut,
    CampaignPatch,
    CampaignQuery,
    CampaignRow,
    ItemIn,
    ItemsIn,
)
from api.schemas.common import Page, VersionOnly
from campaigns import finding, lifecycle
from campaigns.inputs import CampaignInput, ItemInput
from campaigns.querysets import CampaignFilter, matching

router = Router(tags=["campaigns"])


@router.get(
    "/campaigns",
    response=Page[CampaignRow],
    summary=_("Campaigns, newest first"),
    description=_("Filtered by state, kind, code or name, and end."),
)
@needs("campaigns.view")
def list_campaigns(request: ApiRequest, query: Query[CampaignQuery]) -> HttpResponse:
    """`GET /campaigns`."""
    wanted = CampaignFilter(state=query.state or "", kind=query.kind or "", q=query.q, ends_before=query.ends_before)
    return reply(lists.page(matching(request.store.pk, wanted), query, present.rows))


@router.post(
    "/campaigns",
    response={201: CampaignOut},
    summary=_("Create a campaign"),
    description=_("A draft with its items. Overlaps and prices below cost come back as warnings and refuse nothing."),
)
@needs("campaigns.edit")
def create_campaign(request: ApiRequest, body: CampaignIn) -> HttpResponse:
    """`POST /campaigns`."""
    data = CampaignInput(
        kind=body.kind,
        name=body.name,
        name_zh=body.name_zh,
        starts_at=body.starts_at,
        ends_at=body.ends_at,
        items=_items(body.items),
        rules=body.rules,
        price_protected=body.price_protected,
        logistics_guarantee=body.logistics_guarantee,
        min_items=body.min_items,
        stacks=body.stacks,
    )
    saved = lifecycle.create_campaign(request.store, data, actor=request.actor)
    return reply(present.one(saved.campaign), 201)


@router.get(
    "/campaigns/{code}",
    response=CampaignOut,
    summary=_("One campaign"),
    description=_("With its items, and with what deserves a look."),
)
@needs("campaigns.view")
def get_campaign(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /campaigns/{code}`."""
    return reply(present.one(finding.get(request.store, code)))


@router.patch(
    "/campaigns/{code}",
    response=CampaignOut,
    summary=_("Change a campaign"),
    description=_("Changes what its state leaves open: everything before the start, the end while it runs."),
)
@needs("campaigns.edit")
def edit_campaign(request: ApiRequest, code: str, body: CampaignPatch) -> HttpResponse:
    """`PATCH /campaigns/{code}`."""
    changes = {name: getattr(body, name) for name in body.model_fields_set - {"version"}}
    if "items" in changes:
        changes["items"] = _items(changes["items"])
    with with_current(request.store, code):
        saved = lifecycle.edit_campaign(request.store, code, changes, version=body.version, actor=request.actor)
    return reply(present.one(saved.campaign))


@router.post(
    "/campaigns/{code}/items",
    response=CampaignOut,
    summary=_("Add items"),
    description=_("Before the start, and while running where the kind allows; then they are before buyers at once."),
)
@needs("campaigns.edit")
def add_items(request: ApiRequest, code: str, body: ItemsIn) -> HttpResponse:
    """`POST /campaigns/{code}/items`."""
    with with_current(request.store, code):
        saved = lifecycle.add_items(request.store, code, _items(body.items), version=body.version, actor=request.actor)
    return reply(present.one(saved.campaign))


@router.post(
    "/campaigns/{code}/submit",
    response=CampaignOut,
    summary=_("Hand a draft in"),
    description=_("Store kinds are scheduled, and start at once when their start has come; others wait for review."),
)
@needs("campaigns.edit")
def submit_campaign(request: ApiRequest, code: str, body: VersionOnly | None = None) -> HttpResponse:
    """`POST /campaigns/{code}/submit`."""
    wanted = body or VersionOnly()
    with with_current(request.store, code):
        campaign = lifecycle.submit(request.store, code, version=wanted.version, actor=request.actor)
    return reply(present.one(campaign))


def _items(rows: Sequence[ItemIn]) -> list[ItemInput]:
    return [ItemInput(row.sku, row.price) for row in rows]
