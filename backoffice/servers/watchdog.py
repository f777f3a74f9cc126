"""Notices a worker that runs but no longer listens, as after a broker's connection died without a word.

The main process of a worker answers a ping whatever its pool is doing, so a busy worker is not taken for a dead one. No
answer twice in a row, while the broker itself answers, is a worker to start again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection

PERIOD = 15.0  # seconds between pings
PATIENCE = 2  # pings in a row without an answer
SETTLING = 45.0  # seconds after a start in which silence means nothing


class Watchdog:
    """Pings workers now and then, and asks for the restart of those that stay silent."""

    def __init__(
        self,
        names: Collection[str],
        *,
        ping: Callable[[], Collection[str]],
        broker_answers: Callable[[], bool],
        restart: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`ping` answers the names that replied; `restart` is given the name of a silent worker."""
        self._ping, self._broker_answers, self._restart, self._clock = ping, broker_answers, restart, clock
        self._missed = dict.fromkeys(names, 0)
        self._next = clock() + SETTLING

    def look(self) -> None:
        """Ping if it is time to; call it as often as you like."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + PERIOD
        if not self._broker_answers():
            self._missed = dict.fromkeys(self._missed, 0)
            return
        answered = self._ping()
        for name in self._missed:
            self._missed[name] = 0 if name in answered else self._missed[name] + 1
            if self._missed[name] >= PATIENCE:
                self._missed[name] = 0
                self._next = self._clock() + SETTLING
                self._restart(name)
