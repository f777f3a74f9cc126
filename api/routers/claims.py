"""Claims of coupons by a storefront."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import needs, takes
from api.frame import reply
from api.requests import ApiRequest, known_members
from api.schemas.claims import ClaimIn, ClaimOut
from coupons import claiming

router = Router(tags=["quotes"])


@router.post(
    "/coupons/{code}/claims",
    response={201: ClaimOut},
    summary=_("Claim a coupon for a buyer"),
    description=_("Once for each buyer. A refusal answers 409 with the coupon's own code and a plain explanation."),
)
@needs("checkout.use")
@takes(ClaimIn)
def create_claim(request: ApiRequest, code: str) -> HttpResponse:
    """`POST /coupons/{code}/claims`."""
    asked = known_members(request, ClaimIn)
    claim = claiming.claim(request.store, code, asked, actor=request.actor)
    return reply({"claim": claim.code, "expires_at": claim.expires_at}, 201)
