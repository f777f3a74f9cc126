"""The API: one django-ninja application, its routers and its frame."""

from __future__ import annotations

from typing import Any, NoReturn

from django.http import HttpRequest
from django.utils.translation import gettext_noop as _
from ninja import NinjaAPI
from ninja.operation import Operation
from ninja.parser import Parser

from api.frame import framed
from api.routers import (
    affiliates,
    audit,
    campaign_coupons,
    campaigns,
    categories,
    claims,
    conflicts,
    coupon_reach,
    coupon_sending,
    coupon_states,
    coupon_usage,
    coupons,
    enrolments,
    finance,
    insights,
    jobs,
    listings,
    messages,
    orders,
    parking,
    quotes,
    staff,
    stopping,
    store,
)

BASE = "api/v1"
TITLE = _("Seller centre API")
VERSION = "1.0.0"


class _Parsed(Parser):
    """The frame has parsed the body already, strictly."""

    def parse_body(self, request: HttpRequest) -> Any:
        """The body that `api.bodies` read."""
        return request.payload  # type: ignore[attr-defined]  # read by the frame


class BackofficeAPI(NinjaAPI):
    """Lets failures pass to the frame, which owns the transaction that they may have to undo."""

    def on_exception(self, request: HttpRequest, exc: Any) -> NoReturn:
        """Raise it again."""
        raise exc

    def get_openapi_operation_id(self, operation: Operation) -> str:
        """The function's own name: short, and part of the contract."""
        return str(operation.view_func.__name__)


api = BackofficeAPI(
    title=TITLE, version=VERSION, urls_namespace="api", openapi_url=None, docs_url=None, parser=_Parsed()
)
api.add_decorator(framed, mode="view")
for module in (
    categories,
    conflicts,
    listings,
    jobs,
    insights,
    stopping,
    affiliates,
    campaigns,
    campaign_coupons,
    coupon_reach,
    coupon_sending,
    coupon_usage,
    enrolments,
    coupons,
    coupon_states,
    quotes,
    claims,
    orders,
    parking,
    store,
    finance,
    staff,
    messages,
    audit,
):
    api.add_router("", module.router)
