"""The marketing deposit: charged by platform staff, paid by the store; and penalties."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from accounts import penalties, stores
from api.access import needs, staff_only
from api.frame import reply
from api.present import stores as present
from api.requests import ApiRequest
from api.schemas.finance import ChargeIn, DepositMove, PaymentIn, PenaltyIn, PenaltyIssued
from core.scopes import in_store
from finance import deposits

router = Router(tags=["store"])


@router.post(
    "/deposit/payments",
    response={201: DepositMove},
    summary=_("Record a payment of marketing deposit"),
    description=_("At most what is in arrears. The currency may be left out when the store owes in one only."),
)
@needs("finance.manage")
def pay_deposit(request: ApiRequest, body: PaymentIn) -> HttpResponse:
    """`POST /deposit/payments`."""
    entry = deposits.pay(request.store, amount=body.amount, currency=body.currency, note=body.note, actor=request.actor)
    return reply(present.deposit_move(entry), 201)


@router.post(
    "/staff/stores/{slug}/deposit-charges",
    response={201: DepositMove},
    summary=_("Charge marketing deposit"),
    description=_("The store owes it until it is paid; meanwhile its campaigns cannot be cancelled permanently."),
    tags=["staff"],
)
@staff_only
def charge_deposit(request: ApiRequest, slug: str, body: ChargeIn) -> HttpResponse:
    """`POST /staff/stores/{slug}/deposit-charges`."""
    entry = deposits.charge(
        stores.find(slug), amount=body.amount, currency=body.currency, reason=body.reason, actor=request.actor
    )
    return reply(present.deposit_move(entry), 201)


@router.post(
    "/staff/stores/{slug}/penalties",
    response={201: PenaltyIssued},
    summary=_("Issue a penalty"),
    description=_("A block of the enrolment right for some days, or points; enough of them make a serious violation."),
    tags=["staff"],
)
@staff_only
def issue_penalty(request: ApiRequest, slug: str, body: PenaltyIn) -> HttpResponse:
    """`POST /staff/stores/{slug}/penalties`."""
    penalty = penalties.issue(
        slug, kind=body.kind, days=body.days, points=body.points, reason=body.reason, actor=request.actor
    )
    store = stores.find(slug)
    with in_store(store.pk):
        return reply(present.penalty_issued(store, penalty), 201)
