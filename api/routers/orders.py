"""Orders: read, move on."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import needs, takes
from api.frame import reply
from api.requests import ApiRequest, members, take_version
from api.schemas.orders import OrderOut, OrderPatch
from orders import editing, reading

router = Router(tags=["orders"])


@router.get(
    "/orders/{order}",
    response=OrderOut,
    summary=_("One order"),
    description=_("Its lines as they were sold, and the terms that it was placed under."),
)
@needs("orders.view")
def get_order(request: ApiRequest, order: str) -> HttpResponse:
    """`GET /orders/{order}`."""
    return reply(reading.document(reading.get(request.store, order)))


@router.patch(
    "/orders/{order}",
    response=OrderOut,
    summary=_("Move an order on"),
    description=_("State, fulfilment number, dispute. The state only moves forward and may skip steps."),
)
@needs("orders.edit")
@takes(OrderPatch)
def edit_order(request: ApiRequest, order: str) -> HttpResponse:
    """`PATCH /orders/{order}`."""
    changes = members(request)
    version = take_version(changes)
    found = editing.patch_order(request.store, order, changes, version=version, actor=request.actor)
    return reply(reading.document(found))
