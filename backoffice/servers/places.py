"""Where the embedded servers keep their data and their sockets: decided once for a data directory, then remembered.

Three things make this less simple than a path join. A unix socket's path may be 107 bytes long at most. PostgreSQL
refuses to run as root, so under root it runs as a user of its own, who must be able to reach its files; and no mode
of a folder that is not ours may be changed to let it. So the first process that asks decides, and writes the decision
into `<data_dir>/place.json`; settings, commands, tests and the keeper all read it there.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import stat
import tempfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from urllib.parse import quote

# sun_path is 108 bytes on Linux and 104 on macOS, the closing zero included; the stricter one holds everywhere.
SOCKET_PATH_LIMIT = 103
POSTGRES_SOCKET = "postgres/.s.PGSQL.5432"
DATABASE = "backoffice"
ROLE = "backoffice"
# Under root, when the data directory lies where no other user can go; the first that can be written.
SYSTEM_HOMES = ("/var/lib/backoffice", "/var/tmp/backoffice")  # noqa: S108 - a folder of our own in it, owner checked


class PlaceError(Exception):
    """The data directory cannot be used; the text is one line that says why and what to do."""


@dataclass(frozen=True)
class Places:
    """The folders of one installation's embedded servers."""

    data_dir: Path
    home: Path  # the servers' own data: the data directory, or a system folder under root
    run: Path  # sockets and locks, short enough for a unix socket

    @property
    def postgres(self) -> Path:
        """The database cluster."""
        return self.home / "postgres"

    @property
    def redis(self) -> Path:
        """Redis's working folder (it keeps nothing there: the database holds every promise)."""
        return self.home / "redis"

    @property
    def logs(self) -> Path:
        """Logs of the keeper and of the servers' start."""
        return self.data_dir / "log"

    @property
    def postgres_sockets(self) -> Path:
        """The folder of PostgreSQL's socket, open to its owner only."""
        return (self.run / POSTGRES_SOCKET).parent

    @property
    def redis_socket(self) -> Path:
        """Redis's socket."""
        return self.run / "redis.sock"

    @property
    def keeper_socket(self) -> Path:
        """Where the keeper answers those who hold the servers."""
        return self.run / "keeper.sock"

    @property
    def database_url(self) -> str:
        """The address of the embedded PostgreSQL, known before it runs."""
        return f"postgresql://{ROLE}@/{DATABASE}?host={quote(str(self.postgres_sockets), safe='')}"

    @property
    def broker_url(self) -> str:
        """The address of the embedded Redis as Celery wants it."""
        return f"redis+socket://{self.redis_socket}"

    @property
    def redis_url(self) -> str:
        """The address of the embedded Redis as redis-py wants it."""
        return f"unix://{self.redis_socket}"


def reachable(path: Path) -> bool:
    """Whether any user may walk to `path`: every folder on the way that exists lets others through."""
    return all(
        bool(folder.stat().st_mode & stat.S_IXOTH) for folder in (path, *path.parents) if folder.exists()
    )  # what does not exist yet is made by us, and open enough


def make_folder(path: Path, mode: int) -> None:
    """Make `path` and its missing parents; only folders made here get their mode set.

    Raises PlaceError in one line when it cannot be made.
    """
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    try:
        for folder in reversed(missing):
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                folder.chmod(mode if folder == path else 0o755)
    except OSError as error:
        raise PlaceError(
            f"{path} cannot be made ({error.strerror}). Set BACKOFFICE_DATA_DIR to a folder you may write in."
        ) from None


def own_folder(path: Path, mode: int) -> None:
    """Make `path`, or make sure that it is ours: in a shared place anybody may have made it first.

    Raises PlaceError when it belongs to somebody else or is a link.
    """
    make_folder(path, mode)
    state = path.lstat()
    if not stat.S_ISDIR(state.st_mode) or state.st_uid != os.geteuid():
        raise PlaceError(f"{path} belongs to another user. Remove it, or set BACKOFFICE_DATA_DIR to another folder.")
    if stat.S_IMODE(state.st_mode) != mode:
        path.chmod(mode)


def _short(folder: Path) -> bool:
    return len(os.fsencode(folder / POSTGRES_SOCKET)) <= SOCKET_PATH_LIMIT


def _system_home(name: str) -> Path:
    for base in SYSTEM_HOMES:
        parent = Path(base).parent
        if os.access(parent, os.W_OK) and reachable(parent):
            return Path(base) / name
    raise PlaceError("no folder for the database that its own user can reach; set DATABASE_URL or BACKOFFICE_DATA_DIR.")


def _decide(data_dir: Path) -> dict[str, str | int]:
    inode = data_dir.stat().st_ino
    # The inode keeps a new clone at an old path, or a copied data directory, from meeting the old one's servers.
    name = hashlib.sha256(f"{data_dir}\0{inode}\0{os.geteuid()}\0{os.urandom(8).hex()}".encode()).hexdigest()[:16]
    home = data_dir
    if os.geteuid() == 0 and not reachable(data_dir):
        home = _system_home(name)
    run = home / "run"
    if not _short(run):
        shared = Path("/tmp") if Path("/tmp").is_dir() else Path(tempfile.gettempdir())  # noqa: S108 - not $TMPDIR: it differs between terminals
        run = shared / f"backoffice-{os.geteuid()}-{name}"
    return {"data_dir": str(data_dir), "inode": inode, "home": str(home), "run": str(run)}


def _read(path: Path, data_dir: Path) -> Places | None:
    try:
        kept = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    except OSError as error:
        raise PlaceError(f"{path} cannot be read ({error.strerror}); it was made by another user.") from None
    if kept.get("data_dir") != str(data_dir) or kept.get("inode") != data_dir.stat().st_ino:
        return None  # moved or copied
    return Places(data_dir=data_dir, home=Path(kept["home"]), run=Path(kept["run"]))


@lru_cache(maxsize=8)
def places(data_dir: Path) -> Places:
    """The places of the installation whose data directory is `data_dir`; decides and records them the first time.

    Raises PlaceError (one line) when the directory cannot be made, written or read.
    """
    make_folder(data_dir, 0o755)
    data_dir = data_dir.resolve()
    path = data_dir / "place.json"
    found = _read(path, data_dir)
    if found is not None:
        return found
    decision = json.dumps(_decide(data_dir), indent=1)
    try:
        with tempfile.NamedTemporaryFile("w", dir=data_dir, prefix=".place-", delete=False) as file:
            file.write(decision)
        os.chmod(file.name, 0o644)
        if path.exists():
            os.replace(file.name, path)
        else:
            # Two processes may decide at once; the first one's link stands and both read it.
            with contextlib.suppress(FileExistsError):
                os.link(file.name, path)
            os.unlink(file.name)
    except OSError as error:
        raise PlaceError(
            f"{data_dir} cannot be written ({error.strerror}). Set BACKOFFICE_DATA_DIR to a folder you may write in."
        ) from None
    decided = _read(path, data_dir)
    if decided is None:
        raise PlaceError(f"{path} cannot be used; remove it and start again.")
    return decided
