"""Sending coupons by e-mail and SMS."""

from __future__ import annotations

from typing import Literal

from django.utils.translation import gettext_noop as _
from pydantic import Field

from api.fields import Answer, Body, Count, Time
from api.lists import ListQuery


class RecipientIn(Body):
    """A buyer, and where the message goes. The address is sealed, and dropped when the sending is finished."""

    buyer: str = Field(max_length=400)
    address: str = Field(max_length=400)


class SendingIn(Body):
    """A sending. In subjects and texts `{coupon}`, `{value}`, `{minimum}`, `{until}`, `{code}`, `{claim}` and `{store}` are filled in."""

    channel: Literal["email", "sms"]
    subject_en: str = Field("", max_length=1000, description=_("Of an e-mail."))
    subject_zh: str = Field("", max_length=1000, description=_("Of an e-mail."))
    text_en: str = Field("", max_length=100_000)
    text_zh: str = Field("", max_length=100_000, description=_("Both languages are sent where both are given."))
    recipients: list[RecipientIn]
    consent: bool = Field(description=_("That the recipients agreed to such messages; must be true."))
    issue: bool = Field(False, description=_("Recipients of the segment who lack the coupon get it first."))


class SendingCounts(Answer):
    """How many recipients are in which state."""

    waiting: Count
    trying: Count
    sent: Count
    failed: Count
    unknown: Count
    skipped: Count


class SendingOut(Answer):
    """A sending with its progress. No address is in it."""

    id: int
    channel: Literal["email", "sms"]
    state: Literal["draft", "sending", "paused", "done", "stopped"]
    why: str | None = Field(description=_("The code of what paused or stopped it by itself."))
    issue: bool
    total: Count
    counts: SendingCounts
    go: Count = Field(description=_("How often its failures were tried, the first time included."))
    created_at: Time
    started_at: Time | None
    finished_at: Time | None
    addresses_dropped_at: Time | None


class RecipientQuery(ListQuery):
    """Recipients, optionally of one state."""

    state: Literal["waiting", "trying", "sent", "failed", "unknown", "skipped"] | None = Field(
        None, description=_("Only those in this state.")
    )


class RecipientOut(Answer):
    """What became of one recipient."""

    id: int
    buyer: str
    state: Literal["waiting", "trying", "sent", "failed", "unknown", "skipped"]
    code: str | None = Field(description=_("Why it was not sent."))
    answer: int | None = Field(description=_("The status that the gateway or mail server gave."))
    key: str = Field(description=_("The id by which the gateway knows the message."))
    tried_at: Time | None


class RecipientList(Answer):
    """Newest first."""

    items: list[RecipientOut]
    next_cursor: str | None
