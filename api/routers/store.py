"""The token's own store."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import any_member
from api.frame import reply
from api.present import stores as present
from api.requests import ApiRequest
from api.schemas.stores import StoreOut

router = Router(tags=["store"])


@router.get(
    "/store",
    response=StoreOut,
    summary=_("The token's own store"),
    description=_(
        "Legal form, KYC, account state, decoration, sites, and what the store may do at this moment, with reasons."
    ),
)
@any_member
def get_store(request: ApiRequest) -> HttpResponse:
    """`GET /store`."""
    return reply(present.own_store(request.store, request.actor))
