"""A worker that runs but does not listen is started again; a busy one, or one without a broker, is left alone."""

from __future__ import annotations

from backoffice.servers.watchdog import PATIENCE, PERIOD, SETTLING, Watchdog


class World:
    """What the watchdog sees and does."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.listening = {"one", "two"}
        self.broker = True
        self.pings = 0
        self.restarted: list[str] = []
        self.dog = Watchdog(
            ("one", "two"),
            ping=self.ping,
            broker_answers=lambda: self.broker,
            restart=self.restarted.append,
            clock=lambda: self.now,
        )

    def ping(self) -> set[str]:
        self.pings += 1
        return self.listening

    def pass_time(self, seconds: float) -> None:
        """Move on and look, half a second at a time, as the supervisor does."""
        for _ in range(int(seconds * 2)):
            self.now += 0.5
            self.dog.look()


def test_a_silent_worker_is_restarted_within_a_minute_and_only_it() -> None:
    world = World()
    world.pass_time(SETTLING + PERIOD)
    world.listening = {"two"}
    world.pass_time(PERIOD * (PATIENCE + 1))
    assert world.restarted == ["one"]
    assert PERIOD * (PATIENCE + 1) <= 60


def test_one_missed_ping_is_forgiven() -> None:
    world = World()
    world.pass_time(SETTLING)
    world.listening = set()
    world.pass_time(PERIOD)
    world.listening = {"one", "two"}
    world.pass_time(PERIOD * 10)
    assert world.restarted == []


def test_without_a_broker_silence_means_nothing() -> None:
    world = World()
    world.listening, world.broker = set(), False
    world.pass_time(SETTLING + PERIOD * 20)
    assert (world.restarted, world.pings) == ([], 0)


def test_a_restarted_worker_gets_time_to_settle() -> None:
    world = World()
    world.pass_time(SETTLING)
    world.listening = {"two"}
    world.pass_time(PERIOD * PATIENCE)
    assert world.restarted == ["one"]
    world.pass_time(SETTLING - PERIOD)
    assert world.restarted == ["one"]
