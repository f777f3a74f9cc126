"""Messages to the people of a store."""

from __future__ import annotations

from django.http import HttpResponse
from django.utils.translation import gettext_noop as _
from ninja import Query, Router

from api import lists
from api.access import any_member
from api.frame import reply
from api.present import records as present
from api.requests import ApiRequest
from api.schemas.common import Page
from api.schemas.records import MessageOut, MessageQuery
from inbox.models import Message

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
    rows = Message.objects.filter(store_id=request.store.pk)
    if query.unread:
        rows = rows.filter(read_at=None)
    return reply(lists.page(rows, query, present.messages))
