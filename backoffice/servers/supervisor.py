"""The supervisor behind `manage.py up`: starts processes, shows what they say, restarts what dies, stops all of it.

One thread and one loop, because a child's life is tied by the kernel to the thread that forked it. Each process leads
a session of its own, so that a terminal's Ctrl-C reaches only the supervisor, which then stops the others in order.
"""

from __future__ import annotations

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TextIO

import psutil

from backoffice.servers.guard import adopt_orphans, end, tied

COLOURS = (36, 33, 32, 35, 34, 31)  # ANSI foregrounds, one per process
FIRST_WAIT = 1.0  # seconds before the first restart; doubles
LONGEST_WAIT = 30.0
STEADY_AFTER = 60.0  # seconds of running after which a process counts as healthy again
STOP_WAIT = 20.0  # seconds given to finish the work in hand
TICK = 0.5


@dataclass
class Service:
    """One process to keep running."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass
class _Running:
    service: Service
    colour: int
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    restart_at: float | None = None
    failures: int = 0
    unfinished: bytes = b""


class Printer:
    """Lines of many processes on one stream, each with its name before it, in colour on a terminal."""

    def __init__(self, stream: TextIO, names: Sequence[str]) -> None:
        self._stream = stream
        self._width = max((len(name) for name in names), default=0)
        self._coloured = stream.isatty() and "NO_COLOR" not in os.environ
        self._broken = False

    def line(self, name: str, text: str, colour: int | None = None) -> None:
        """Print one line of `name`."""
        head = f"{name:<{self._width}} │ "
        if self._coloured and colour:
            head = f"\x1b[{colour}m{head}\x1b[0m"
        self.raw(head + text)

    def raw(self, text: str) -> None:
        """Print a line as it is. A reader that went away is no reason to stop working."""
        if self._broken:
            return
        try:
            self._stream.write(text + "\n")
            self._stream.flush()
        except (BrokenPipeError, ValueError, OSError):
            self._broken = True


class Supervisor:
    """Keeps services running until it is told to stop."""

    def __init__(self, services: Sequence[Service], *, stream: TextIO = sys.stdout) -> None:
        self.printer = Printer(stream, ["up", *(service.name for service in services)])
        self._running = [_Running(service, COLOURS[index % len(COLOURS)]) for index, service in enumerate(services)]
        self._selector = selectors.DefaultSelector()
        self._signals = 0
        self._read_end, self._write_end = os.pipe()
        for descriptor in (self._read_end, self._write_end):
            os.set_blocking(descriptor, False)
        self._selector.register(self._read_end, selectors.EVENT_READ)

    def catch_signals(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as the wish to stop; a second one stops at once."""
        adopt_orphans()
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    @property
    def stopping(self) -> bool:
        """Whether a signal asked to stop."""
        return self._signals > 0

    def say(self, text: str) -> None:
        """One line of the supervisor itself."""
        self.printer.line("up", text, 1)

    def start(self) -> None:
        """Start every service."""
        for entry in self._running:
            self._start(entry)

    def run(self, *, each_tick: Callable[[], None]) -> None:
        """Run until a signal asks to stop; `each_tick` is called about twice a second."""
        while not self.stopping:
            self.turn(TICK)
            each_tick()

    def restart(self, name: str, reason: str) -> None:
        """Kill a service that no longer does its work; the loop starts it again like one that died."""
        for entry in self._running:
            if entry.service.name == name and entry.process is not None:
                self.say(f"{name}: {reason}; killing it")
                self._kill_group(entry)

    def turn(self, wait: float) -> None:
        """One turn of the loop: output, deaths, due restarts. At most `wait` seconds."""
        for key, _ in self._selector.select(wait):
            if key.fd == self._read_end:
                with contextlib.suppress(BlockingIOError):
                    received = os.read(self._read_end, 64)
                    self._signals += sum(number != signal.SIGCHLD for number in received)
            else:
                self._read(key.data)
        for entry in self._running:
            self._look_after(entry)

    def stop(self) -> None:
        """Stop every service: SIGTERM, time to finish, then SIGKILL; a further signal cuts the time short."""
        before = self._signals
        for entry in self._running:
            entry.restart_at = None
            if entry.process is not None and entry.process.poll() is None:
                entry.process.terminate()
        deadline = time.monotonic() + STOP_WAIT
        while time.monotonic() < deadline and self._signals == before:
            if all(entry.process is None or entry.process.poll() is not None for entry in self._running):
                break
            self._drain(0.05)
        for entry in self._running:
            self._kill_group(entry)
            if entry.process is not None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    entry.process.wait(5)
        self._drain(0)
        keep = {process.pid for process in self._spared()}
        strays = [child for child in psutil.Process().children(recursive=True) if child.pid not in keep]
        end(strays, patience=3.0)

    def _spared(self) -> list[psutil.Process]:
        """The keeper and its servers are let go in their own way, after this."""
        spared = []
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if "backoffice.servers.keeper" in child.cmdline():
                    spared += [child, *child.children(recursive=True)]
        return spared

    def _start(self, entry: _Running) -> None:
        entry.restart_at = None
        entry.started_at = time.monotonic()
        entry.process = subprocess.Popen(  # noqa: S603 - our own commands
            list(entry.service.command),
            env={**os.environ, **entry.service.environment, "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=tied(signal.SIGTERM),
        )
        if entry.process.stdout is not None:
            os.set_blocking(entry.process.stdout.fileno(), False)
            self._selector.register(entry.process.stdout, selectors.EVENT_READ, entry)

    def _read(self, entry: _Running) -> None:
        stream = entry.process.stdout if entry.process else None
        if stream is None or stream.closed:
            return
        try:
            data = os.read(stream.fileno(), 65536)
        except BlockingIOError:
            return
        if not data:
            self._selector.unregister(stream)
            stream.close()
            data = b"\n" if entry.unfinished else b""
        *lines, entry.unfinished = (entry.unfinished + data).split(b"\n")
        for line in filter(bytes.strip, lines):
            self.printer.line(entry.service.name, line.decode("utf-8", "replace").rstrip(), entry.colour)

    def _drain(self, wait: float) -> None:
        for key, _ in self._selector.select(wait):
            if key.fd == self._read_end:
                with contextlib.suppress(BlockingIOError):
                    self._signals += sum(number != signal.SIGCHLD for number in os.read(self._read_end, 64))
            else:
                self._read(key.data)

    def _look_after(self, entry: _Running) -> None:
        now = time.monotonic()
        if entry.restart_at is not None:
            if now >= entry.restart_at and not self.stopping:
                self._start(entry)
            return
        if entry.process is None or entry.process.poll() is None:
            return
        self._read(entry)
        self._kill_group(entry)
        entry.failures = 1 if now - entry.started_at > STEADY_AFTER else entry.failures + 1
        wait = min(FIRST_WAIT * 2 ** (entry.failures - 1), LONGEST_WAIT)
        self.say(f"{entry.service.name} ended ({_ending(entry.process.returncode)}); starting it again in {wait:.0f} s")
        if entry.process.stdout is not None and not entry.process.stdout.closed:
            with contextlib.suppress(KeyError):
                self._selector.unregister(entry.process.stdout)
            entry.process.stdout.close()
        entry.process, entry.restart_at = None, now + wait

    @staticmethod
    def _kill_group(entry: _Running) -> None:
        """What a dead process left in its group: its workers, if it was killed."""
        if entry.process is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(entry.process.pid, signal.SIGKILL)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        return f"killed by {signal.Signals(-code).name}"
    return f"exit {code}"
