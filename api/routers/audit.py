"""The record: read only, and provable."""

from __future__ import annotations

from django.db.models import Q, QuerySet
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
from audit import proofs
from audit.models import AuditEvent

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
    rows = _filtered(AuditEvent.objects.filter(store_id=request.store.pk), query)
    return reply(lists.page(rows, query, present.events))


@router.get(
    "/audit/proof/{id}",
    response=ProofOut,
    summary=_("Proof of one entry"),
    description=_(
        "What a third party needs to check that the entry is in the log; 409 until it is sealed, a minute at most."
    ),
)
@needs("audit.view")
def get_proof(request: ApiRequest, id: str) -> HttpResponse:
    """`GET /audit/proof/{id}`."""
    return reply(proofs.prove(number(id), store_id=request.store.pk).document())


def _filtered(rows: QuerySet[AuditEvent], query: AuditQuery) -> QuerySet[AuditEvent]:
    if query.actor:
        named = Q(actor_label__icontains=query.actor)
        rows = rows.filter(Q(actor_id=number(query.actor)) if _is_id(query.actor) else named)
    if query.action:
        whole = not query.action.endswith(".")
        rows = rows.filter(action=query.action) if whole else rows.filter(action__startswith=query.action)
    if query.object:
        kind, colon, name = query.object.partition(":")
        rows = rows.filter(object_type=kind, object_id=name) if colon else rows.filter(object_id=query.object)
    if query.since:
        rows = rows.filter(at__gte=query.since)
    if query.until:
        rows = rows.filter(at__lt=query.until)
    return rows


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) < 19 and int(text) > 0
