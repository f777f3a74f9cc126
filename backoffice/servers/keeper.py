"""The keeper: one small process per data directory that owns the embedded servers for as long as anybody holds them.

Who needs the servers connects to its socket and stays connected. The kernel ends a connection however its process
ends, so nothing can be miscounted: when the last holder is gone, the keeper stops the servers and ends. When the
keeper itself is killed, the kernel tells the servers to stop (`guard.die_with_parent`).

A holder sends one line of JSON, `{"want": ["postgres", "redis"]}`, and gets one back when they are ready:
`{"pids": {...}}` or `{"error": "one line"}`. `bye` ends the hold and answers by closing, after the servers have
stopped if it was the last one.
"""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import json
import os
import selectors
import signal
import socket
import sys
import time
from pathlib import Path
from types import FrameType

from backoffice.servers.places import PlaceError, Places, own_folder, places
from backoffice.servers.postgres_server import PostgresServer
from backoffice.servers.redis_server import RedisServer

LONELY_WAIT = 15.0  # seconds a new keeper waits for its first holder
LOOK_PERIOD = 1.0  # seconds between looks at the servers
RESTART_CAP = 30.0  # seconds, longest wait between restarts of a server that keeps dying
STEADY_AFTER = 60.0  # seconds of running after which a server counts as healthy again


class Keeper:
    """Servers, holders, and the loop between them. One thread: the servers' lives are tied to it."""

    def __init__(self, places: Places, *, scratch: bool) -> None:
        self.places = places
        self.servers: dict[str, PostgresServer | RedisServer] = {
            "postgres": PostgresServer(places, scratch=scratch),
            "redis": RedisServer(places),
        }
        self.wanted: set[str] = set()
        self.holders: dict[socket.socket, bytes] = {}
        self.leaving: list[socket.socket] = []
        self.stopping = False
        self._retry_at: dict[str, float] = {}
        self._failures: dict[str, int] = {}
        self._started_at: dict[str, float] = {}
        self._selector = selectors.DefaultSelector()

    def listen(self) -> socket.socket:
        """Open the socket for holders, for our user only."""
        self.places.keeper_socket.unlink(missing_ok=True)
        server = socket.socket(socket.AF_UNIX)
        before = os.umask(0o077)
        try:
            server.bind(str(self.places.keeper_socket))
        finally:
            os.umask(before)
        server.listen(64)
        server.setblocking(False)
        self._selector.register(server, selectors.EVENT_READ)
        return server

    def run(self) -> None:
        """Serve holders until the last one is gone or a signal says stop; then stop the servers."""
        server = self.listen()
        lonely_until = time.monotonic() + LONELY_WAIT
        try:
            while not self.stopping:
                for key, _ in self._selector.select(LOOK_PERIOD):
                    if key.fileobj is server:
                        self._accept(server)
                    elif isinstance(key.fileobj, socket.socket):
                        self._hear(key.fileobj)
                self._look_after()
                if self.holders:
                    lonely_until = 0.0
                elif time.monotonic() > lonely_until:
                    break
        finally:
            # The socket goes first: who comes now waits for the lock and starts a keeper of its own.
            self.places.keeper_socket.unlink(missing_ok=True)
            server.close()
            for name in ("redis", "postgres"):
                self.servers[name].stop()
            for holder in (*self.holders, *self.leaving):
                holder.close()

    def _accept(self, server: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError):
            holder, _ = server.accept()
            holder.setblocking(False)
            self.holders[holder] = b""
            self._selector.register(holder, selectors.EVENT_READ)

    def _hear(self, holder: socket.socket) -> None:
        try:
            data = holder.recv(4096)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._forget(holder)
            holder.close()
            return
        *lines, self.holders[holder] = (self.holders[holder] + data).split(b"\n")
        for line in lines:
            if line == b"bye":
                self._forget(holder)
                if self.holders:
                    holder.close()
                else:
                    self.leaving.append(holder)  # closed when the servers have stopped
                return
            self._answer(holder, line)

    def _forget(self, holder: socket.socket) -> None:
        self._selector.unregister(holder)
        self.holders.pop(holder, None)

    def _answer(self, holder: socket.socket, line: bytes) -> None:
        reply: dict[str, object]
        try:
            wanted = [name for name in json.loads(line)["want"] if name in self.servers]
            for name in wanted:
                if not self.servers[name].alive():
                    self._start(name)
                    say(f"{name} started")
                self.wanted.add(name)
            reply = {"pids": {name: server.process.pid for name, server in self.servers.items() if server.process}}
        except PlaceError as error:
            reply = {"error": str(error)}
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        say(json.dumps(reply))
        with contextlib.suppress(OSError):
            holder.sendall(json.dumps(reply).encode() + b"\n")

    def _start(self, name: str) -> None:
        self.servers[name].start()
        self._started_at[name] = time.monotonic()

    def _look_after(self) -> None:
        """Start a wanted server that died again, at growing intervals."""
        for name in self.wanted:
            server = self.servers[name]
            if server.alive():
                continue
            now = time.monotonic()
            if name not in self._retry_at:
                steady = now - self._started_at.get(name, now) > STEADY_AFTER
                self._failures[name] = 1 if steady else self._failures.get(name, 0) + 1
                wait = min(0.5 * 2 ** (self._failures[name] - 1), RESTART_CAP)
                self._retry_at[name] = now + wait
                say(f"{name} died; starting it again in {wait:.1f} s")
            if now >= self._retry_at[name]:
                del self._retry_at[name]
                try:
                    self._start(name)
                    say(f"{name} started again")
                except PlaceError as error:
                    say(f"{name}: {error}")


def say(text: str) -> None:
    """One line into the keeper's log, which is its standard output."""
    sys.stdout.write(f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime())}Z keeper[{os.getpid()}] {text}\n")
    sys.stdout.flush()


def take_lock(places: Places) -> bool:
    """Become the only keeper of these places. False when another one serves them already."""
    lock = os.open(places.run / "keeper.lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True  # held until this process ends
        except BlockingIOError:
            # Either it serves, then we are not needed, or it is stopping, then we are next.
            with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(places.keeper_socket))
                return False
            time.sleep(0.05)


def main() -> None:
    """Entry point: `python -m backoffice.servers.keeper DATA_DIR [--scratch]`."""
    parser = argparse.ArgumentParser()
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--scratch", action="store_true")
    options = parser.parse_args()
    found = places(options.data_dir)
    own_folder(found.run, 0o711 if os.geteuid() == 0 else 0o700)
    if not take_lock(found):
        return
    keeper = Keeper(found, scratch=options.scratch)

    def stop(number: int, frame: FrameType | None) -> None:
        keeper.stopping = True

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    say("ready for holders")
    keeper.run()
    say("nobody holds the servers any more: stopped")


if __name__ == "__main__":
    main()
