"""Stopping campaigns: look, pause, resume, cancel, take back; many at once; what a close did."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import needs, staff_only
from api.current import with_current
from api.fields import Body
from api.frame import InBatches, reply
from api.present import campaigns as present
from api.requests import ApiRequest, number
from api.schemas.campaigns import (
    BulkIn,
    BulkOut,
    CampaignOut,
    CancelIn,
    CloseCheckOut,
    ClosingOut,
    EmergencyIn,
    PageTextOut,
    PauseIn,
    RestoreIn,
)
from api.schemas.common import RowsApplied, VersionOnly
from api.schemas.parking import StopAllIn
from campaigns import bulk, finding, guards, page_copy, prices, stopping
from campaigns.models import Campaign, Closing
from campaigns.proof.bundle import export_proof, zipped
from core.errors import NotFound
from core.scopes import in_store

router = Router(tags=["campaigns"])


def _done(request: ApiRequest, code: str, verb: Callable[..., Campaign], body: Body) -> HttpResponse:
    """Let a verb act with what the body says, and show the campaign as it is then."""
    with with_current(request.store, code):
        campaign = verb(request.store, code, **dict(body), actor=request.actor)
    return reply(present.one(campaign))


@router.get(
    "/campaigns/{code}/close-check",
    response=CloseCheckOut,
    summary=_("Look before a pause or a cancel"),
    description=_(
        "Every guard with its evidence and the way to mend it, and what the close would touch. Changes nothing."
    ),
)
@needs("campaigns.view")
def close_check(request: ApiRequest, code: str, action: Literal["pause", "cancel"]) -> HttpResponse:
    """`GET /campaigns/{code}/close-check`."""
    found = guards.close_check(request.store, finding.get(request.store, code), action, actor=request.actor)
    return reply(found.as_dict())


@router.post(
    "/campaigns/{code}/pause",
    response=CampaignOut,
    summary=_("Pause (can resume)"),
    description=_("Off for buyers at once; nothing is lost and the end does not move."),
)
@needs("campaigns.pause", also=(423,))
def pause_campaign(request: ApiRequest, code: str, body: PauseIn | None = None) -> HttpResponse:
    """`POST /campaigns/{code}/pause`."""
    return _done(request, code, stopping.pause, body or PauseIn())


@router.post(
    "/campaigns/{code}/resume",
    response=CampaignOut,
    summary=_("Resume"),
    description=_("Back before buyers; refused once its end has passed."),
)
@needs("campaigns.pause", also=(423,))
def resume_campaign(request: ApiRequest, code: str, body: VersionOnly | None = None) -> HttpResponse:
    """`POST /campaigns/{code}/resume`."""
    return _done(request, code, stopping.resume, body or VersionOnly())


@router.post(
    "/campaigns/{code}/cancel",
    response=CampaignOut,
    summary=_("Cancel campaign permanently"),
    description=_(
        "Off for buyers at once; it can be taken back during the hold, then it is final. Needs the campaign's own code."
    ),
)
@needs("campaigns.cancel", also=(423,))
def cancel_campaign(request: ApiRequest, code: str, body: CancelIn) -> HttpResponse:
    """`POST /campaigns/{code}/cancel`."""
    return _done(request, code, stopping.cancel, body)


@router.post(
    "/campaigns/{code}/take-back",
    response=CampaignOut,
    summary=_("Take back the cancel"),
    description=_("During the hold: back to the state before the cancel."),
)
@needs("campaigns.cancel", also=(423,))
def take_back_campaign(request: ApiRequest, code: str, body: VersionOnly | None = None) -> HttpResponse:
    """`POST /campaigns/{code}/take-back`."""
    return _done(request, code, stopping.take_back, body or VersionOnly())


@router.post(
    "/staff/campaigns/{code}/emergency-stop",
    response=CampaignOut,
    summary=_("Emergency stop"),
    description=_("A pause past the guards, for platform staff. Logged, and told to the store."),
    tags=["staff"],
)
@staff_only
def emergency_stop_campaign(request: ApiRequest, code: str, body: EmergencyIn) -> HttpResponse:
    """`POST /staff/campaigns/{code}/emergency-stop`."""
    store = finding.across(code).store
    with in_store(store.pk):
        campaign = stopping.emergency_stop(store, code, reason=body.reason, actor=request.actor)
        return reply(present.one(campaign))


@router.post(
    "/campaigns/bulk",
    response=BulkOut,
    summary=_("Pause, resume or cancel many"),
    description=_(
        "A result for each code; the refusal of one stops no other. At most %(closing__bulk_cancel_max)s can be cancelled at once."
    ),
)
@needs("campaigns.pause", "campaigns.cancel")
def bulk_campaigns(request: ApiRequest, body: BulkIn) -> HttpResponse:
    """`POST /campaigns/bulk`."""
    job = bulk.run(
        request.store,
        body.action,
        body.codes,
        reason=body.reason,
        note=body.note,
        freeze_claimed=body.freeze_claimed,
        confirm_count=body.confirm_count,
        actor=request.actor,
    )
    return reply(present.bulk(job))


@router.post(
    "/campaigns/stop-all",
    response=BulkOut,
    summary=_("Pause everything that runs"),
    description=_(
        "One reason, one report; `confirm_count` is how many campaigns run. The refusal of one stops no other. Done batch by batch:"
        " a call that breaks off is carried to its end all the same, and the same key then answers with the whole report."
    ),
)
@needs("campaigns.pause")
def stop_all_campaigns(request: ApiRequest, body: StopAllIn) -> HttpResponse:
    """`POST /campaigns/stop-all`."""
    store, given = request.store, body.model_dump()
    job = (
        bulk.get(store, number(request.begun))
        if request.begun
        else bulk.begin_stop_all(store, **given, actor=request.actor)
    )

    def finish() -> HttpResponse:
        with in_store(store.pk):
            return reply(present.bulk(bulk.finish(store, job.pk)))

    return InBatches(str(job.pk), finish)


@router.get(
    "/campaigns/{code}/page-text",
    response=PageTextOut,
    summary=_("The text of the campaign page after items left"),
    description=_("Items that left since the text was last confirmed, and words for the page in English and Chinese."),
)
@needs("campaigns.view")
def get_page_text(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /campaigns/{code}/page-text`."""
    return reply(page_copy.document_of(finding.get(request.store, code)))


