"""Reading messages: what the bell counts, what the page and the API show, and marking as read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Store
from audit.actors import Actor
from core import faults, outbox
from core.errors import NotFound
from core.prepared import Prepared
from core.scopes import in_store
from inbox.catalogue import Severity, fill, lookup, readable, retold
from inbox.models import Message

_UNREAD = Prepared(
    "SELECT count(*) FROM ("
    "SELECT FROM inbox_message WHERE store_id = %(store)s AND read_at IS NULL LIMIT %(most)s) AS few",
    [("store", "bigint"), ("most", "bigint")],
)


@dataclass(frozen=True, slots=True)
class Shown:
    """A message in the reader's language. An undeclared code is its own title, with what came with it as text."""

    id: int
    at: datetime
    severity: str
    code: str
    title: str
    cause: str
    steps: tuple[str, ...]
    url: str
    url_label: str
    known: bool
    message: Message

    @property
    def unread(self) -> bool:
        """Whether nobody has marked it as read."""
        return self.message.read_at is None


def unread_count(store: Store, *, at_most: int) -> int:
    """How many messages nobody has read, counting no further than `at_most`; one query, planned once, for the bell is on every page."""
    ((count,),) = _UNREAD.rows({"store": store.pk, "most": at_most})
    return int(count)


def messages_of(store: Store, *, unread: bool = False) -> QuerySet[Message]:
    """The messages of a store; `unread` leaves out those that somebody has read. Needs the store's scope."""
    rows = Message.objects.filter(store=store)
    return rows.filter(read_at=None) if unread else rows


def present(store: Store, rows: Iterable[Message]) -> list[Shown]:
    """Make messages readable, without a query."""
    return [_shown(store, row) for row in rows]


def mark_read(store: Store, ids: Sequence[int] | None, *, actor: Actor, now: datetime) -> int:
    """Mark messages as read by `actor`; None means all unread ones. Answers how many changed.

    One that was read before keeps its first reader. Raises NotFound when one of `ids` is not this store's.
    """
    with in_store(store.pk):
        rows = Message.objects.filter(store=store)
        if ids is not None:
            rows = rows.filter(pk__in=ids)
            if rows.count() != len(set(ids)):
                raise NotFound(_("There is no such message in this store."))
        return rows.filter(read_at=None).update(read_at=now, read_by=actor.label[:160])


def _shown(store: Store, row: Message) -> Shown:
    code = lookup(row.code)
    params = readable(code, _params(row)) if code else _params(row)
    return Shown(
        id=row.pk,
        at=row.at,
        severity=row.severity,
        code=row.code,
        title=fill(code.title, params) if code else row.code,
        cause=fill(code.cause, params) if code else ", ".join(f"{name}: {value}" for name, value in row.params.items()),
        steps=tuple(fill(step, params) for step in code.steps) if code else (),
        url=code.url(store.slug, params) if code else "",
        url_label=str(code.page_label) if code and code.page_label else _("Put it right"),
        known=code is not None,
        message=row,
    )


def _params(row: Message) -> Mapping[str, Any]:
    """What the sentences may name: the message's own params (faults and refusals in words, topics by their names), and the object."""
    told = {name: _told(value) for name, value in row.params.items()}
    if "topic" in told:
        told["topic"] = outbox.label_of(str(told["topic"]))
    return {"object_id": row.object_id, "object_type": row.object_type, **told}


def _told(value: Any) -> Any:
    """A fault in words, or a refusal that was put into words of one language (`{"code", "said", "language"}`); anything else as it is."""
    if not faults.is_fault(value):
        return value
    return retold(value["code"], value["said"], value["language"]) if "said" in value else faults.say(value)


#: Glyph and tone of a severity, for the page: shape and colour both.
LOOKS = {
    Severity.ERROR: ("alert-octagon", "cancel"),
    Severity.WARNING: ("alert", "paused"),
    Severity.INFO: ("info", "sched"),
}
