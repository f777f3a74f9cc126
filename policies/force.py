"""Which version of a rule set is in force: the latest `valid_from` not after the moment (R20, R192).

The versions are few and change rarely: each process keeps them, and asks every few seconds by one small query whether there are
others. A change made in this process is seen at once.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_right
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from django.apps import apps
from django.conf import settings
from django.db.models import Count, Max, Q

from policies.rules.base import Provenance, Rules

R = TypeVar("R", bound=Rules)


class NoRulesInForce(RuntimeError):
    """No version of a rule set was in force at the moment asked for: the installation is not migrated, or the moment absurd."""


@dataclass
class _Version:
    provenance: Provenance
    values: dict[str, Any]
    rules: Rules | None = None


@dataclass(frozen=True)
class _Book:
    """All versions, each key's in order of time; `mark` tells one state of the table from another."""

    mark: tuple[int, int]
    starts: dict[str, list[datetime]]
    versions: dict[str, list[_Version]]


_book: _Book | None = None
_looked_at = 0.0
_lock = threading.Lock()


def active(model: type[R], now: datetime) -> R:
    """The version of `model` in force at `now`, typed, with its provenance. Raises NoRulesInForce when there is none."""
    book = _current()
    position = bisect_right(book.starts.get(model.key, []), now) - 1
    if position < 0:
        raise NoRulesInForce(f"no version of the rule set “{model.key}” is in force at {now:%Y-%m-%dT%H:%M:%SZ}")
    version = book.versions[model.key][position]
    if not isinstance(version.rules, model):
        version.rules = model.load(version.values, version.provenance)
    return version.rules


def history(key: str) -> list[Provenance]:
    """All versions of a rule set, the newest first."""
    return [version.provenance for version in reversed(_current().versions.get(key, []))]


def forget() -> None:
    """Read the table again at the next question."""
    global _book
    with _lock:
        _book = None


def read_again() -> None:
    """Read the table now, so that the next question costs no query."""
    forget()
    _current()


def _current() -> _Book:
    global _book, _looked_at
    book = _book
    if book is not None and time.monotonic() - _looked_at < settings.POLICIES_TTL:
        return book
    with _lock:
        if _book is None or _mark() != _book.mark:
            _book = _read()
        _looked_at = time.monotonic()
        return _book


def _table() -> Any:
    return apps.get_model("policies", "RuleSet").objects


def _mark() -> tuple[int, int]:
    """Versions are added or withdrawn, never changed: how many stand and the last id tell one state of the table from another."""
    found = _table().aggregate(rows=Count("id", filter=Q(withdrawn_at=None)), last=Max("id"))
    return found["rows"], found["last"] or 0


def _read() -> _Book:
    starts: dict[str, list[datetime]] = {}
    versions: dict[str, list[_Version]] = {}
    rows = list(_table().order_by("key", "valid_from"))
    standing = [row for row in rows if row.withdrawn_at is None]
    for row in standing:
        provenance = Provenance(row.key, row.version, row.title, row.title_zh, row.source, row.valid_from)
        starts.setdefault(row.key, []).append(row.valid_from)
        versions.setdefault(row.key, []).append(_Version(provenance, row.values))
    return _Book((len(standing), max((row.id for row in rows), default=0)), starts, versions)
