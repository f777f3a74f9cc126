"""Pages by key, not by offset: page a thousand costs what page one costs.

Rows come newest first: by id, or by a moment of theirs and then by id. A cursor is opaque to readers; it holds a direction and the id (with
the moment before it) at the edge of the page shown.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import BigIntegerField, BooleanField, DateTimeField, F, Field, Func, Model, QuerySet, Value
from django.utils.translation import gettext as _

from core.errors import FieldError, InvalidInput

Row = TypeVar("Row", bound=Model)


class Keyed(Protocol):
    """Something with the id of a row."""

    @property
    def pk(self) -> int:
        """The id."""


Item = TypeVar("Item", bound=Keyed)
_LONGEST = 60
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Rows of one page, and the cursors of its neighbours ("" when there is none)."""

    rows: list[Item]
    previous: str
    next: str


def encode(direction: str, edge: int) -> str:
    """`direction` is "n" (rows below the id) or "p" (rows above it)."""
    return _write(f"{direction}{edge}")


def encode_moment(direction: str, at: datetime, edge: int) -> str:
    """The same for lists by a moment: the edge's moment, to the microsecond, and its id."""
    return _write(f"{direction}{(at - _EPOCH) // _TICK}.{edge}")


def decode(cursor: str) -> tuple[str, int]:
    """Read a cursor; garbage is refused with 422."""
    direction, told = _read(cursor)
    try:
        return direction, _id(told)
    except ValueError:
        raise _refusal() from None


def page(rows: QuerySet[Row, Any], *, cursor: str = "", size: int) -> Page[Row]:
    """One page of `rows`, newest first, in one query. Raises InvalidInput for a cursor that is none."""
    return page_of(rows, list, cursor=cursor, size=size)


def page_of(
    rows: QuerySet[Row, Any], read: Callable[[QuerySet[Row, Any]], list[Item]], *, cursor: str = "", size: int
) -> Page[Item]:
    """The same, of whatever `read` makes of a queryset: for lists that need few columns of their rows."""
    direction, edge = decode(cursor) if cursor else ("n", None)
    if direction == "p":
        found = read(rows.filter(pk__gt=edge).order_by("pk")[: size + 1])
    else:
        wanted = rows.filter(pk__lt=edge) if edge is not None else rows
        found = read(wanted.order_by("-pk")[: size + 1])
    return _page(found, size, direction, bool(cursor), lambda way, row: encode(way, row.pk))


def page_by(rows: QuerySet[Row, Any], moment: str, *, cursor: str = "", size: int) -> Page[Row]:
    """One page of `rows`, those with the latest `moment` (a column that none of them leaves empty) first, within one moment the newest.

    One query; an index on (…, `moment`, id) finds the edge of a page even where ten thousand rows share one moment. Raises InvalidInput
    for a cursor that is none.
    """
    direction, at, edge = _decode_moment(cursor) if cursor else ("n", None, 0)
    wanted = rows if at is None else rows.filter(beside(moment, at, edge, after=direction == "n"))
    order = (f"-{moment}", "-pk") if direction == "n" else (moment, "pk")
    found = list(wanted.order_by(*order)[: size + 1])
    return _page(
        found, size, direction, bool(cursor), lambda way, row: encode_moment(way, getattr(row, moment), row.pk)
    )


def beside(moment: str, at: datetime, edge: int, *, after: bool) -> Func:
    """A condition: the row comes after (or before) the one with this moment and id in a list by `moment`, latest first."""
    row = Func(F(moment), F("pk"), template="(%(expressions)s)", output_field=Field())
    other = Func(
        Value(at, output_field=DateTimeField()), Value(edge, output_field=BigIntegerField()),
        template="(%(expressions)s)", output_field=Field(),
    )  # fmt: skip
    way = " < " if after else " > "
    return Func(row, other, template="%(expressions)s", arg_joiner=way, output_field=BooleanField())


def _page(found: list[Item], size: int, direction: str, began: bool, edge: Callable[[str, Item], str]) -> Page[Item]:
    """The page of `size` rows at most; one row more was asked for, to know whether the list goes on in this direction."""
    kept, more = found[:size], len(found) > size
    if not kept:
        return Page([], "", "")
    before, after = began, more
    if direction == "p":
        kept.reverse()
        before, after = more, True
    return Page(
        rows=kept, previous=edge("p", kept[0]) if before else "", next=edge("n", kept[-1]) if after else ""
    )  # fmt: skip


def _decode_moment(cursor: str) -> tuple[str, datetime, int]:
    direction, told = _read(cursor)
    ticks, _dot, edge = told.partition(".")
    try:
        return direction, _EPOCH + int(ticks) * _TICK, _id(edge)
    except (ValueError, OverflowError):
        raise _refusal() from None


def _write(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str) -> tuple[str, str]:
    """The direction of a cursor, and what follows it."""
    if len(cursor) > _LONGEST:
        raise _refusal()
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
    except (ValueError, binascii.Error):  # a text that is no UTF-8 is a ValueError, too
        raise _refusal() from None
    if text[:1] not in ("n", "p"):
        raise _refusal()
    return text[0], text[1:]


def _id(text: str) -> int:
    found = int(text)
    if not 0 <= found < 2**63:
        raise ValueError(text)
    return found


def _refusal() -> InvalidInput:
    error = FieldError("cursor", "ERR_CURSOR", _("This is not a cursor of this list; leave it out to begin anew."))
    return InvalidInput(error.message, [error], code="ERR_CURSOR")


def count_up_to(rows: QuerySet[Row, Any], limit: int) -> int:
    """How many rows match, counting no further than `limit`, so that a hundred thousand rows cost no more than `limit`."""
    return rows.order_by()[:limit].count()
