"""Coupons: issue a draft, stop issuing, resume, void."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import needs
from api.frame import reply
from api.present import coupons as present
from api.requests import ApiRequest
from api.schemas.common import VersionOnly
from api.schemas.coupon_states import CouponPauseIn, CouponResumed, CouponVoidIn
from api.schemas.coupons import CouponOut
from coupons import lifecycle

router = Router(tags=["coupons"])


@router.post(
    "/coupons/{code}/activate",
    response=CouponOut,
    summary=_("Start issuing"),
    description=_("Issues a draft, effective at once. Everything that creation asks is asked again."),
)
@needs("coupons.manage")
def activate_coupon(request: ApiRequest, code: str, body: VersionOnly | None = None) -> HttpResponse:
    """`POST /coupons/{code}/activate`."""
    wanted = body or VersionOnly()
    acted = lifecycle.activate(request.store, code, version=wanted.version, actor=request.actor)
    return reply(present.one(acted.coupon))


@router.post(
    "/coupons/{code}/pause",
    response=CouponOut,
    summary=_("Stop issuing"),
    description=_("Nobody can claim it any more; claimed ones stay usable unless `freeze_claimed`."),
)
@needs("coupons.manage")
def pause_coupon(request: ApiRequest, code: str, body: CouponPauseIn | None = None) -> HttpResponse:
    """`POST /coupons/{code}/pause`."""
    acted = lifecycle.pause(request.store, code, **dict(body or CouponPauseIn()), actor=request.actor)
    return reply(present.one(acted.coupon))


@router.post(
    "/coupons/{code}/resume",
    response=CouponResumed,
    summary=_("Resume issuing"),
    description=_(
        "Whoever stopped it, only its campaign’s stop is lifted by the campaign. `shortage`: what stock could not be reserved again."
    ),
)
@needs("coupons.manage")
def resume_coupon(request: ApiRequest, code: str, body: VersionOnly | None = None) -> HttpResponse:
    """`POST /coupons/{code}/resume`."""
    wanted = body or VersionOnly()
    acted = lifecycle.resume(request.store, code, version=wanted.version, actor=request.actor)
    short = acted.shortage
    shortage = {"skus": short.skus, "short": short.short, "units": short.units, "examples": list(short.codes)}
    return reply(present.one(acted.coupon) | {"shortage": shortage})


@router.post(
    "/coupons/{code}/void",
    response=CouponOut,
    summary=_("Void coupon"),
    description=_(
        "For good: the coupon, and every claimed one that was not used. Orders already placed keep theirs. The store is told how many."
    ),
)
@needs("coupons.manage")
def void_coupon(request: ApiRequest, code: str, body: CouponVoidIn | None = None) -> HttpResponse:
    """`POST /coupons/{code}/void`."""
    acted = lifecycle.void(request.store, code, **dict(body or CouponVoidIn()), actor=request.actor)
    return reply(present.one(acted.coupon))
