"""Shapes that several resources share."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Body, Version

Item = TypeVar("Item")


class Page(Answer, Generic[Item]):
    """One page of a list."""

    items: list[Item]
    next_cursor: str | None = Field(description=_("Send it as `cursor` for the next page; null on the last."))


class JobStarted(Answer):
    """A job was queued; follow it at `GET /jobs/{id}`."""

    job: int


class RejectedRow(Answer):
    """A row that was not applied, and why."""

    sku: str
    code: str
    message: str


class RowsApplied(Answer):
    """What became of many rows."""

    applied: int
    rejected: list[RejectedRow]


class FieldFault(Answer):
    """One broken field."""

    field: str = Field(description=_("Its name in the body; members of lists as `items.0.price`."))
    code: str
    message: str


class FixOut(Answer):
    """Where something is mended; `url` is an address of this installation."""

    label: str
    url: str


class Problem(Answer):
    """RFC 9457. Some codes add members: `blockers`, `current`, `holder`, `seconds_left`, `right`, `granted_by`."""

    type: str = Field(description=_("Where the code is explained."))
    title: str
    status: int
    code: str
    detail: str
    request_id: str
    errors: list[FieldFault]
    blockers: list[Any] = Field(
        description=_("Guards that stop the action, in the shape of `guards` of the close check.")
    )


class VersionOnly(Body):
    """A change that needs nothing but, if wanted, the version that was read."""

    version: Version = None
