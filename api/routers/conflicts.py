"""活动冲突检测: SKUs in several campaigns at the same time, and the ways out (R30)."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api.access import needs
from api.frame import reply
from api.lists import size_of
from api.present import conflicts as present
from api.requests import ApiRequest
from api.schemas.common import Page
from api.schemas.conflicts import ConflictOut, ConflictQuery
from campaigns import conflicts, finding
from campaigns.conflicts import Wanted
from campaigns.models import Campaign
from core import clock, keyset

router = Router(tags=["campaigns"])


@router.get(
    "/conflicts",
    response=Page[ConflictOut],
    summary=_("Overlap groups of the store"),
    description=_("SKUs in campaigns that are on, paused or to come, overlap in time, and do not both stack."),
)
@needs("campaigns.view")
def list_conflicts(request: ApiRequest, query: Query[ConflictQuery]) -> HttpResponse:
    """`GET /conflicts`."""
    return _answer(request, query, None)


@router.get(
    "/campaigns/{code}/conflicts",
    response=Page[ConflictOut],
    summary=_("Overlap groups of one campaign"),
    description=_("Only campaigns that conflict with this one; a draft is looked at as if it were let in."),
)
@needs("campaigns.view")
def conflicts_of(request: ApiRequest, code: str, query: Query[ConflictQuery]) -> HttpResponse:
    """`GET /campaigns/{code}/conflicts`."""
    return _answer(request, query, finding.get(request.store, code))


def _answer(request: ApiRequest, query: ConflictQuery, campaign: Campaign | None) -> HttpResponse:
    now, after = clock.now(), 0
    if query.cursor:
        _way, after = keyset.decode(query.cursor)
    size = size_of(query)
    found = conflicts.Groups(())
    if campaign is None or conflicts.is_diagnosed(campaign, now):
        found = conflicts.page(Wanted(request.store.pk, now, campaign, query.sku), after=after, size=size)
    return reply(
        {
            "items": present.groups(found.groups, request.store, now),
            "next_cursor": keyset.encode("n", found.next) if found.next else None,
        }
    )
