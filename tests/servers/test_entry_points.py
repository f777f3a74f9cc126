"""The container's entry points, run without a container against given servers: prepare, web, workers, beat, probes."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from backoffice.servers import ensure
from tests.servers.stack import ROOT, clean_environment, free_port, gone, kill_all

SECRET = "a-secret-of-the-tests-that-is-long-enough-to-be-one"


@pytest.fixture
def environment(folder: Path) -> Iterator[dict[str, str]]:
    """A production environment whose database and Redis are given by address."""
    held = ensure(folder / "servers", scratch=True)
    yield clean_environment(
        DATABASE_URL=held.places.database_url,
        REDIS_URL=held.places.redis_url,
        BACKOFFICE_DATA_DIR=str(folder / "data"),
        BACKOFFICE_SECRET_KEY=SECRET,
        BACKOFFICE_ALLOWED_HOSTS="backoffice.example",
        BACKOFFICE_HTTPS="true",
        BACKOFFICE_PORT=str(free_port()),
        SWEEP_INTERVAL="1",
    )
    held.release()


def start(environment: dict[str, str], *words: str) -> subprocess.Popen[str]:
    """Start an entry point."""
    return subprocess.Popen(
        [sys.executable, "-m", "backoffice.servers.run", *words],
        cwd=ROOT,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def run(environment: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Run a short entry point to its end."""
    return subprocess.run(
        [sys.executable, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=60, check=False
    )


def until(environment: dict[str, str], *words: str, tries: int = 40) -> subprocess.CompletedProcess[str]:
    """Run a probe until it succeeds, as an engine does; answers the last run."""
    for _ in range(tries):
        done = run(environment, *words)
        if done.returncode == 0:
            return done
    return done


def test_processes_come_up_answer_and_end_on_sigterm(environment: dict[str, str]) -> None:
    prepared = run(environment, "manage.py", "prepare")
    assert prepared.returncode == 0, prepared.stderr
    assert run(environment, "manage.py", "prepare").returncode == 0  # safe to repeat
    assert run(environment, "-m", "backoffice.servers.probe").returncode == 1  # nobody answers yet
    assert run(environment, "manage.py", "health", "--sweep").returncode == 1

    processes = {
        "web": start(environment, "web"),
        "lifecycle": start(environment, "lifecycle"),
        "worker": start(environment, "worker"),
        "beat": start(environment, "beat"),
    }
    family = []
    try:
        assert until(environment, "-m", "backoffice.servers.probe", tries=400).returncode == 0
        swept = until(environment, "manage.py", "health", "--sweep")
        assert swept.returncode == 0, swept.stdout + swept.stderr
        assert json.loads(swept.stdout)["broker"] == "ok"
        pinged = run(environment, "-m", "celery", "-A", "backoffice", "inspect", "ping", "--timeout", "5")
        assert f"lifecycle@{os.uname().nodename}" in pinged.stdout
        assert f"worker@{os.uname().nodename}" in pinged.stdout
        for process in processes.values():
            assert process.poll() is None
            top = psutil.Process(process.pid)
            family += [top, *top.children(recursive=True)]
        for process in processes.values():
            process.send_signal(signal.SIGTERM)
        for name, process in processes.items():
            assert process.wait(30) == 0, (name, process.stdout and process.stdout.read())
        assert gone(family, 5) == []
    finally:
        kill_all(family)
        for process in processes.values():
            process.kill()
