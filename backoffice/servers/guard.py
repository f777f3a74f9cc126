"""Ties between processes: children that go when their parent goes, and finding what a killed parent left behind."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable, Iterable

import psutil

# In the environment of everything that `manage.py up` starts; its value is the run's own random word.
MARK = "BACKOFFICE_RUN"

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36

# Loaded at import: between fork and exec nothing may be imported.
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent(number: int = signal.SIGTERM) -> None:
    """Ask the kernel to send this process `number` when its parent dies, however it dies. Linux only, else nothing.

    The tie is to the parent's *thread* that forked: fork from a thread that stays.
    """
    if _libc is not None:
        _libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


def tied(number: int = signal.SIGTERM) -> Callable[[], None]:
    """A `preexec_fn` for Popen that ties the child to this process, and ends it if this process is already gone."""
    parent = os.getpid()

    def tie() -> None:
        die_with_parent(number)
        if os.getppid() != parent:
            os._exit(1)

    return tie


def follow_supervisor() -> None:
    """Tie a process that a supervised server forked (a web or task worker) to that server; elsewhere nothing.

    Without it a killed main process would leave its workers behind, with the port still open.
    """
    if os.environ.get(MARK):
        die_with_parent(signal.SIGTERM)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose parent dies, so that they can be found and ended. Linux only."""
    if _libc is not None:
        _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def marked(name: str, value: str) -> list[psutil.Process]:
    """Our user's processes whose environment says `name=value`, this one excepted."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(name) == value:
                found.append(process)
        except (psutil.Error, OSError):
            continue  # gone meanwhile, or another user's
    return found


def end(processes: Iterable[psutil.Process], *, patience: float) -> None:
    """End processes: SIGTERM, `patience` seconds, SIGKILL. Identity is pid and start time, so a reused pid is safe."""
    processes = list(processes)
    for process in processes:
        try:
            process.terminate()
        except psutil.Error:
            continue
    _, alive = psutil.wait_procs(processes, timeout=patience)
    for process in alive:
        try:
            process.kill()
        except psutil.Error:
            continue
    psutil.wait_procs(alive, timeout=patience)
