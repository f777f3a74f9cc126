"""Coupons: create, read, change a draft."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router
from pydantic import BaseModel, ValidationError

from api import lists
from api.access import needs, takes
from api.frame import reply
from api.present import coupons as present
from api.requests import ApiRequest, members, take_version
from api.schemas.common import Page
from api.schemas.coupons import CouponIn, CouponOut, CouponPatch, CouponQuery, CouponRow
from api.validation import field_errors
from core.errors import FieldError, VersionConflict
from coupons import creating, finding, reading
from coupons.inputs import CouponInput, PoolInput

router = Router(tags=["coupons"])


@router.get(
    "/coupons",
    response=Page[CouponRow],
    summary=_("Coupons, newest first"),
    description=_("Filtered by state, kind, code or name; with what was claimed, redeemed and refused."),
)
@needs("coupons.view")
def list_coupons(request: ApiRequest, query: Query[CouponQuery]) -> HttpResponse:
    """`GET /coupons`."""
    wanted = reading.CouponFilter(query.state or "", query.kind or "", query.q)
    return reply(lists.page(reading.matching(request.store.pk, wanted), query, present.rows))


@router.post(
    "/coupons",
    response={201: CouponOut},
    summary=_("Create a coupon"),
    description=_(
        "Issued at once unless it is a draft. Every broken rule comes back at once; what only deserves a look comes back as warnings."
    ),
)
@needs("coupons.manage")
@takes(CouponIn)
def create_coupon(request: ApiRequest) -> HttpResponse:
    """`POST /coupons`."""
    values, unread = _read(CouponIn, members(request))
    draft = values.pop("draft", None) or False
    data = CouponInput(**values, unread=unread)
    saved = creating.create(request.store, data, draft=draft, actor=request.actor)
    return reply(present.one(saved.coupon, saved.warnings), 201)


@router.get(
    "/coupons/{code}",
    response=CouponOut,
    summary=_("One coupon"),
    description=_("With its products and its counters."),
)
@needs("coupons.view")
def get_coupon(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /coupons/{code}`."""
    return reply(present.one(finding.get(request.store, code)))


@router.patch(
    "/coupons/{code}",
    response=CouponOut,
    summary=_("Change a coupon draft"),
    description=_("Nothing of a coupon changes once it is issued: buyers were promised what it says."),
)
@needs("coupons.manage")
@takes(CouponPatch)
def edit_coupon(request: ApiRequest, code: str) -> HttpResponse:
    """`PATCH /coupons/{code}`."""
    found = members(request)
    version = take_version(found)
    changes, unread = _read(CouponPatch, found)
    try:
        saved = creating.edit(request.store, code, changes | {"unread": unread}, version=version, actor=request.actor)
    except VersionConflict as error:
        error.extra["current"] = present.one(finding.get(request.store, code))
        raise
    return reply(present.one(saved.coupon, saved.warnings))


def _read(shape: type[BaseModel], body: dict[str, Any]) -> tuple[dict[str, Any], tuple[FieldError, ...]]:
    """The fields that were given and can be read, and the faults of the others, so that the verb can name all faults together."""
    faults: list[FieldError] = []
    try:
        found = shape.model_validate(body)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        faults = field_errors([{**fault, "loc": ("query", *fault["loc"])} for fault in details])
        bad = {str(fault["loc"][0]) for fault in details if fault["loc"]}
        found = shape.model_validate({name: value for name, value in body.items() if name not in bad})
    values = {name: getattr(found, name) for name in found.model_fields_set}
    if (pool := values.pop("pool", None)) is not None:
        values["pool"] = PoolInput(pool.listings, pool.skus, pool.categories, pool.brands)
    return {name: value for name, value in values.items() if value is not None or name in _MAY_BE_NULL}, tuple(faults)


#: Null says something here: no budget, no window of stacking.
_MAY_BE_NULL = frozenset({"budget", "cpc_cost", "stacks_from", "stacks_until", "min_order"})