@router.post(
    "/campaigns/{code}/page-text",
    response=PageTextOut,
    summary=_("Say that the text of the campaign page is rewritten"),
    description=_("Ends the open task; 409 when nothing is open."),
)
@needs("campaigns.edit", also=(409,))
def confirm_page_text(request: ApiRequest, code: str) -> HttpResponse:
    """`POST /campaigns/{code}/page-text`."""
    return reply(page_copy.document_of(page_copy.confirm(request.store, code, actor=request.actor)))


@router.get(
    "/campaigns/{code}/closing",
    response=ClosingOut,
    summary=_("The report of the latest close"),
    description=_(
        "Forecast against result, the steps with their evidence, what buyers' clients saw, prices to decide. 404 before any close."
    ),
)
@needs("campaigns.view")
def get_closing(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /campaigns/{code}/closing`."""
    campaign = finding.get(request.store, code)
    found = Closing.objects.filter(campaign=campaign, taken_back_at=None).order_by("-id").first()
    if found is None:
        raise NotFound(gettext("This campaign has not been closed."))
    return reply(present.closing(found, [row.as_dict() for row in prices.prices_to_review(campaign)]))


@router.get(
    "/campaigns/{code}/closing/proof.zip",
    summary=_("The proof of the latest close"),
    description=_(
        "One zip: settings, decisions, forecast and result, checks, audit entries with their proofs, and a verifier that needs no server."
        " 409 until the close is sealed, about %(audit__checkpoint_every__seconds)s."
    ),
    openapi_extra={"responses": {200: {"description": "OK", "content": {"application/zip": {"schema": {}}}}}},
)
@needs("audit.export", also=(409,))
def get_closing_proof(request: ApiRequest, code: str) -> HttpResponseBase:
    """`GET /campaigns/{code}/closing/proof.zip`."""
    return zipped(export_proof(request.store, code, actor=request.actor))


@router.post(
    "/campaigns/{code}/restore-prices",
    response=RowsApplied,
    summary=_("Restore sale prices"),
    description=_(
        "Back to the sale price before the campaign, for the SKUs named, or for all that wait for a decision."
    ),
)
@needs("listings.price")
def restore_prices(request: ApiRequest, code: str, body: RestoreIn | None = None) -> HttpResponse:
    """`POST /campaigns/{code}/restore-prices`."""
    wanted = body or RestoreIn()
    return reply(prices.restore_prices(request.store, code, wanted.skus, actor=request.actor).as_dict())
