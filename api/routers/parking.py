"""Stops that were refused and wait until nothing stands in their way."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import needs
from api.current import with_current
from api.frame import reply
from api.present import parking as present
from api.requests import ApiRequest, number
from api.schemas.common import Page
from api.schemas.parking import ParkedOut, ParkedQuery, ParkIn
from campaigns import parking
from campaigns.models import ParkedClose
from core import codes

router = Router(tags=["campaigns"])


@router.post(
    "/campaigns/{code}/park",
    response={201: ParkedOut},
    summary=_("Let a refused stop wait"),
    description=_(
        "The checks are repeated every few seconds until the campaign ends; then it acts, with the rights held at that moment, or asks."
        " A cancel needs the campaign's own code, and is held like any other."
    ),
)
@needs("campaigns.pause", "campaigns.cancel")
def park(request: ApiRequest, code: str, body: ParkIn) -> HttpResponse:
    """`POST /campaigns/{code}/park`."""
    with with_current(request.store, code):
        parked = parking.park(
            request.store,
            code,
            action=body.action,
            then=body.then,
            reason=body.reason,
            note=body.note,
            freeze_claimed=body.freeze_claimed,
            confirm_code=body.confirm_code,
            version=body.version,
            actor=request.actor,
        )
    return reply(present.one(parked), 201)


@router.get(
    "/parked",
    response=Page[ParkedOut],
    summary=_("Stops that wait, newest first"),
    description=_("Filtered by state and campaign; with those that do not wait any more."),
)
@needs("campaigns.view")
def list_parked(request: ApiRequest, query: Query[ParkedQuery]) -> HttpResponse:
    """`GET /parked`."""
    rows = ParkedClose.objects.filter(store_id=request.store.pk).select_related("campaign")
    if query.state:
        rows = rows.filter(state=query.state)
    if query.campaign:
        rows = rows.filter(campaign__code=codes.normalise(query.campaign))
    return reply(lists.page(rows, query, present.rows))


@router.get(
    "/parked/{id}",
    response=ParkedOut,
    summary=_("One stop that waits"),
    description=_("Or what became of it."),
)
@needs("campaigns.view")
def get_parked(request: ApiRequest, id: str) -> HttpResponse:
    """`GET /parked/{id}`."""
    return reply(present.one(parking.get(request.store, number(id))))


@router.post(
    "/parked/{id}/withdraw",
    response=ParkedOut,
    summary=_("Let it wait no longer"),
    description=_("The campaign stays as it is."),
)
@needs("campaigns.pause", "campaigns.cancel")
def withdraw_parked(request: ApiRequest, id: str) -> HttpResponse:
    """`POST /parked/{id}/withdraw`."""
    return reply(present.one(parking.withdraw(request.store, number(id), actor=request.actor)))
