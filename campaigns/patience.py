"""How long the guards of a checklist may take: one of them, and all of them together (R20, R33).

PostgreSQL stops a statement by `statement_timeout`; what this adds is that many statements of one guard, and many guards that hang, do not
add their limits up. The person at the stop page waits for a known time, whatever is slow.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

_SET = "SELECT set_config('statement_timeout', %s, true)"
#: How far what is left may be from the limit that is set before it is set anew, so that quick guards cost no statement more.
_SLACK = 0.1
#: Zero would be no limit at all.
_LEAST = 0.001


class OutOfTime(Exception):
    """A guard has had its time."""


class Patience:
    """One guard has `seconds`, but never more than half of what is left of twice as long: all together they take less than that, and
    those that come after one that hangs still have their turn.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._ends = time.monotonic() + 2 * seconds
        self._until = self._ends
        self._set = 0.0

    @contextmanager
    def held(self) -> Iterator[None]:
        """Within a transaction; the session's own limit comes back after."""
        yield
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout TO DEFAULT")

    @contextmanager
    def turn(self) -> Iterator[None]:
        """The turn of one guard, around its savepoint."""
        now = time.monotonic()
        share = max(min(self._seconds, (self._ends - now) / 2), _LEAST)
        self._until = now + share
        with connection.cursor() as cursor:
            self._limit(share, lambda value: cursor.execute(_SET, [value]))
        before = self._set
        try:
            yield
        except BaseException:
            self._set = before  # what was set within the savepoint went with it
            raise

    @contextmanager
    def watched(self) -> Iterator[None]:
        """The statements of the guard, within its savepoint. Raises OutOfTime at the first one after its time is over."""
        with connection.execute_wrapper(self._statement):
            yield

    def _statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        left = self._until - time.monotonic()
        if left <= 0:
            raise OutOfTime
        self._limit(left, lambda value: execute(_SET, [value], False, context))
        return execute(sql, params, many, context)

    def _limit(self, seconds: float, run: Callable[[str], Any]) -> None:
        """Set the limit of the next statements, where it is another one."""
        if abs(seconds - self._set) > self._set * _SLACK:
            run(str(max(1, round(seconds * 1000))))
            self._set = seconds
