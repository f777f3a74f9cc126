"""Background jobs."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Router

from accounts.rights import check
from api.access import needs
from api.frame import reply
from api.requests import ApiRequest, number
from api.schemas.listings import JobOut
from core import clock
from listings import jobs

router = Router(tags=["jobs"])


@router.get(
    "/jobs/{id}",
    response=JobOut,
    summary=_("How a job stands"),
    description=_("State, counts, and the rows that failed, each with its reason."),
)
@needs("listings.view", "orders.view", "coupons.view")
def get_job(request: ApiRequest, id: str) -> HttpResponse:
    """`GET /jobs/{id}`."""
    job = jobs.get(request.store, number(id))
    check(request.actor, request.store, jobs.right_of(job), now=clock.now())
    return reply(jobs.document(job))
