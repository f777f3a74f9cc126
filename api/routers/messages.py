"""Messages to the people of a store."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import any_member
from api.frame import reply
from api.present import records as present
from api.requests import ApiRequest, number
from api.schemas.common import Page
from api.schemas.records import MessageOut, MessageQuery
from core import clock
from inbox import reading

router = Router(tags=["messages"])


@router.get(
    "/messages",
    response=Page[MessageOut],
    summary=_("Messages, newest first"),
    description=_("Each with its error code, the cause and the steps that mend it, in the language asked for."),
)
@any_member
def list_messages(request: ApiRequest, query: Query[MessageQuery]) -> HttpResponse:
    """`GET /messages`."""
    rows = reading.messages_of(request.store, unread=query.unread)
    return reply(lists.page(rows, query, lambda found: present.messages(request.store, found)))


@router.post(
    "/messages/{id}/read",
    response=MessageOut,
    summary=_("Mark a message read"),
    description=_("Reading it twice changes nothing."),
)
@any_member
def read_message(request: ApiRequest, id: str) -> HttpResponse:
    """`POST /messages/{id}/read`."""
    reading.mark_read(request.store, [number(id)], actor=request.actor, now=clock.now())
    row = reading.messages_of(request.store).get(pk=number(id))
    return reply(present.messages(request.store, [row])[0])
