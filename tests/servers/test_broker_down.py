"""A broker that is gone or silent costs a request at most one short wait: the sweep finds the work.

What is counted are the tries, each of which the settings bound, and not seconds, which depend on the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kombu.pools
import kombu.utils.functional
import psutil
import pytest
import redis.connection

from backoffice import nudges
from backoffice.celery import app
from backoffice.servers import Held, ensure


@pytest.fixture
def broker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """The application talking to a Redis of this test alone."""
    held = ensure(folder / "var", want=["redis"])
    before = app.conf.broker_url
    app.conf.broker_url = held.places.broker_url
    forget_connections()
    monkeypatch.setattr(nudges, "_broken_until", 0.0)
    yield held
    forget_connections()
    app.conf.broker_url = before
    held.release()


def forget_connections() -> None:
    """Let the application connect anew, to the broker that its settings name now."""
    kombu.pools.reset()
    app._pool = app.amqp._producer_pool = None


class Tries:
    """What a nudge does that can take time: connecting, reading an answer, and sleeping between tries."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.connects = self.reads = 0
        self.naps: list[float] = []
        #: Seconds that one connect and one read may take, as set on each connection used.
        self.bounds: set[tuple[float | None, float | None]] = set()
        monkeypatch.setattr(kombu.utils.functional, "sleep", self.naps.append)
        for kind in (redis.connection.Connection, redis.connection.UnixDomainSocketConnection):
            self._count(monkeypatch, kind, "_connect", "connects")
            self._count(monkeypatch, kind, "read_response", "reads")

    def _count(self, monkeypatch: pytest.MonkeyPatch, kind: type, method: str, counter: str) -> None:
        real = getattr(kind, method)

        def counted(connection: Any, *args: Any, **options: Any) -> Any:
            setattr(self, counter, getattr(self, counter) + 1)
            self.bounds.add((connection.socket_connect_timeout, connection.socket_timeout))
            return real(connection, *args, **options)

        monkeypatch.setattr(kind, method, counted)


@pytest.fixture
def tries(broker: Held, monkeypatch: pytest.MonkeyPatch) -> Tries:
    """Counts from here on."""
    return Tries(monkeypatch)


def nudge() -> None:
    """What a commit does."""
    nudges.wake(None, topics={"publish"})


def test_killed_broker(broker: Held, tries: Tries) -> None:
    process = psutil.Process(broker.pids["redis"])
    process.kill()
    psutil.wait_procs([process], timeout=30)
    nudge()
    assert (tries.connects, tries.reads, tries.naps) == (1, 0, [])
    nudge()
    assert tries.connects == 1, "left alone for a while"


def test_broker_killed_while_connected(broker: Held, tries: Tries) -> None:
    nudge()
    connects, reads = tries.connects, tries.reads
    assert connects
    assert reads
    process = psutil.Process(broker.pids["redis"])
    process.kill()
    psutil.wait_procs([process], timeout=30)
    nudge()
    assert (tries.connects - connects, tries.naps) == (1, [])
    nudge()
    assert tries.connects - connects == 1


def test_silent_broker(broker: Held, tries: Tries) -> None:
    """A broker that keeps the connection and never answers: one wait, then none until it is tried again."""
    nudge()
    process = psutil.Process(broker.pids["redis"])
    connects, reads = tries.connects, tries.reads
    process.suspend()
    try:
        nudge()
        assert (tries.connects - connects, tries.reads - reads, tries.naps) == (0, 1, [])
        nudge()
        assert tries.reads - reads == 1, "left alone for a while"
    finally:
        process.resume()
    [(connect, read)] = tries.bounds
    assert connect, "it does not wait for ever"
    assert read, "it does not wait for ever"
