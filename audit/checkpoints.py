"""Signing the size and root of the log now and then, and exporting the note outside the database.

A chain whose tail was cut off still verifies by itself. The exported notes say how long the log was: whoever keeps the file where the
web role cannot write notices. The file only grows; each note is written, flushed and forced to disk before the work goes on.
"""

from __future__ import annotations

import errno
import fcntl
import os
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction

from audit import limits, notes, tree
from audit.keys import public_bytes, signing_key
from audit.models import AuditCheckpoint, SealState
from audit.sealing import take_lock
from core import clock

FILE_NAME = "checkpoints.txt"
VERIFIER_NAME = "verifier.txt"


def folder() -> Path:
    """Where checkpoints are exported (`BACKOFFICE_CHECKPOINT_DIR`)."""
    return Path(settings.AUDIT_CHECKPOINT_DIR)


def checkpoint(*, force: bool = False) -> AuditCheckpoint | None:
    """Sign the present tree when it grew and the last signature is old enough (policy); `force` does not wait. Exports too."""
    now = clock.read()
    period = timedelta(seconds=limits.at(now).checkpoint_every)
    made: AuditCheckpoint | None = None
    with transaction.atomic(), connection.cursor() as cursor:
        if not take_lock(cursor):
            return None
        state = tree.state()
        due = force or state.checkpoint_at is None or now - state.checkpoint_at >= period
        if due and state.size and not AuditCheckpoint.objects.filter(size__gte=state.size).exists():
            key = signing_key()
            note = notes.sign(state.log_id, state.size, tree.root(state.size), now, key)
            verifier = notes.verifier(note.origin, public_bytes(key))
            made = AuditCheckpoint.objects.create(
                size=note.size, root=note.root, at=note.at, note=note.note, verifier=verifier
            )
            state.checkpoint_at = now
            state.save(update_fields=["checkpoint_at"])
    export()
    return made


def latest() -> AuditCheckpoint | None:
    """The newest signed checkpoint."""
    return AuditCheckpoint.objects.order_by("-size").first()


def export() -> int:
    """Append the notes that the file does not hold yet; answers how many. The public key lies beside it."""
    place = folder()
    state = SealState.objects.filter(id=1).first()
    if state is None or not AuditCheckpoint.objects.exists():
        return 0
    place.mkdir(parents=True, exist_ok=True, mode=0o700)
    handle = os.open(place / FILE_NAME, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(handle, "r+b", buffering=0) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        last = _last_size(file.fileno(), notes.origin(state.log_id))
        waiting = list(AuditCheckpoint.objects.filter(size__gt=last).order_by("size"))
        if waiting:
            _write(file.fileno(), [row.note for row in waiting])
            _publish_key(place, waiting[-1].verifier)
            _sync_folder(place)
    return len(waiting)


_TAIL = 4096


def _tail(handle: int) -> list[str]:
    """The last notes of the file."""
    size = os.fstat(handle).st_size
    return notes.split(os.pread(handle, _TAIL, max(0, size - _TAIL)).decode(errors="replace"))


def _write(handle: int, waiting: Sequence[str]) -> None:
    """Append notes and force them to disk. A half-written one before them is marked as such."""
    last = _tail(handle)[-1:]
    torn = f"\n{notes.CUT_SHORT}\n" if last and not notes.is_whole(last[0]) else ""
    data = (torn + "".join(f"{note}\n" for note in waiting)).encode()
    if os.write(handle, data) != len(data):
        raise OSError(errno.ENOSPC, "the checkpoint could not be written whole", str(folder()))
    os.fsync(handle)


def _last_size(handle: int, name: str) -> int:
    """The size that the last whole note of this log in the file states; 0 when there is none."""
    last = 0
    for note in _tail(handle):
        lines = note.split("\n")
        if notes.is_whole(note) and lines[0] == name and lines[1].isdigit():
            last = int(lines[1])
    return last


def _publish_key(place: Path, verifier: str) -> None:
    path = place / VERIFIER_NAME
    known = path.read_text().splitlines() if path.exists() else []
    if verifier not in known:
        with path.open("a") as file:
            file.write(f"{verifier}\n")
            file.flush()
            os.fsync(file.fileno())


def _sync_folder(place: Path) -> None:
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
