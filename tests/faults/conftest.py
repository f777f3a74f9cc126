"""Real workers on the test's own database: committed rows, processes of their own, a Redis of their own."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import redis
from django.db import connection

from backoffice.servers import Held, ensure
from tests.servers.stack import ROOT, clean_environment, kill_all, open_folder

LIMIT = 120.0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All on one test worker: they measure against the clock of the machine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.faults)
            item.add_marker(pytest.mark.xdist_group("faults"))


@dataclass
class Crew:
    """The processes that serve the queues, and what can be done to them."""

    environment: dict[str, str]
    held: Held
    folder: Path
    running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    ever: list[psutil.Process] = field(default_factory=list)

    def start(self, *names: str) -> None:
        """Start entry points: lifecycle, worker, beat."""
        for name in names:
            with (self.folder / f"{name}.log").open("ab") as output:
                command = [sys.executable, "-m", "backoffice.servers.run", name]
                process = subprocess.Popen(
                    command, cwd=ROOT, env=self.environment, stdout=output, stderr=subprocess.STDOUT
                )
            self.running[name] = process
            self.ever.append(psutil.Process(process.pid))

    def family(self, name: str) -> list[psutil.Process]:
        """A process and its children."""
        top = psutil.Process(self.running[name].pid)
        return [top, *top.children(recursive=True)]

    def kill(self, *names: str, child_only: bool = False) -> None:
        """SIGKILL the whole group of each, or its children alone."""
        for name in names:
            family = self.family(name)
            for process in family[1:] if child_only else family:
                process.send_signal(signal.SIGKILL)
            if not child_only:
                self.running.pop(name).wait(LIMIT)

    def flush_redis(self) -> None:
        """Empty the broker: everything queued is lost."""
        broker = redis.Redis(unix_socket_path=str(self.held.places.redis_socket))
        broker.flushall()
        broker.close()

    def logs(self) -> str:
        """The last words of everybody."""
        return "\n".join(f"--- {path.name}\n{path.read_text()[-2000:]}" for path in sorted(self.folder.glob("*.log")))

    def until(self, condition: Callable[[], bool], what: str, limit: float = LIMIT) -> None:
        """Wait for something that other processes bring about."""
        deadline, pause = time.monotonic() + limit, threading.Event()
        while not condition():
            if time.monotonic() > deadline:
                pytest.fail(f"in {limit:.0f} s it did not happen: {what}\n{self.logs()}")
            pause.wait(0.05)


@pytest.fixture
def crew(transactional_db: None) -> Iterator[Crew]:
    """A crew, gone after the test whatever happens in it."""
    with open_folder() as folder:
        held = ensure(folder / "servers", want=("redis",), scratch=True)
        environment = clean_environment(
            DATABASE_URL=_address(),
            REDIS_URL=held.places.broker_url,
            BACKOFFICE_DATA_DIR=str(folder / "data"),
            BACKOFFICE_SECRET_KEY="a-secret-of-the-tests-that-is-long-enough-to-be-one",
            SWEEP_INTERVAL="0.5",
            CAMPAIGN_EXPIRY_GRACE="0",
        )
        found = Crew(environment, held, folder)
        try:
            yield found
        finally:
            for process in found.ever:
                if process.is_running():
                    kill_all([process, *process.children(recursive=True)])
            held.release()


def _address() -> str:
    settings = connection.settings_dict
    password = f":{quote(settings['PASSWORD'])}" if settings["PASSWORD"] else ""
    host = settings["HOST"] or "localhost"
    port = f"&port={settings['PORT']}" if settings["PORT"] else ""
    return f"postgresql://{quote(settings['USER'])}{password}@/{settings['NAME']}?host={quote(host, safe='/')}{port}"
