"""Listings, prices, stock."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from ninja import File, Form, Query, Router, UploadedFile

from api import forms, lists
from api.access import needs, takes
from api.fields import Body
from api.frame import reply
from api.requests import ApiRequest, known_members, members, number, take_version
from api.schemas.common import JobStarted, Page, RowsApplied
from api.schemas.listings import (
    DelistIn,
    DelistOut,
    ListingIn,
    ListingOut,
    ListingPatch,
    ListingQuery,
    PricesIn,
    StockIn,
)
from core import clock
from core.errors import FieldError, InvalidInput
from listings import delisting, editing, import_job, prices, reading, stock
from listings.drafts import ListingData
from listings.models import Listing

router = Router(tags=["listings"])


def _documents(rows: Sequence[Listing]) -> list[dict[str, Any]]:
    return reading.documents(rows, now=clock.now())


def _one(request: ApiRequest, listing_id: int) -> dict[str, Any]:
    return reading.document(reading.get(request.store, listing_id), now=clock.now())


@router.get(
    "/listings",
    response=Page[ListingOut],
    summary=_("Listings, newest first"),
    description=_("Filtered by words, state, management and category; a category stands for its children, too."),
)
@needs("listings.view")
def list_listings(request: ApiRequest, query: Query[ListingQuery]) -> HttpResponse:
    """`GET /listings`."""
    rows = reading.find(
        request.store,
        q=query.q,
        state=query.state or "",
        management=query.management or "",
        category=query.category,
    )
    return reply(lists.page(rows.select_related("category", "brand"), query, _documents))


@router.post(
    "/listings",
    response={201: ListingOut},
    summary=_("Create a listing"),
    description=_(
        "On sale at once unless its state says draft. No picture is needed; every broken rule comes back at once."
    ),
)
@needs("listings.edit")
@takes(ListingIn)
def create_listing(request: ApiRequest) -> HttpResponse:
    """`POST /listings`."""
    listing = editing.create_listing(request.store, ListingData.of(members(request)), actor=request.actor)
    return reply(_one(request, listing.pk), 201)


@router.post(
    "/listings/delist",
    response=DelistOut,
    summary=_("Take listings off sale"),
    description=_(
        "At once, or gradually: stock to zero now, delisted %(listings__gradual_delist_hours__hours)s later."
    ),
)
@needs("listings.delist")
def delist_listings(request: ApiRequest, body: DelistIn) -> HttpResponse:
    """`POST /listings/delist`."""
    outcome = delisting.delist(request.store, body.ids, reason=body.reason, mode=body.mode, actor=request.actor)
    return reply(outcome.as_dict())


@router.post(
    "/listings/import",
    response={202: JobStarted},
    summary=_("Import a file of listings"),
    description=_(
        "A csv (also gzipped) or xlsx file, with a mapping of its columns if needed."
        " Follow the job: it checks every row and reports those that failed."
    ),
)
@needs("listings.edit")
def import_listings(
    request: ApiRequest,
    file: File[UploadedFile],
    mapping: Form[str] = "",
    currency: Form[str] = "",
    category: Form[str] = "",
    stock: Form[str] = "",
) -> HttpResponse:
    """`POST /listings/import`."""
    job = import_job.start_catalogue_import(
        request.store,
        forms.upload(file),
        mapping=forms.mapping_of(mapping),
        currency=currency.strip().upper(),
        category=category.strip(),
        stock=stock.strip(),
        actor=request.actor,
    )
    return reply({"job": job.pk}, 202)


@router.get(
    "/listings/{id}",
    response=ListingOut,
    summary=_("One listing"),
    description=_("With its SKUs, the campaigns it shows now, and its public page on each site."),
)
@needs("listings.view")
def get_listing(request: ApiRequest, id: str) -> HttpResponse:
    """`GET /listings/{id}`."""
    return reply(_one(request, number(id)))


@router.patch(
    "/listings/{id}",
    response=ListingOut,
    summary=_("Change a listing"),
    description=_("Changes what the body names and nothing else."),
)
@needs("listings.edit", "listings.price")
@takes(ListingPatch)
def edit_listing(request: ApiRequest, id: str) -> HttpResponse:
    """`PATCH /listings/{id}`."""
    changes = members(request)
    version = take_version(changes)
    listing = editing.edit_listing(request.store, number(id), changes, version=version, actor=request.actor)
    return reply(_one(request, listing.pk))


@router.post(
    "/prices",
    response=RowsApplied,
    summary=_("Set sale prices"),
    description=_(
        "Up to %(listings__rows_per_call)s rows. A wrong row is rejected alone; all others are applied in one step."
    ),
)
@needs("listings.price")
@takes(PricesIn)
def set_prices(request: ApiRequest) -> HttpResponse:
    """`POST /prices`."""
    rows = _rows(request, PricesIn, "prices")
    return reply(prices.set_prices(request.store, rows, actor=request.actor).as_dict())


@router.post(
    "/stock",
    response=RowsApplied,
    summary=_("Set stock"),
    description=_(
        "Up to %(listings__rows_per_call)s rows. A count that is older than the one held is rejected;"
        " what orders took or put back after `as_of` is reckoned in."
    ),
)
@needs("listings.edit")
@takes(StockIn)
def set_stock(request: ApiRequest) -> HttpResponse:
    """`POST /stock`."""
    rows = _rows(request, StockIn, "stock")
    return reply(stock.set_stock(request.store, rows, actor=request.actor).as_dict())


def _rows(request: ApiRequest, shape: type[Body], name: str) -> Any:
    """The one member of a body of rows. Raises InvalidInput when it is missing or others are there."""
    found = known_members(request, shape)
    if name not in found:
        words = gettext("This is required.")
        raise InvalidInput(
            gettext("The request cannot be read; see errors."), [FieldError(name, "ERR_REQUIRED", words)]
        )
    return found[name]
