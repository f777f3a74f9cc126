"""Affiliate plans: made, paused, resumed."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import needs
from api.frame import reply
from api.requests import ApiRequest, number
from api.schemas.affiliates import PlanIn, PlanOut
from api.schemas.common import Page, VersionOnly
from campaigns import affiliates

router = Router(tags=["campaigns"])


@router.get(
    "/affiliate-plans",
    response=Page[PlanOut],
    summary=_("Affiliate plans, newest first"),
    description=_("While a plan runs, its campaigns cannot be cancelled permanently."),
)
@needs("campaigns.view")
def list_plans(request: ApiRequest, query: Query[lists.ListQuery]) -> HttpResponse:
    """`GET /affiliate-plans`."""
    return reply(
        lists.page(affiliates.plans_of(request.store), query, lambda rows: [affiliates.document(row) for row in rows])
    )


@router.post(
    "/affiliate-plans",
    response={201: PlanOut},
    summary=_("Make an affiliate plan"),
    description=_("It promotes the campaigns named, and runs at once."),
)
@needs("campaigns.edit")
def create_plan(request: ApiRequest, body: PlanIn) -> HttpResponse:
    """`POST /affiliate-plans`."""
    plan = affiliates.create_plan(request.store, name=body.name, campaigns=body.campaigns, actor=request.actor)
    return reply(affiliates.document(plan), 201)


@router.post(
    "/affiliate-plans/{id}/pause",
    response=PlanOut,
    summary=_("Pause an affiliate plan"),
    description=_(
        "Partners promote no more; its campaigns can be cancelled permanently. One that is paused already stays so."
    ),
)
@needs("campaigns.pause")
def pause_plan(request: ApiRequest, id: str, body: VersionOnly | None = None) -> HttpResponse:
    """`POST /affiliate-plans/{id}/pause`."""
    wanted = body or VersionOnly()
    plan = affiliates.pause_plan(request.store, number(id), version=wanted.version, actor=request.actor)
    return reply(affiliates.document(plan))


@router.post(
    "/affiliate-plans/{id}/resume",
    response=PlanOut,
    summary=_("Resume an affiliate plan"),
    description=_("Refused when every campaign of it is over."),
)
@needs("campaigns.pause")
def resume_plan(request: ApiRequest, id: str, body: VersionOnly | None = None) -> HttpResponse:
    """`POST /affiliate-plans/{id}/resume`."""
    wanted = body or VersionOnly()
    plan = affiliates.resume_plan(request.store, number(id), version=wanted.version, actor=request.actor)
    return reply(affiliates.document(plan))
