"""A broker that is gone or silent costs a request next to nothing: the sweep finds the work (reliability (a))."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backoffice import nudges
from backoffice.celery import app
from backoffice.servers import Held, ensure


@pytest.fixture
def broker(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Held]:
    """The application talking to a Redis of this test alone."""
    held = ensure(folder / "var", want=["redis"])
    before = app.conf.broker_url
    app.conf.broker_url = held.places.broker_url
    app.pool.force_close_all()
    app.amqp.__dict__.pop("_producer_pool", None)
    monkeypatch.setattr(nudges, "_broken_until", 0.0)
    yield held
    app.pool.force_close_all()
    app.amqp.__dict__.pop("_producer_pool", None)
    app.conf.broker_url = before
    held.release()


def seconds_of_a_nudge() -> float:
    """How long a commit waits for its nudge."""
    began = time.monotonic()
    nudges.wake(None, topics={"publish"})
    return time.monotonic() - began


def test_killed_broker(broker: Held) -> None:
    psutil.Process(broker.pids["redis"]).kill()
    assert seconds_of_a_nudge() < 3
    assert seconds_of_a_nudge() < 0.1


def test_silent_broker(broker: Held) -> None:
    """A broker that takes the connection and never answers: one wait, then none until it is tried again."""
    assert seconds_of_a_nudge() < 1
    process = psutil.Process(broker.pids["redis"])
    process.suspend()
    try:
        assert 1 < seconds_of_a_nudge() < 5
        assert seconds_of_a_nudge() < 0.1
    finally:
        process.resume()
