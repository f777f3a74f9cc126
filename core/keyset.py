"""Pages by key, not by offset: page a thousand costs what page one costs.

Rows come newest first, by id. A cursor is opaque to readers; it holds a direction and the id at the edge of the page shown.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _

from core.errors import FieldError, InvalidInput

Row = TypeVar("Row", bound=Model)


class Keyed(Protocol):
    """Something with the id of a row."""

    @property
    def pk(self) -> int:
        """The id."""


Item = TypeVar("Item", bound=Keyed)


@dataclass(frozen=True)
class Page(Generic[Item]):
    """Rows of one page, and the cursors of its neighbours ("" when there is none)."""

    rows: list[Item]
    previous: str
    next: str


def encode(direction: str, edge: int) -> str:
    """`direction` is "n" (rows below the id) or "p" (rows above it)."""
    return base64.urlsafe_b64encode(f"{direction}{edge}".encode()).decode().rstrip("=")


def decode(cursor: str) -> tuple[str, int]:
    """Read a cursor; garbage is refused with 422."""
    try:
        text = base64.urlsafe_b64decode(cursor.encode() + b"=" * (-len(cursor) % 4)).decode()
        direction, edge = text[0], int(text[1:])
        if direction not in "np" or not 0 <= edge < 2**63 or len(cursor) > 40:
            raise ValueError
    except (ValueError, IndexError, UnicodeError, binascii.Error):
        error = FieldError("cursor", "ERR_CURSOR", _("This is not a cursor of this list; leave it out to begin anew."))
        raise InvalidInput(error.message, [error], code="ERR_CURSOR") from None
    return direction, edge


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
        more_before, kept = len(found) > size, found[:size][::-1]
        more_after = bool(kept)
    else:
        wanted = rows.filter(pk__lt=edge) if edge is not None else rows
        found = read(wanted.order_by("-pk")[: size + 1])
        kept, more_after, more_before = found[:size], len(found) > size, edge is not None
    if not kept:
        return Page([], "", "")
    return Page(
        rows=kept,
        previous=encode("p", kept[0].pk) if more_before else "",
        next=encode("n", kept[-1].pk) if more_after else "",
    )


def count_up_to(rows: QuerySet[Row, Any], limit: int) -> int:
    """How many rows match, counting no further than `limit`, so that a hundred thousand rows cost no more than `limit`."""
    return rows.order_by()[:limit].count()
