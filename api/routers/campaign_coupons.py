"""The coupons of a campaign: look, link one that exists, take one out."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import needs
from api.frame import reply
from api.present import coupons as present
from api.requests import ApiRequest
from api.schemas.common import Page
from api.schemas.coupons import CampaignCouponIn, CouponOut, CouponRow
from campaigns import coupon_links, finding
from campaigns.models import Campaign
from core.errors import VersionConflict
from coupons import finding as coupon_finding

router = Router(tags=["campaigns"])


@router.get(
    "/campaigns/{code}/coupons",
    response=Page[CouponRow],
    summary=_("The coupons of a campaign"),
    description=_("Those that stop, go on and die with it, newest first."),
)
@needs("coupons.view")
def list_campaign_coupons(request: ApiRequest, code: str, query: Query[lists.ListQuery]) -> HttpResponse:
    """`GET /campaigns/{code}/coupons`."""
    campaign = finding.get(request.store, code)
    return reply(lists.page(coupon_links.rows_of(campaign), query, present.rows))


@router.post(
    "/campaigns/{code}/coupons",
    response=CouponOut,
    summary=_("Link coupon"),
    description=_(
        "A coupon of the store lives and dies with the campaign from now on, within its window. One that is linked to it already stays as"
        " it is. Needs `coupons.manage` as well."
    ),
)
@needs("campaigns.edit")
def link_coupon(request: ApiRequest, code: str, body: CampaignCouponIn) -> HttpResponse:
    """`POST /campaigns/{code}/coupons`."""
    return _acted(request, code, coupon_links.link_coupon, body)


@router.post(
    "/campaigns/{code}/coupons/unlink",
    response=CouponOut,
    summary=_("Take coupon out of the campaign"),
    description=_(
        "It stands on its own again, with its own window; what the campaign stopped stays stopped until a person resumes it. 409 once the"
        " campaign is over. Needs `coupons.manage` as well."
    ),
)
@needs("campaigns.edit")
def unlink_coupon(request: ApiRequest, code: str, body: CampaignCouponIn) -> HttpResponse:
    """`POST /campaigns/{code}/coupons/unlink`."""
    return _acted(request, code, coupon_links.unlink_coupon, body)


def _acted(request: ApiRequest, code: str, act: Callable[..., Campaign], body: CampaignCouponIn) -> HttpResponse:
    """The coupon as it stands afterwards."""
    try:
        act(request.store, code, body.coupon, version=body.version, actor=request.actor)
    except VersionConflict as error:
        error.extra["current"] = present.one(coupon_finding.get(request.store, body.coupon))
        raise
    return reply(present.one(coupon_finding.get(request.store, body.coupon)))
