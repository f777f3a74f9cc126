"""Embedded servers live exactly as long as somebody holds them."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest
import redis

from backoffice.servers import Held, ServersError, ensure
from backoffice.servers.machine import GIB, MIB, postgres_settings
from backoffice.servers.places import PlaceError, own_folder, places
from backoffice.servers.postgres_server import says_ready
from tests.servers.stack import ROOT, clean_environment, gone

HOLD = (
    "import sys, pathlib; from backoffice.servers import ensure; "
    "print(*ensure(pathlib.Path(sys.argv[1]), scratch=True).pids.values(), flush=True); sys.stdin.read()"
)


def hold_elsewhere(data_dir: Path) -> tuple[subprocess.Popen[str], set[int]]:
    """Another process that holds the servers until its input ends; answers it and the servers' pids."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)],
        cwd=ROOT,
        env=clean_environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, {int(pid) for pid in process.stdout.readline().split()}


@pytest.fixture
def held(folder: Path) -> Iterator[Held]:
    """Servers on an own data directory."""
    found = ensure(folder / "var", scratch=True)
    yield found
    found.release()


def query(held: Held, sql: str) -> object:
    """One value from the database."""
    with psycopg.connect(held.places.database_url) as connection:
        row = connection.execute(sql).fetchone()
    return row[0] if row else None


def test_database_is_what_the_project_needs(held: Held) -> None:
    assert str(query(held, "SHOW server_version")).startswith("18.")
    assert query(held, "SHOW server_encoding") == "UTF8"
    assert (
        query(held, "SELECT datlocprovider::text || datlocale FROM pg_database WHERE datname = current_database()")
        == "bC.UTF-8"
    )
    assert query(held, "SHOW listen_addresses") == ""
    assert query(held, "SHOW timezone") == "UTC"
    folder = held.places.postgres_sockets.stat()
    assert stat.S_IMODE(folder.st_mode) == 0o700
    assert (
        redis.Redis.from_url(held.places.redis_url).config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
    )


def test_servers_outlive_their_starter_while_another_holds_them(folder: Path) -> None:
    first, pids = hold_elsewhere(folder / "var")
    second, same = hold_elsewhere(folder / "var")
    servers = [psutil.Process(pid) for pid in pids]
    assert same == pids
    first.kill()
    first.wait()
    held = ensure(folder / "var", scratch=True)
    assert set(held.pids.values()) == pids
    second.kill()
    second.wait()
    assert all(server.is_running() for server in servers)
    held.release()
    assert gone(servers, 0.5) == []


def test_many_at_once_start_one_pair(folder: Path) -> None:
    found: list[set[int]] = []
    holders: list[subprocess.Popen[str]] = []

    def hold() -> None:
        process, pids = hold_elsewhere(folder / "var")
        holders.append(process)
        found.append(pids)

    threads = [threading.Thread(target=hold) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({frozenset(pids) for pids in found}) == 1
    servers = [psutil.Process(pid) for pid in found[0]]
    for holder in holders:
        holder.kill()
        holder.wait()
    assert gone(servers) == []


def test_killed_keeper_takes_the_servers_with_it_and_data_survive(folder: Path) -> None:
    held = ensure(folder / "var")
    with psycopg.connect(held.places.database_url) as connection:
        connection.execute("CREATE TABLE kept (n int)")
        connection.execute("INSERT INTO kept VALUES (42)")
    servers = [psutil.Process(pid) for pid in held.pids.values()]
    assert held.keeper is not None
    os.kill(held.keeper.pid, signal.SIGKILL)
    held.keeper.wait()
    assert held.lost()
    held = ensure(folder / "var")
    assert gone(servers, 1) == []
    assert query(held, "SELECT n FROM kept") == 42
    held.release()


def test_start_after_everything_was_killed_with_a_foreign_pid_in_the_lock(folder: Path) -> None:
    """A pid file that names a living process of something else does not stop the start."""
    held = ensure(folder / "var")
    assert held.keeper is not None
    family = [*psutil.Process(held.keeper.pid).children(recursive=True), psutil.Process(held.keeper.pid)]
    lock = held.places.postgres / "postmaster.pid"
    kept = lock.read_text()
    for process in family:
        process.kill()
    held.keeper.wait()
    assert gone(family) == []
    lock.write_text(kept.replace(kept.splitlines()[0], str(os.getpid()), 1))
    held = ensure(folder / "var")
    assert query(held, "SELECT 1") == 1
    held.release()


def test_broken_scratch_cluster_is_made_anew(folder: Path) -> None:
    held = ensure(folder / "var", scratch=True)
    held.release()
    (held.places.postgres / "global" / "pg_control").write_bytes(b"")
    held = ensure(folder / "var", scratch=True)
    assert query(held, "SELECT 1") == 1
    held.release()


def test_broken_cluster_is_left_alone_and_named(folder: Path) -> None:
    held = ensure(folder / "var")
    held.release()
    (held.places.postgres / "global" / "pg_control").write_bytes(b"")
    with pytest.raises(ServersError, match="PostgreSQL did not start") as error:
        ensure(folder / "var")
    assert "\n" not in str(error.value)
    assert (held.places.postgres / "PG_VERSION").exists()


def test_places_stay_where_they_were_decided(folder: Path) -> None:
    first = places(folder / "var")
    places.cache_clear()
    assert places(folder / "var") == first


def test_a_copied_data_directory_gets_places_of_its_own(folder: Path) -> None:
    long = folder / ("x" * 150)
    first = places(long / "one")
    (long / "two").mkdir()
    (long / "two" / "place.json").write_text((long / "one" / "place.json").read_text())
    second = places(long / "two")
    assert first.run != second.run
    assert len(str(first.postgres_sockets / ".s.PGSQL.5432")) <= 107


def test_a_foreign_socket_folder_is_refused(folder: Path) -> None:
    (folder / "link").symlink_to(folder)
    with pytest.raises(PlaceError, match="belongs to another user"):
        own_folder(folder / "link", 0o700)


@pytest.mark.parametrize(
    ("memory", "free", "shared", "wal"),
    [(1 * GIB, 5 * GIB, 85, 1024), (24 * GIB, 79 * GIB, 2048, 8089), (256 * GIB, 4000 * GIB, 2048, 8192)],
)
def test_settings_fit_the_machine(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, memory: int, free: int, shared: int, wal: int
) -> None:
    monkeypatch.setattr("backoffice.servers.machine.memory_bytes", lambda: memory)
    monkeypatch.setattr("backoffice.servers.machine.disk_free_bytes", lambda _: free)
    settings = postgres_settings(tmp_path, scratch=False)
    assert settings["shared_buffers"] == f"{shared}MB"
    assert settings["max_wal_size"] == f"{wal}MB"
    assert int(settings["work_mem"].removesuffix("MB")) * MIB * 100 < 4 * memory
    assert "fsync" not in settings


def test_a_server_whose_file_is_still_being_written_is_not_ready_yet() -> None:
    whole = "71\n/data\n1790000000\n5432\n/run\n\n  1 2\nready   \n"
    assert not says_ready("", 71)
    assert not says_ready("71\n/data\n", 71)
    assert not says_ready(whole, 72)
    assert not says_ready(whole.replace("ready   ", "starting"), 71)
    assert says_ready(whole, 71)
