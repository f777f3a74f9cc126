"""The room's limits. Their values are policy, and policies stand one floor above: that room lends them here when it starts."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Protocol


class AuditLimits(Protocol):
    """What this room asks of its policy."""

    @property
    def seal_batch(self) -> int:
        """Events sealed per transaction."""

    @property
    def checkpoint_every(self) -> int:
        """Seconds between two signed checkpoints while the log grows."""

    @property
    def page_size(self) -> int:
        """Rows of a page."""

    @property
    def page_size_max(self) -> int:
        """Most rows of a page."""

    @property
    def export_rows(self) -> int:
        """Rows of one exported file."""

    @property
    def query_length(self) -> int:
        """Longest word in a filter."""


_source: Callable[[datetime], AuditLimits] | None = None


def use(source: Callable[[datetime], AuditLimits]) -> None:
    """Name where the limits in force at a moment come from."""
    global _source
    _source = source


def at(now: datetime) -> AuditLimits:
    """The limits in force at `now`. Raises RuntimeError when nobody lent any."""
    if _source is None:
        raise RuntimeError("the audit room has no limits: policies have not started")
    return _source(now)
