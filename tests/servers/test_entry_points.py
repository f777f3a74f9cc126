"""The container's entry points, run without a container against given servers: prepare, web, workers, beat, probes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from backoffice.servers import Held, ensure
from tests.servers.stack import ROOT, STOP_LIMIT, clean_environment, free_port, gone, kill_all

SECRET = "a-secret-of-the-tests-that-is-long-enough-to-be-one"


@pytest.fixture
def held(folder: Path) -> Iterator[Held]:
    """A database and a Redis for it."""
    found = ensure(folder / "servers", scratch=True)
    yield found
    found.release()


@pytest.fixture
def environment(folder: Path, held: Held) -> dict[str, str]:
    """A production environment whose database and Redis are given by address."""
    return clean_environment(
        DATABASE_URL=held.places.database_url,
        REDIS_URL=held.places.redis_url,
        BACKOFFICE_DATA_DIR=str(folder / "data"),
        BACKOFFICE_SECRET_KEY=SECRET,
        BACKOFFICE_ALLOWED_HOSTS="backoffice.example",
        BACKOFFICE_HTTPS="true",
        BACKOFFICE_TRUSTED_PROXIES="1",
        BACKOFFICE_PORT=str(free_port()),
        SWEEP_INTERVAL="1",
    )


def last_beats(environment: dict[str, str]) -> dict[str, str]:
    """Name and moment of every job's last beat."""
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        return dict(connection.execute("SELECT name, beat_at::text FROM core_heartbeat").fetchall())


#: Jobs that run at every sweep, whatever there is to do.
SWEEPS = {"outbox", "publishing.sweep", "audit.seal"}


def start(environment: dict[str, str], name: str, log: Path) -> subprocess.Popen[bytes]:
    """Start an entry point; what it says goes to a file, because nobody reads a pipe meanwhile."""
    with log.open("ab") as output:
        command = [sys.executable, "-m", "backoffice.servers.run", name]
        return subprocess.Popen(command, cwd=ROOT, env=environment, stdout=output, stderr=subprocess.STDOUT)


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a short entry point to its end."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300, check=False
    )


def until(environment: dict[str, str], *words: str, tries: int = 40) -> subprocess.CompletedProcess[str]:
    """Run a probe until it succeeds, as an engine does; answers the last run."""
    for _ in range(tries):
        done = run(environment, *words)
        if done.returncode == 0:
            return done
    return done


def test_processes_come_up_answer_survive_redis_and_end_on_sigterm(
    folder: Path, held: Held, environment: dict[str, str]
) -> None:
    prepared = run(environment, "manage.py", "prepare")
    assert prepared.returncode == 0, prepared.stderr
    assert run(environment, "manage.py", "prepare").returncode == 0  # safe to repeat
    assert run(environment, "-m", "backoffice.servers.probe").returncode == 1  # nobody answers yet
    assert run(environment, "manage.py", "health", "--sweep").returncode == 1

    logs = {name: folder / f"{name}.log" for name in ("web", "lifecycle", "worker", "beat")}
    processes = {name: start(environment, name, log) for name, log in logs.items()}
    family = []
    try:
        assert until(environment, "-m", "backoffice.servers.probe", tries=400).returncode == 0
        for _ in range(180):  # a look at the table costs nothing beside a start of the command
            if set(last_beats(environment)) >= SWEEPS:
                break
            threading.Event().wait(1)
        swept = until(environment, "manage.py", "health", "--sweep")
        assert swept.returncode == 0, swept.stdout + swept.stderr
        assert json.loads(swept.stdout)["broker"] == "ok"
        pinged = run(environment, "-m", "celery", "-A", "backoffice", "inspect", "ping", "--timeout", "5")
        assert f"lifecycle@{os.uname().nodename}" in pinged.stdout
        assert f"worker@{os.uname().nodename}" in pinged.stdout

        # Redis dies with all that was queued; its successor is found and the work goes on. Now and
        # then Celery ends over it (an AttributeError in kombu); the restart policy brings it back, as here.
        psutil.Process(held.pids["redis"]).kill()
        before = {name: moment for name, moment in last_beats(environment).items() if name in SWEEPS}
        assert before
        late = set(before)
        for _ in range(180):
            for name, process in processes.items():
                if process.poll() is not None:
                    processes[name] = start(environment, name, logs[name])
            late = {name for name, moment in before.items() if last_beats(environment)[name] <= moment}
            if not late:
                break
            threading.Event().wait(1)  # the sweepers of other processes; no clock of ours moves them
        tails = {name: log.read_text()[-2000:] for name, log in logs.items()}
        assert not late, (before, last_beats(environment), tails)

        for process in processes.values():
            assert process.poll() is None
            top = psutil.Process(process.pid)
            family += [top, *top.children(recursive=True)]
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in processes.items():
            assert process.wait(STOP_LIMIT) == 0, logs[name].read_text()[-3000:]
        assert gone(family, 30) == []
    finally:
        kill_all(family)
        for process in processes.values():
            process.kill()


def test_beat_ends_in_the_middle_of_a_reply(folder: Path, held: Held, environment: dict[str, str]) -> None:
    """Redis hears everything and answers nothing: whenever the signal comes, beat waits for a reply."""
    beat = start(environment, "beat", folder / "beat.log")
    server = psutil.Process(held.pids["redis"])
    broker = redis.Redis.from_url(held.places.redis_url)
    try:
        for _ in range(120):
            if broker.exists("lifecycle"):
                break
            threading.Event().wait(0.5)
        assert broker.exists("lifecycle"), (folder / "beat.log").read_text()[-2000:]
        server.suspend()
        threading.Event().wait(1.5)  # its period is a second: by then it has sent something and waits
        assert beat.poll() is None
        beat.send_signal(signal.SIGTERM)
        assert beat.wait(STOP_LIMIT / 4) == 0
    finally:
        server.resume()
        broker.close()
        beat.kill()


def test_web_refuses_to_redirect_for_ever(environment: dict[str, str]) -> None:
    """It speaks plain HTTP: with https wanted and no proxy trusted nobody would ever see a page."""
    done = run(environment | {"BACKOFFICE_TRUSTED_PROXIES": "0"}, "-m", "backoffice.servers.run", "web")
    assert done.returncode == 2
    [line] = done.stderr.strip().splitlines()
    assert line.startswith("Cannot start: BACKOFFICE_HTTPS=true needs BACKOFFICE_TRUSTED_PROXIES")
