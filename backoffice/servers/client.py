"""Holding the embedded servers: `ensure()` finds the running ones or starts them, for as long as this process lives."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from backoffice.servers.places import PlaceError, Places, own_folder, places

PROJECT = Path(__file__).resolve().parent.parent.parent
START_WAIT = 180.0  # seconds: a first cluster on a slow disk, or recovery after a crash


class ServersError(Exception):
    """The embedded servers cannot be had; the text is one line that says why and what to do."""


@dataclass
class Held:
    """A hold on the servers; while it lives, they run."""

    places: Places
    pids: dict[str, int] = field(default_factory=dict)
    connection: socket.socket | None = None
    keeper: subprocess.Popen[bytes] | None = None

    def lost(self) -> bool:
        """Whether the keeper is gone (killed), and with it the servers."""
        if self.connection is None:
            return True
        self.connection.setblocking(False)
        try:
            return self.connection.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True

    def release(self, *, wait: float = 60.0) -> None:
        """Let go, and come back when the servers have stopped, unless others hold them too. At most `wait` seconds."""
        connection, self.connection = self.connection, None
        if connection is not None:
            connection.settimeout(wait)
            try:
                connection.sendall(b"bye\n")
                while connection.recv(64):
                    continue
            except OSError:
                pass
            connection.close()
        if self.keeper is not None and connection is not None:
            # Ours ends only if nobody else holds on; then it leaves no zombie behind.
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.keeper.wait(0.5)


_held: dict[Path, Held] = {}


def ensure(data_dir: Path, *, want: Sequence[str] = ("postgres", "redis"), scratch: bool = False) -> Held:
    """Hold the embedded servers of `data_dir`: those that run already, else new ones.

    They run until every process that holds them has let go or ended. `want` names the ones needed; `scratch` starts
    a database that trades safety for speed (tests only). Raises ServersError with one clear line.
    """
    try:
        found = places(data_dir)
        own_folder(found.run, 0o711 if os.geteuid() == 0 else 0o700)
        found.logs.mkdir(exist_ok=True)
    except PlaceError as error:
        raise ServersError(str(error)) from None
    except OSError as error:
        raise ServersError(f"{data_dir}: {error.strerror}") from None
    held = _held.get(found.data_dir)
    if held is not None and not held.lost():
        return held
    held = _held[found.data_dir] = Held(found)
    deadline = time.monotonic() + START_WAIT
    while time.monotonic() < deadline:
        if _hold(held, want, deadline):
            return held
        if held.keeper is None or held.keeper.poll() is not None:
            held.keeper = _start_keeper(found, scratch=scratch)
        time.sleep(0.02)
    raise ServersError(f"the embedded servers did not start in {START_WAIT:.0f} seconds (see {found.logs})")


def _hold(held: Held, want: Sequence[str], deadline: float) -> bool:
    """Try to connect and ask. False when no keeper answers (yet)."""
    connection = socket.socket(socket.AF_UNIX)
    try:
        connection.connect(str(held.places.keeper_socket))
        connection.sendall(json.dumps({"want": list(want)}).encode() + b"\n")
        connection.settimeout(max(1.0, deadline - time.monotonic()))
        line = b""
        while not line.endswith(b"\n"):
            part = connection.recv(4096)
            if not part:
                raise ConnectionResetError
            line += part
    except PermissionError:
        connection.close()
        raise ServersError(f"{held.places.run} belongs to another user, who started the servers first.") from None
    except OSError:
        connection.close()
        return False
    answer = json.loads(line)
    if "error" in answer:
        connection.close()
        raise ServersError(answer["error"])
    held.connection, held.pids = connection, answer["pids"]
    return True


def _start_keeper(found: Places, *, scratch: bool) -> subprocess.Popen[bytes]:
    """A keeper in a session of its own: a terminal's Ctrl-C and a kill of our group do not reach it."""
    command = [
        sys.executable,
        "-m",
        "backoffice.servers.keeper",
        str(found.data_dir),
        *(["--scratch"] if scratch else []),
    ]
    with (found.logs / "keeper.log").open("ab") as log:
        return subprocess.Popen(  # noqa: S603 - our own interpreter
            command, cwd=PROJECT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
        )
