"""Stops that wait for their checks, and the brake of the whole store."""

from __future__ import annotations

from typing import Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Body, Count, Time, Version
from api.lists import ListQuery
from api.schemas.campaigns import Code, Text

ParkedStateName = Literal["waiting", "clear", "done", "refused", "withdrawn", "overtaken", "expired"]


class ParkIn(Body):
    """A refused stop that waits. `then`: `act` does it when nothing stands in the way, `ask` sends a message."""

    action: Literal["pause", "cancel"]
    then: Literal["act", "ask"]
    reason: Text = ""
    note: Text = ""
    freeze_claimed: bool = Field(False, description=_("For a pause: freeze coupons that buyers have claimed already."))
    confirm_code: str = Field("", max_length=40, description=_("For a cancel: the campaign's own code."))
    version: Version = None


class ParkedOut(Answer):
    """A stop that waits, or what became of it."""

    id: int
    campaign: Code
    action: Literal["pause", "cancel"]
    then: Literal["act", "ask"]
    state: ParkedStateName
    reason: str
    note: str
    blockers: list[str] = Field(description=_("Codes of the checks in its way at the last look."))
    created_at: Time
    created_by: str
    looked_at: Time | None
    next_look_at: Time | None
    finished_at: Time | None
    outcome: ParkedOutcome | None = Field(description=_("Why it was not carried out."))


class ParkedOutcome(Answer):
    """A refusal at the moment when nothing else stood in the way."""

    code: str
    message: str


class ParkedQuery(ListQuery):
    """Filters of the waiting stops."""

    state: ParkedStateName | None = None
    campaign: str = Field("", max_length=40, description=_("A campaign's code."))


class StopAllIn(Body):
    """One reason for everything that runs; `confirm_count` is how many campaigns run."""

    reason: Text = ""
    note: Text = ""
    freeze_claimed: bool = Field(False, description=_("Freeze coupons that buyers have claimed already."))
    confirm_count: Count


ParkedOut.model_rebuild()
