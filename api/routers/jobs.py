"""Background jobs."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import needs
from api.frame import reply
from api.present import listings as present
from api.requests import ApiRequest, number
from api.schemas.listings import JobOut
from core.errors import NotFound
from listings.models import Job

router = Router(tags=["jobs"])


@router.get(
    "/jobs/{id}",
    response=JobOut,
    summary=_("How a job stands"),
    description=_("State, counts, and the rows that failed, each with its reason."),
)
@needs("listings.view")
def get_job(request: ApiRequest, id: str) -> HttpResponse:
    """`GET /jobs/{id}`."""
    job = Job.objects.filter(pk=number(id)).first()
    if job is None:
        raise NotFound(gettext("There is no such job in this store."))
    return reply(present.job(job))
