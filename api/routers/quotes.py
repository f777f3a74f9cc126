"""The buyers' side: quotes and orders placed by a storefront."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import File, Form, Router, UploadedFile

from api import forms
from api.access import needs, takes
from api.frame import reply
from api.requests import ApiRequest, known_members
from api.schemas.common import JobStarted
from api.schemas.orders import LineIn, OrderIn, OrderOut, PricedLineIn, QuoteIn, QuoteOut
from orders import import_job, reading
from storefront import checkout, quoting

router = Router(tags=["quotes"])


@router.post(
    "/quotes",
    response={201: QuoteOut},
    summary=_("Quote a basket"),
    description=_("What a buyer pays for each line and why; honoured until it expires."),
)
@needs("checkout.use")
@takes(QuoteIn)
def create_quote(request: ApiRequest) -> HttpResponse:
    """`POST /quotes`."""
    basket = known_members(request, QuoteIn, lines=LineIn)
    return reply(quoting.document(quoting.make_quote(request.store, basket, actor=request.actor)), 201)


@router.post(
    "/orders",
    response={201: OrderOut},
    summary=_("Place an order"),
    description=_(
        "By a quote, or with a price on each line. Limits are checked again; the snapshot of the terms never changes."
    ),
    tags=["orders"],
)
@needs("checkout.use")
@takes(OrderIn)
def create_order(request: ApiRequest) -> HttpResponse:
    """`POST /orders`."""
    asked = known_members(request, OrderIn, lines=PricedLineIn)
    order = checkout.place_order(request.store, asked, actor=request.actor)
    return reply(reading.document(order), 201)


@router.post(
    "/orders/import",
    response={202: JobStarted},
    summary=_("Import a file of orders"),
    description=_(
        "A csv (also gzipped) or xlsx file, with a mapping of its columns if needed."
        " Follow the job: it checks every row and reports those that failed."
    ),
    tags=["orders"],
)
@needs("orders.edit")
def import_orders(
    request: ApiRequest,
    file: File[UploadedFile],
    mapping: Form[str] = "",
    currency: Form[str] = "",
    time_zone: Form[str] = "",
    state: Form[str] = "completed",
) -> HttpResponse:
    """`POST /orders/import`."""
    job = import_job.start_order_import(
        request.store,
        forms.upload(file),
        mapping=forms.mapping_of(mapping),
        currency=currency.strip().upper(),
        time_zone=time_zone.strip(),
        state=state.strip(),
        actor=request.actor,
    )
    return reply({"job": job.pk}, 202)
