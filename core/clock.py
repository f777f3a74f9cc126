"""The only source of time: the database's clock, read once per unit of work.

A unit of work is one request, one task run, one command. Inside it `now()` answers the same moment, so that one page or one
sweep never disagrees with itself. Long loops open a unit per batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

#: A year of room at both ends of what a datetime can hold.
_FIRST = datetime.min + timedelta(days=366)  # noqa: DTZ901 - the zone is that of the moment compared
_LAST = datetime.max - timedelta(days=366)  # noqa: DTZ901 - the zone is that of the moment compared


@dataclass
class _Unit:
    moment: datetime | None = None


_unit: ContextVar[_Unit | None] = ContextVar("clock_unit", default=None)
_frozen: list[datetime] = []


def read() -> datetime:
    """The database's clock this instant (or the frozen one); use it when a unit's moment would be stale."""
    if _frozen:
        return _frozen[-1]
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        (moment,) = cursor.fetchone()
    return moment.astimezone(UTC)


def now() -> datetime:
    """The moment of the current unit of work, aware, in UTC."""
    if _frozen:
        return _frozen[-1]
    unit = _unit.get()
    if unit is None:
        return read()
    if unit.moment is None:
        unit.moment = read()
    return unit.moment


def utc(moment: datetime) -> datetime:
    """A moment that somebody gave, in UTC. Raises ValueError where another zone, or a span added to it, would leave the calendar."""
    if not _FIRST.replace(tzinfo=moment.tzinfo) <= moment <= _LAST.replace(tzinfo=moment.tzinfo):
        raise ValueError("outside the calendar")
    return moment.astimezone(UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-11-27T08:00:00.123456Z`, to the fraction that the moment has; for machines."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def known() -> datetime | None:
    """The unit's moment if it is settled already (read, adopted or frozen), without asking the database."""
    if _frozen:
        return _frozen[-1]
    unit = _unit.get()
    return unit.moment if unit else None


def adopt(moment: datetime) -> None:
    """Settle the unit's moment with what a query of its own has just read from the database's clock: it saves a round trip."""
    unit = _unit.get()
    if unit is not None and unit.moment is None and not _frozen:
        unit.moment = moment.astimezone(UTC)


@contextmanager
def unit_of_work() -> Iterator[None]:
    """Open a unit: the first `now()` inside reads the database's clock, the rest repeat it."""
    token = _unit.set(_Unit())
    try:
        yield
    finally:
        _unit.reset(token)


@contextmanager
def freeze(moment: datetime) -> Iterator[FrozenClock]:
    """Hold the clock still (tests, replays). Every thread of the process sees the frozen moment."""
    if moment.tzinfo is None:
        raise ValueError("freeze() needs an aware datetime")
    _frozen.append(moment.astimezone(UTC))
    position = len(_frozen) - 1
    try:
        yield FrozenClock(position)
    finally:
        del _frozen[position:]


@dataclass(frozen=True)
class FrozenClock:
    """A handle to move a frozen clock."""

    position: int

    def move_to(self, moment: datetime) -> None:
        """Set the frozen moment."""
        _frozen[self.position] = moment.astimezone(UTC)

    def tick(self, delta: timedelta | float) -> datetime:
        """Move forward by a timedelta or by seconds; answers the new moment."""
        step = delta if isinstance(delta, timedelta) else timedelta(seconds=delta)
        _frozen[self.position] += step
        return _frozen[self.position]
