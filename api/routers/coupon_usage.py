"""What became of a coupon, row by row."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router
from pydantic import Field

from accounts.models import Store
from api.access import needs
from api.frame import reply
from api.lists import ListQuery, size_of
from api.requests import ApiRequest
from api.schemas.coupon_usage import UsageList
from core import clock, display, money
from core.errors import FieldError, InvalidInput
from coupons import explaining, finding, usage
from coupons.models import Coupon
from coupons.usage import Status, UsageFilter, UsageRow
from insights import history

router = Router(tags=["coupons"])


class UsageQuery(ListQuery):
    """Filters of the usage list."""

    status: str = Field(
        "", max_length=20, description=_("claimed, redeemed, voided or refused; all of them unless told.")
    )
    code: str = Field("", max_length=40, description=_("Refusals with this code only."))
    channel: str = Field("", max_length=20)
    since: str = Field("", alias="from", max_length=40, description=_("2026-11-01, or a moment in UTC."))
    until: str = Field("", alias="to", max_length=40, description=_("The last day, or a moment in UTC."))

    def wanted(self, store: Store) -> UsageFilter:
        """As the list reads it. Raises InvalidInput."""
        since, until = history.span(self.since, self.until, display.zone(store.time_zone))
        return UsageFilter(
            usage.known_status(self.status), _plain("code", self.code), _plain("channel", self.channel), since, until
        )


def _plain(field: str, text: str) -> str:
    """Text that the database can compare. Raises InvalidInput."""
    if "\x00" in text:
        raise InvalidInput(_("This is no text."), [FieldError(field, "ERR_CHOICE", _("This is no text."))])
    return text


@router.get(
    "/coupons/{code}/usage",
    response=UsageList,
    summary=_("Usage of a coupon"),
    description=_("Claims, uses and refusals, newest first; a refusal with its code and a plain explanation."),
)
@needs("coupons.view")
def list_usage(request: ApiRequest, code: str, query: Query[UsageQuery]) -> HttpResponse:
    """`GET /coupons/{code}/usage`."""
    coupon = finding.get(request.store, code)
    found = usage.page(coupon, query.wanted(request.store), cursor=query.cursor, size=size_of(query))
    zone = display.zone(request.store.time_zone)
    return reply({"items": [_row(row, coupon, zone) for row in found.rows], "next_cursor": found.next or None})


def _row(row: UsageRow, coupon: Coupon, zone: Any) -> dict[str, Any]:
    told = explaining.refusal(row, coupon, zone) if row.status == Status.REFUSED else None
    return {
        "status": row.status,
        "at": clock.rfc3339(row.at),
        "claim": row.claim or None,
        "claimed_at": clock.rfc3339(row.claimed_at) if row.claimed_at else None,
        "country": row.country,
        "channel": row.channel,
        "order": row.order or None,
        "amount": None if row.amount is None else money.text(row.amount, coupon.currency),
        "currency": coupon.currency,
        "code": row.code or None,
        "phase": row.phase or None,
        "message": told.why if told else None,
        "fix": told.mend if told else None,
        "times": row.times,
    }
