"""The sealer: puts events into the hash tree, one batch a transaction, without making any writer wait (R189).

No event is missed although ids commit out of order. Each run looks at every event above the floor that has no leaf yet. The floor
may rise to an id only when every transaction that could still bring a lower one has ended. An id is taken from the sequence while its
transaction holds a RowExclusiveLock on the event table, and the lock is let go after the commit is visible; so: note the highest id
(the candidate), then who holds that lock (the holders). Once none of these holders is left, whatever they wrote is visible, and the run
that saw this seals it. Nothing of this outlives the server in a harmful way: after a restart, or a dump and restore, no holder is left.

One sealer works at a time (advisory lock); a second one goes away empty-handed. Expects the isolation level READ COMMITTED.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction

from audit import limits, merkle, tree
from audit.leaf import FORM, TEXT_SQL, leaf_hash
from audit.models import SealState
from core import clock
from core.heartbeat import beat

#: The key of the advisory lock: the letters "seal".
LOCK_KEY = 0x7365616C

_UNSEALED = f"""
    SELECT e.id, {TEXT_SQL[FORM]} FROM audit_auditevent e
    WHERE e.id > %s AND e.id <= %s AND NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id)
    ORDER BY e.id LIMIT %s
"""  # noqa: S608 - our own constant

_HOLDERS = """
    SELECT DISTINCT virtualtransaction FROM pg_locks
    WHERE locktype = 'relation' AND relation = 'audit_auditevent'::regclass AND mode = 'RowExclusiveLock' AND granted
      AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND pid IS DISTINCT FROM pg_backend_pid()
"""


@dataclass(frozen=True, slots=True)
class Sealed:
    """What one run did: entries added, size of the tree after it, whether more events wait already."""

    added: int
    size: int
    more: bool


def seal_batch() -> Sealed | None:
    """Seal up to a batch of events (the size is policy). None when another sealer is at work."""
    batch = limits.at(clock.read()).seal_batch
    with transaction.atomic(), connection.cursor() as cursor:
        if not take_lock(cursor):
            return None
        state = tree.state()
        highest = _highest(cursor)
        holders = _holders(cursor)
        cursor.execute(_UNSEALED, [state.floor_id, highest, batch])
        rows = cursor.fetchall()
        _append(state, rows)
        more = len(rows) == batch
        if not more:
            _raise_floor(state, highest, holders)
        state.save()
        return Sealed(len(rows), state.size, more)


def seal() -> int:
    """Seal everything that waits; answers how many entries were added. Leaves a heartbeat with the figures."""
    added = 0
    done: Sealed | None = None
    while (run := seal_batch()) is not None:
        done = run
        added += run.added
        if not run.more:
            break
    if done is not None:
        beat("audit.seal", added=added, size=done.size)
    return added


def take_lock(cursor: Any) -> bool:
    """Take the sealer's lock until the end of the transaction; False when another holds it."""
    cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK_KEY])
    return bool(cursor.fetchone()[0])


def _highest(cursor: Any) -> int:
    cursor.execute("SELECT coalesce(max(id), 0) FROM audit_auditevent")
    return int(cursor.fetchone()[0])


def _holders(cursor: Any) -> list[str]:
    cursor.execute(_HOLDERS)
    return sorted(row[0] for row in cursor.fetchall())


def _append(state: SealState, rows: Sequence[tuple[int, str]]) -> None:
    """Write leaves and nodes of these (event id, canonical text) behind the last entry."""
    if not rows:
        return
    hashes = [leaf_hash(text) for _, text in rows]
    nodes, _ = merkle.grow(tree.frontier(state.size), state.size, hashes)
    with connection.cursor() as cursor:
        with cursor.copy("COPY audit_leaf (seq, event_id, leaf_hash, form) FROM STDIN") as copy:
            for seq, ((event_id, _text), value) in enumerate(zip(rows, hashes, strict=True), state.size):
                copy.write_row((seq, event_id, value, FORM))
        with cursor.copy("COPY audit_node (level, index, hash) FROM STDIN") as copy:
            for node in nodes:
                copy.write_row(node)
    state.size += len(rows)


def _raise_floor(state: SealState, highest: int, holders: list[str]) -> None:
    """Raise the floor as far as is safe; called when every visible event up to `highest` is sealed."""
    if not holders:
        state.floor_id, state.candidate_id, state.candidate_holders = max(state.floor_id, highest), None, []
        return
    if state.candidate_id is not None and set(state.candidate_holders).isdisjoint(holders):
        state.floor_id = max(state.floor_id, state.candidate_id)
        state.candidate_id = None
    if state.candidate_id is None:
        state.candidate_id, state.candidate_holders = highest, holders
