"""Lists: `?limit=50&cursor=…` → `{"items": […], "next_cursor": null}`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from django.db.models import Model, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop
from pydantic import BaseModel, ConfigDict, Field

from core import clock, keyset
from core.errors import FieldError, InvalidInput
from policies import active
from policies.rules import ApiRules

Row = TypeVar("Row", bound=Model)


class ListQuery(BaseModel):
    """The query of every list; each list adds its filters. Numbers arrive as text, so this is not strict."""

    model_config = ConfigDict(extra="ignore")

    limit: int | None = Field(
        None,
        ge=1,
        description=gettext_noop("Rows of a page; %(api__page_size)s unless told, %(api__page_size_max)s at most."),
    )
    cursor: str = Field(
        "", max_length=200, description=gettext_noop("`next_cursor` of the page before; nothing for the first page.")
    )


def page(
    rows: QuerySet[Row, Any], query: ListQuery, present: Callable[[Sequence[Row]], list[dict[str, Any]]]
) -> dict[str, Any]:
    """One page of `rows`, newest first, rendered all at once. Raises InvalidInput for a limit or cursor out of bounds."""
    found = keyset.page(rows, cursor=query.cursor, size=size_of(query))
    return {"items": present(found.rows), "next_cursor": found.next or None}


def size_of(query: ListQuery) -> int:
    """The page size asked for. Raises InvalidInput above the policy's limit."""
    rules = active(ApiRules, clock.now())
    if query.limit is None:
        return rules.page_size
    if query.limit > rules.page_size_max:
        words = _("It must be at most %(limit)s.") % {"limit": rules.page_size_max}
        raise InvalidInput(words, [FieldError("limit", "ERR_RANGE", words)])
    return query.limit
