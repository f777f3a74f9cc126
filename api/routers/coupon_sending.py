"""Sending coupons by e-mail and SMS: for an ERP that knows the addresses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import needs
from api.frame import reply
from api.requests import ApiRequest, number
from api.schemas.coupon_sending import RecipientList, RecipientQuery, SendingIn, SendingOut
from core import clock
from coupons import finding, sending
from coupons.models import Recipient, Sending
from coupons.sending import Plan
from coupons.sending_text import Text, clean
from policies import active
from policies.rules import SendingRules

router = Router(tags=["coupons"])


@router.get(
    "/coupons/{code}/sendings",
    response=list[SendingOut],
    summary=_("Sendings of a coupon"),
    description=_("Newest first, with how far each is."),
)
@needs("coupons.view")
def list_sendings(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /coupons/{code}/sendings`."""
    coupon = finding.get(request.store, code)
    rows = list(sending.sendings_of(coupon)[: active(SendingRules, clock.now()).page_size])
    counts = sending.counts_of([row.pk for row in rows])
    return reply([sending.document(row, counts[row.pk]) for row in rows])


@router.post(
    "/coupons/{code}/sendings",
    response={201: SendingOut},
    summary=_("Prepare a sending of a coupon"),
    description=_("Nothing is sent before it is started. Addresses are sealed and dropped when it is finished."),
)
@needs("coupons.manage")
def prepare_sending(request: ApiRequest, code: str, body: SendingIn) -> HttpResponse:
    """`POST /coupons/{code}/sendings`."""
    text = Text(
        subject_en=body.subject_en.strip(), subject_zh=body.subject_zh.strip(), text_en=clean(body.text_en),
        text_zh=clean(body.text_zh),
    )  # fmt: skip
    pairs = [(one.buyer, one.address) for one in body.recipients]
    plan = Plan(channel=body.channel, text=text, recipients=pairs, consent=body.consent, issue=body.issue)
    return _answer(sending.prepare(request.store, code, plan, actor=request.actor), 201)


@router.get(
    "/coupons/{code}/sendings/{id}",
    response=SendingOut,
    summary=_("How far a sending is"),
    description=_("Its state, and how many recipients are in which."),
)
@needs("coupons.view")
def get_sending(request: ApiRequest, code: str, id: str) -> HttpResponse:
    """`GET /coupons/{code}/sendings/{id}`."""
    return _answer(sending.get(finding.get(request.store, code), number(id)))


@router.get(
    "/coupons/{code}/sendings/{id}/recipients",
    response=RecipientList,
    summary=_("What became of each recipient"),
    description=_("By buyer; addresses are not told."),
)
@needs("coupons.manage")
def list_recipients(request: ApiRequest, code: str, id: str, query: Query[RecipientQuery]) -> HttpResponse:
    """`GET /coupons/{code}/sendings/{id}/recipients`."""
    found = sending.get(finding.get(request.store, code), number(id))
    rows = Recipient.objects.filter(sending=found).defer("address")
    if query.state:
        rows = rows.filter(state=query.state)
    return reply(lists.page(rows, query, _recipients))


@router.post(
    "/coupons/{code}/sendings/{id}/start",
    response=SendingOut,
    summary=_("Start a sending"),
    description=_("Or let a paused one go on. It stops by itself when the coupon is not issued any more."),
)
@needs("coupons.manage")
def start_sending(request: ApiRequest, code: str, id: str) -> HttpResponse:
    """`POST /coupons/{code}/sendings/{id}/start`."""
    return _answer(sending.start(request.store, code, number(id), actor=request.actor))


@router.post(
    "/coupons/{code}/sendings/{id}/pause",
    response=SendingOut,
    summary=_("Pause a sending"),
    description=_("No further message leaves until it is started again."),
)
@needs("coupons.manage")
def pause_sending(request: ApiRequest, code: str, id: str) -> HttpResponse:
    """`POST /coupons/{code}/sendings/{id}/pause`."""
    return _answer(sending.pause(request.store, code, number(id), actor=request.actor))


@router.post(
    "/coupons/{code}/sendings/{id}/stop",
    response=SendingOut,
    summary=_("Stop a sending for good"),
    description=_("Its addresses are dropped at once."),
)
@needs("coupons.manage")
def stop_sending(request: ApiRequest, code: str, id: str) -> HttpResponse:
    """`POST /coupons/{code}/sendings/{id}/stop`."""
    return _answer(sending.stop(request.store, code, number(id), actor=request.actor))


@router.post(
    "/coupons/{code}/sendings/{id}/retry",
    response=SendingOut,
    summary=_("Try the failures of a sending again"),
    description=_("Only what failed plainly; what nobody knows of is left alone."),
)
@needs("coupons.manage")
def retry_sending(request: ApiRequest, code: str, id: str) -> HttpResponse:
    """`POST /coupons/{code}/sendings/{id}/retry`."""
    return _answer(sending.retry(request.store, code, number(id), actor=request.actor))


def _answer(found: Sending, status: int = 200) -> HttpResponse:
    return reply(sending.document(found, sending.counts_of([found.pk])[found.pk]), status)


def _recipients(rows: Sequence[Recipient]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.pk, "buyer": row.buyer, "state": row.state, "code": row.code or None, "answer": row.answer,
            "key": sending.key_of(row), "tried_at": row.tried_at,
        }
        for row in rows
    ]  # fmt: skip
