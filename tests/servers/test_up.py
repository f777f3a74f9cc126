"""`manage.py up` starts everything, keeps it running, and leaves nothing behind, however it ends."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from backoffice.servers.places import reachable
from tests.servers.stack import (
    NOBODY,
    ROOT,
    RUNNING,
    Stack,
    gone,
    kill_all,
    manage,
    processes_on,
    python_for_everybody,
    using,
)

MakeStack = Callable[..., Stack]


def test_starts_answers_repairs_itself_and_survives_a_kill(folder: Path, make_stack: MakeStack) -> None:
    stack = make_stack(folder / "var")
    stack.start()
    assert "create_admin" in stack.read_until("first admin")
    assert stack.get("/healthz") == (200, "ok\n")
    status, body = stack.get("/readyz")
    assert (status, json.loads(body)["broker"]) == (200, "ok")

    # Another command meets the running servers and leaves them running.
    postgres = stack.find("bin/postgres", "-D")
    done = manage("migrate", "--check", data_dir=stack.data_dir)
    assert done.returncode == 0, done.stdout + done.stderr
    assert postgres.is_running()

    # A second copy on the same data is refused in one line.
    again = manage("up", "--no-demo", "--port", "1", data_dir=stack.data_dir)
    assert again.returncode == 2
    assert again.stderr.strip().splitlines() == [again.stderr.strip()]
    assert f"already running (process {stack.pid}, port {stack.port})" in again.stderr

    # A process that is killed takes its children with it and is started again.
    for name, words in (("lifecycle", ("celery", "worker", "lifecycle@")), ("web", ("granian",))):
        process = stack.find(*words)
        children = process.children(recursive=True)
        assert children
        process.kill()
        stack.read_until(f"{name} ended (killed by SIGKILL); starting it again")
        assert gone(children) == []

    # The supervisor killed: kernel and keeper stop all the rest.
    everything = stack.family()
    os.kill(stack.pid, signal.SIGKILL)
    assert gone(everything) == []

    # Everything killed in one instant, databases too: the next start finds its way.
    stack.start()
    everything = stack.family()
    kill_all(everything)
    assert gone(everything) == []

    # ... also when it died in the middle of loading the demo: half a demo is thrown away.
    mark = stack.data_dir / "demo.loading"
    mark.touch()
    stack.start(until="beginning it afresh")
    stack.read_until(RUNNING)
    assert not mark.exists()
    assert stack.get("/readyz")[0] == 200

    # Ctrl-C: all of it ends, by itself, with a clean exit.
    everything = stack.family()
    assert len(everything) > 10
    assert stack.interrupt() == 0, stack.said()
    assert gone(everything, 30) == []
    assert using(folder) == []


def test_two_copies_side_by_side_one_of_them_an_ordinary_users_at_a_long_path(
    folder: Path, make_stack: MakeStack
) -> None:
    """This checkout, and beside it a clone at a path of 150 characters, run by somebody who is not root."""
    one = make_stack(folder / "one")
    clone = ordinary_clone(folder, make_stack)
    two = clone or make_stack(folder / "two")
    one.start()
    two.start()
    assert one.get("/healthz")[0] == two.get("/healthz")[0] == 200
    clusters = {process.find("bin/postgres", "-D").pid for process in (one, two)}
    assert len(clusters) == 2
    if clone:
        owners = {process.uids().real for process in clone.family()}
        assert owners == ({NOBODY} if os.geteuid() == 0 else {os.geteuid()})
    first, second = one.family(), two.family()
    assert one.interrupt(signal.SIGTERM) == 0, one.said()
    assert gone(first, 30) == []
    assert two.get("/readyz")[0] == 200
    assert two.interrupt() == 0, two.said()
    assert gone(second, 30) == []
    assert using(folder) == []
    if clone is None:
        pytest.skip("interpreter or packages lie where only their owner may read, and cannot be copied")


def ordinary_clone(folder: Path, make_stack: MakeStack) -> Stack | None:
    """A clone for an ordinary user, or None where no such user could read an interpreter and the packages."""
    python = python_for_everybody(folder)
    packages = next(Path(path) for path in sys.path if path.endswith("site-packages"))
    if python is None or not reachable(packages):
        return None
    project = folder / ("long-" + "x" * (150 - len(str(folder)) - 6))
    assert len(str(project)) == 150
    copy_project(project)
    ordinary: list[str] = []
    if os.geteuid() == 0:
        ordinary = ["setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups", "--inh-caps=-all"]
        subprocess.run(["chown", "-R", f"{NOBODY}:{NOBODY}", str(project)], check=True)
    environment = {
        "PYTHONPATH": str(packages),
        "HOME": str(project),
        "LD_LIBRARY_PATH": str(Path(python).parents[1] / "lib"),
        "PYTHONDONTWRITEBYTECODE": "",  # its own folder: its ten processes need not compile each file again
    }
    return make_stack(project / "var", project=project, python=[*ordinary, python], environment=environment)


def copy_project(target: Path) -> None:
    """What a clone holds: the files that git knows or would add, as they are now."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    )
    for name in listed.stdout.decode().split("\0"):
        source = ROOT / name
        if name and source.is_file():
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target / name)
            (target / name).chmod(0o644)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can run where nobody else may look")
def test_root_in_a_closed_folder_changes_no_mode(folder: Path) -> None:
    """As root the database runs as another user, who cannot look into the folder: data elsewhere, no folder opened."""
    closed = folder / "closed"
    closed.mkdir(mode=0o700)
    before = {path: path.stat().st_mode for path in (closed, *closed.parents)}
    done = manage("migrate", "--plan", data_dir=closed / "var")
    assert done.returncode == 0, done.stderr
    assert {path: path.stat().st_mode for path in before} == before
    home = Path(json.loads((closed / "var" / "place.json").read_text())["home"])
    assert not home.is_relative_to(closed)
    assert (home / "belongs-to").read_text() == f"{closed / 'var'}\n"
    assert (home / "postgres").stat().st_uid not in (0, None)
    assert gone(processes_on(home), 20) == []
