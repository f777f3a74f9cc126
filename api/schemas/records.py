"""Messages and the audit log."""

from __future__ import annotations

from typing import Any, Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Moment, Time, optional
from api.lists import ListQuery
from api.schemas.common import FixOut


class About(Answer):
    """What it speaks of."""

    type: str
    id: str
    label: str = ""


class MessageOut(Answer):
    """A message to the people of the store, in the language asked for."""

    id: int
    at: Time
    severity: Literal["info", "warning", "error"]
    code: str
    title: str
    cause: str
    steps: list[str] = Field(description=_("How it is mended, in order."))
    fix: FixOut | None = Field(description=_("Where it is mended."))
    object: About | None
    read_at: Time | None
    read_by: str


class MessageQuery(ListQuery):
    """Filters of the messages."""

    unread: bool = Field(False, description=_("Only those that nobody has read."))


class ActorOut(Answer):
    """Who acted: a person, a person's token, or the system."""

    kind: Literal["user", "token", "system"]
    id: int | None
    label: str
    token: int | None


class EventOut(Answer):
    """One entry of the record."""

    id: int
    at: Time
    actor: ActorOut
    action: str
    sentence: str = Field(description=_("What happened, in words."))
    object: About
    right: str
    before: dict[str, Any]
    after: dict[str, Any]
    reason: str
    result: Literal["done", "refused", "failed"]
    code: str
    request_id: str
    commitments: dict[str, str] = Field(description=_("Salted SHA-256 of personal values; the values can be erased."))


class AuditQuery(ListQuery):
    """Filters of the record."""

    actor: str = Field("", max_length=200, description=_("A person's id, `system`, or a part of the name."))
    action: str = Field("", max_length=80, description=_("Such as `campaign.pause`; `campaign.` for all of them."))
    object: str = Field("", max_length=120, description=_("An id such as a campaign's code, or `type:id`."))
    since: Moment = optional(alias="from", description=_("From this moment on."))
    until: Moment = optional(alias="to", description=_("Before this moment."))


class ProofOut(Answer):
    """What a third party needs to check one entry."""

    format: str
    event: int
    seq: int
    size: int
    entry: str = Field(description=_("The exact text that was hashed."))
    leaf_hash: str
    path: list[str]
    root: str
    checkpoint: str = Field(description=_("The signed note."))
    verifier: str = Field(description=_("The public key that checks it."))
