"""The record: read only, and provable."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import needs
from api.frame import reply
from api.present import records as present
from api.requests import ApiRequest, number
from api.schemas.common import Page
from api.schemas.records import AuditQuery, EventOut, ProofOut
from audit import proofs, reading

router = Router(tags=["audit"])


@router.get(
    "/audit",
    response=Page[EventOut],
    summary=_("Who did what, newest first"),
    description=_("Changes and refusals of this store, by actor, action, object and time."),
)
@needs("audit.view")
def list_events(request: ApiRequest, query: Query[AuditQuery]) -> HttpResponse:
    """`GET /audit`."""
    wanted = reading.Wanted(
        actor=query.actor, action=query.action, object=query.object, since=query.since, until=query.until
    )
    rows = reading.of_store(request.store.pk, wanted)
    return reply(lists.page(rows, query, present.events))


@router.get(
    "/audit/proof/{id}",
    response=ProofOut,
    summary=_("Proof of one entry"),
    description=_(
        "What a third party needs to check that the entry is in the log; 409 until it is sealed, about"
        " %(audit__checkpoint_every__seconds)s."
    ),
)
@needs("audit.view", also=(409,))
def get_proof(request: ApiRequest, id: str) -> HttpResponse:
    """`GET /audit/proof/{id}`."""
    return reply(proofs.prove(number(id), store_id=request.store.pk).document())
