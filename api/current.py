"""A stale version answers with the object as it stands, in the shape that this API gives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from accounts.models import Store
from api.present import campaigns as present
from campaigns import finding
from core.errors import VersionConflict


@contextmanager
def with_current(store: Store, code: str) -> Iterator[None]:
    """Put the whole campaign into the `current` member of a version conflict."""
    try:
        yield
    except VersionConflict as error:
        error.extra["current"] = present.one(finding.get(store, code))
        raise
