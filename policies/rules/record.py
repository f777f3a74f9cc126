"""Limits of the audit log and of messages."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class AuditRules(Rules):
    """Sealing, reading, exporting."""

    key: ClassVar[str] = "audit"

    seal_batch: int = Field(default=20_000, ge=1, description=_("Events sealed per transaction."))
    checkpoint_every: int = Field(
        default=60, ge=0, description=_("Seconds between two signed checkpoints while the log grows.")
    )
    page_size: int = Field(default=50, ge=1, description=_("Entries of the audit log on one page."))
    page_size_max: int = Field(
        default=200, ge=1, description=_("Entries of the audit log on one page at most, where the page asks for more.")
    )
    export_rows: int = Field(default=200_000, ge=1, description=_("Rows of one csv file."))
    query_length: int = Field(default=100, ge=1, description=_("Longest word in a filter."))


class InboxRules(Rules):
    """Messages to people."""

    key: ClassVar[str] = "inbox"

    page_size: int = Field(default=50, ge=1, description=_("Messages on one page."))
    page_size_max: int = Field(
        default=200, ge=1, description=_("Messages on one page at most, where the page asks for more.")
    )
    badge_max: int = Field(default=99, ge=1, description=_("The bell says 99+ beyond it."))
    query_length: int = Field(default=100, ge=1, description=_("Longest search word."))
