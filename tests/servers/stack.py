"""Running `manage.py up` from the outside, as a person at a terminal would, and looking at what it leaves behind."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import platform
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from backoffice.servers.places import reachable

ROOT = Path(__file__).resolve().parents[2]
START_LIMIT = 240.0
STOP_LIMIT = 120.0
RUNNING = "Back office is running"
NOBODY = 65534


def clean_environment(**extra: str) -> dict[str, str]:
    """The environment of a fresh terminal: nothing of the tests' own servers or settings in it."""
    dropped = ("BACKOFFICE_", "DJANGO_", "PYTEST_", "COV_", "COVERAGE_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    for name in ("DATABASE_URL", "REDIS_URL"):
        kept.pop(name, None)
    return kept | {"PYTHONDONTWRITEBYTECODE": "1"} | extra


def free_port() -> int:
    """A port that nothing uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A temporary folder that other users may walk through (pytest's own is closed to them)."""
    folder = Path(tempfile.mkdtemp(prefix="bo-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        remove_homes(folder)
        shutil.rmtree(folder, ignore_errors=True)


def remove_homes(folder: Path) -> None:
    """Remove what data directories below `folder` keep elsewhere."""
    for record in folder.rglob("place.json"):
        kept = json.loads(record.read_text())
        for name in ("home", "run"):
            if not Path(kept[name]).is_relative_to(folder):
                shutil.rmtree(kept[name], ignore_errors=True)


@dataclass
class Stack:
    """One `manage.py up`."""

    data_dir: Path
    port: int = field(default_factory=free_port)
    project: Path = ROOT
    python: Sequence[str] = (sys.executable,)
    arguments: Sequence[str] = ("--no-demo",)
    environment: Mapping[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    process: subprocess.Popen[str] | None = None
    _queue: queue.Queue[str | None] = field(default_factory=queue.Queue)

    def start(self, *, until: str = RUNNING) -> float:
        """Start it and read its output until `until`; answers the seconds that took."""
        began = time.monotonic()
        self._queue = queue.Queue()
        self.process = subprocess.Popen(
            [*self.python, "manage.py", "up", "--port", str(self.port), *self.arguments],
            cwd=self.project,
            env=clean_environment(BACKOFFICE_DATA_DIR=str(self.data_dir), **self.environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        threading.Thread(target=self._pump, args=(self.process, self._queue), daemon=True).start()
        self.read_until(until)
        return time.monotonic() - began

    @staticmethod
    def _pump(process: subprocess.Popen[str], lines: queue.Queue[str | None]) -> None:
        for line in process.stdout or ():
            lines.put(line.rstrip("\n"))
        lines.put(None)

    def read_until(self, text: str, limit: float = START_LIMIT) -> str:
        """The first line from now on that holds `text`."""
        deadline = time.monotonic() + limit
        while True:
            try:
                line = self._queue.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                raise AssertionError(f"no line with {text!r} in {limit:.0f} s; it said:\n{self.said()}") from None
            if line is None:
                raise AssertionError(f"it ended before a line with {text!r}; it said:\n{self.said()}")
            self.lines.append(line)
            if text in line:
                return line

    def said(self) -> str:
        """The last of what it printed."""
        return "\n".join(self.lines[-60:])

    @property
    def pid(self) -> int:
        """The supervisor's process id."""
        assert self.process is not None
        return self.process.pid

    def family(self) -> list[psutil.Process]:
        """The supervisor and everything below it."""
        top = psutil.Process(self.pid)
        return [top, *top.children(recursive=True)]

    def find(self, *words: str) -> psutil.Process:
        """The first process of the family whose command line holds all words."""
        for process in self.family():
            with contextlib.suppress(psutil.Error):
                line = " ".join(process.cmdline())
                if all(word in line for word in words):
                    return process
        raise AssertionError(f"no process with {words}")

    def get(self, path: str) -> tuple[int, str]:
        """Status and body of a page."""
        client = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        client.request("GET", path)
        reply = client.getresponse()
        return reply.status, reply.read().decode()

    def interrupt(self, number: int = signal.SIGINT) -> int:
        """Send what Ctrl-C sends, wait for the end, answer the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(STOP_LIMIT)

    def end_by_force(self) -> None:
        """Whatever happened in the test: nothing of it stays."""
        if self.process is not None and self.process.poll() is None:
            kill_all(self.family())
            self.process.wait(STOP_LIMIT)


def kill_all(processes: Sequence[psutil.Process]) -> None:
    """kill -9 each of them; some may be gone through the death of another."""
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.kill()


def gone(processes: Sequence[psutil.Process], limit: float = STOP_LIMIT) -> list[str]:
    """Wait until the processes have ended; answers the command lines of those that have not.

    A zombie has ended: in a container without an init nobody collects the children of a killed parent.
    """
    deadline = time.monotonic() + limit
    alive = list(processes)
    while alive and time.monotonic() < deadline:
        psutil.wait_procs(alive, timeout=0.1)
        alive = [process for process in alive if _runs(process)]
    return [" ".join(process.cmdline()) for process in alive]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def processes_on(folder: Path) -> list[psutil.Process]:
    """Processes that run from, or on, `folder`."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            line = " ".join(process.cmdline())
            if str(folder) in line or process.environ().get("BACKOFFICE_DATA_DIR", "").startswith(str(folder)):
                found.append(process)
    return found


def using(folder: Path) -> list[str]:
    """Command lines of processes that run from, or on, `folder`, now."""
    return [" ".join(process.cmdline()) for process in processes_on(folder) if _runs(process)]


def manage(*words: str, data_dir: Path, **extra: str) -> subprocess.CompletedProcess[str]:
    """Run a command of the project as from a terminal."""
    return subprocess.run(
        [sys.executable, "manage.py", *words],
        cwd=ROOT,
        env=clean_environment(**{"BACKOFFICE_DATA_DIR": str(data_dir), **extra}),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def _same_version(path: Path) -> bool:
    """To the last number: packages are chosen by it (`python_full_version` in the lock)."""
    asked = "import platform; print(platform.python_version())"
    done = subprocess.run([path, "-c", asked], capture_output=True, text=True, check=False)
    return done.stdout.strip() == platform.python_version()


def python_for_everybody(folder: Path) -> str | None:
    """An interpreter of this version that an ordinary user may run: this one, the system's, or a copy in `folder`."""
    own = Path(sys.executable).resolve()
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    for path in (own, Path("/usr/bin") / name, Path("/usr/local/bin") / name):
        if path.exists() and reachable(path) and _same_version(path):
            return str(path)
    library = Path(sys.base_prefix) / "lib" / name
    if not library.is_dir():
        return None
    skipped = shutil.ignore_patterns("test", "tests", "site-packages", "__pycache__", "idlelib", "*.a", "config-*")
    shutil.copytree(library, folder / "python" / "lib" / name, ignore=skipped)
    for shared in library.parent.glob("libpython*.so*"):  # found through LD_LIBRARY_PATH
        shutil.copy2(shared, folder / "python" / "lib" / shared.name)
    (folder / "python" / "bin").mkdir()
    copied = shutil.copy2(own, folder / "python" / "bin" / name)
    return str(copied)
