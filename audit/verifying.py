"""Checking the whole record from the events up, believing nothing that is derived: leaves, nodes, roots, exported checkpoints.

The text of each event is read and hashed here, in entry order; every stored node is computed again; the root is compared with each
signed checkpoint when the count passes its size. The first break is named with its entry, and the walk ends there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import connection

from audit import limits, merkle, notes
from audit.checkpoints import FILE_NAME, folder
from audit.keys import KeyMissing, public_bytes, read_key
from audit.leaf import TEXT_SQL, leaf_hash
from audit.models import AuditCheckpoint, SealState
from audit.record import commit_to
from core import clock


class Break(Exception):
    """The first place where the record is not whole. `seq` is the entry (counted from 0), if one can be named."""

    def __init__(self, what: str, seq: int | None = None) -> None:
        super().__init__(what)
        self.seq = seq


@dataclass
class Figures:
    """What a whole record consists of."""

    entries: int = 0
    events_checked: int = 0
    waiting: int = 0
    checkpoints: int = 0
    not_exported: int = 0
    personal_kept: int = 0
    personal_erased: int = 0
    root: bytes = b""


@dataclass(frozen=True)
class _Claim:
    size: int
    root: bytes
    where: str


def verify(*, store_id: int | None = None) -> Figures:
    """Check the record; answers the figures of a whole one. Raises Break at the first place that is not.

    With `store_id` only the texts of that store's events are read and hashed; the tree over all stores is checked all the same.
    """
    figures = Figures()
    # The order matters: what was exported before the state is read cannot be ahead of it in an honest log.
    claims = _claims(figures)
    state = SealState.objects.filter(id=1).first()
    size, floor = (state.size, state.floor_id) if state else (0, 0)
    walk = _Walk(figures, claims, store_id)
    walk.run(size)
    figures.entries, figures.root = size, merkle.root_of(walk.frontier)
    _check_bounds(size, walk.node_count)
    _check_intruders(floor, figures, store_id)
    _check_personal(figures, store_id)
    return figures


def _claims(figures: Figures) -> list[_Claim]:
    """What signed checkpoints say, by size: those exported to the file and those kept in the database."""
    exported = _exported()
    kept = list(AuditCheckpoint.objects.order_by("size"))
    claims = [
        _Claim(note.size, note.root, f"the checkpoint exported at {note.at:%Y-%m-%dT%H:%M:%SZ}") for note in exported
    ]
    if kept:
        public = _public()
        for row in kept:
            try:
                note = notes.parse(row.note, public)
            except notes.BadNote as error:
                raise Break(f"the checkpoint of {row.size} entries in the database: {error}") from None
            if note.size != row.size or note.root != bytes(row.root):
                raise Break(f"the checkpoint of {row.size} entries in the database does not match its signed note")
            claims.append(_Claim(note.size, note.root, f"the checkpoint signed at {note.at:%Y-%m-%dT%H:%M:%SZ}"))
    figures.checkpoints = len({claim.size for claim in claims})
    figures.not_exported = len({row.size for row in kept} - {note.size for note in exported})
    return sorted(claims, key=lambda claim: claim.size)


def _public() -> bytes:
    try:
        return public_bytes(read_key())
    except KeyMissing as error:
        raise Break(f"checkpoints cannot be checked: {error}") from None


def _exported() -> list[notes.Checkpoint]:
    """The notes of the exported file, each one's signature checked; sizes never fall."""
    path = folder() / FILE_NAME
    if not path.exists():
        return []
    state = SealState.objects.filter(id=1).first()
    name = notes.origin(state.log_id) if state else ""
    public, found = _public(), list[notes.Checkpoint]()
    texts = notes.split(path.read_text(errors="replace"))
    for number, text in enumerate(texts, 1):
        where = f"{path}: checkpoint {number}"
        try:
            note = notes.parse(text, public)
        except notes.BadNote as error:
            if number == len(texts) and not notes.is_whole(text):
                continue  # the last write was cut short; the next export repeats it
            raise Break(f"{where}: {error}") from None
        if note.origin != name:
            raise Break(
                f"{where} speaks of another log ({note.origin}): this log was replaced, or the folder is shared"
            )
        if found and note.size <= found[-1].size:
            raise Break(f"{where} says {note.size} entries after one that said {found[-1].size}")
        found.append(note)
    return found


class _Walk:
    """One pass over all leaves in order, in batches."""

    def __init__(self, figures: Figures, claims: list[_Claim], store_id: int | None) -> None:
        self.figures = figures
        self.claims = claims[::-1]
        self.store_id = store_id
        self.frontier: merkle.Frontier = {}
        self.size = 0
        self.agreed = 0  # entries that the last checkpoint vouched for
        self.node_count = 0

    def run(self, size: int) -> None:
        """Walk up to `size` entries, then look for checkpoints that say there were more."""
        batch = limits.at(clock.now()).seal_batch
        while self.size < size:
            until = min(size, self.size + batch)
            hashes = list(self._leaves(self.size, until))
            self._grow(hashes)
        if self.claims:
            claim = self.claims[0]
            raise Break(
                f"the log has {size} entries, but {claim.where} says {claim.size}: {claim.size - size} are gone,"
                f" from entry {size} on or between entry {self.agreed} and {size}",
                size,
            )

    def _leaves(self, start: int, end: int) -> Iterator[bytes]:
        """The leaf hashes of entries [start, end), each compared with its event."""
        expected = start
        for seq, event_id, stored, text, ours in self._rows(start, end):
            if seq != expected:
                raise Break(f"entry {expected} is missing from the tree", expected)
            expected += 1
            if text is None and ours is None:
                raise Break(f"entry {seq}: event {event_id} was deleted after it was sealed", seq)
            if text is not None:
                self.figures.events_checked += 1
                if leaf_hash(text) != stored:
                    raise Break(f"entry {seq}: event {event_id} was changed after it was sealed", seq)
            yield stored
        if expected != end:
            raise Break(f"entry {expected} is missing from the tree", expected)

    def _rows(self, start: int, end: int) -> list[tuple[int, int, bytes, str | None, int | None]]:
        """(seq, event id, stored hash, text, event id if the event is there); the text only where it is to be checked."""
        forms = " ".join(f"WHEN {form} THEN {text}" for form, text in TEXT_SQL.items())
        chosen = "e.id IS NOT NULL" if self.store_id is None else "e.store_id = %(store)s"
        with connection.cursor() as cursor:
            cursor.execute(
                f"SELECT l.seq, l.event_id, l.leaf_hash, CASE WHEN {chosen} THEN CASE l.form {forms} ELSE '' END END, e.id"  # noqa: S608 - texts of our own
                " FROM audit_leaf l LEFT JOIN audit_auditevent e ON e.id = l.event_id"
                " WHERE l.seq >= %(start)s AND l.seq < %(end)s ORDER BY l.seq",
                {"store": self.store_id, "start": start, "end": end},
            )
            return [(seq, event, bytes(value), text, there) for seq, event, value, text, there in cursor.fetchall()]

    def _grow(self, hashes: list[bytes]) -> None:
        """Append the hashes, stopping at each checkpoint's size to compare the root; then compare the stored nodes."""
        start, nodes = self.size, list[tuple[int, int, bytes]]()
        position = 0
        while position < len(hashes):
            stop = len(hashes)
            if self.claims:
                stop = min(stop, max(self.claims[-1].size - start, position))
            added, self.frontier = merkle.grow(self.frontier, self.size, hashes[position:stop])
            nodes += added
            self.size, position = start + stop, stop
            self._compare_roots()
        self._compare_nodes(start, nodes)

    def _compare_roots(self) -> None:
        """Compare the root with every checkpoint of the present size."""
        while self.claims and self.claims[-1].size <= self.size:
            claim = self.claims.pop()
            if merkle.root_of(self.frontier) != claim.root:
                raise Break(
                    f"entries {self.agreed} to {claim.size - 1} do not give the root of {claim.where}: history was rewritten",
                    self.agreed,
                )
            self.agreed = claim.size

    def _compare_nodes(self, start: int, nodes: list[tuple[int, int, bytes]]) -> None:
        """Every stored node of the entries from `start` on must be what the leaves give."""
        self.node_count += len(nodes)
        levels = range(1, self.size.bit_length() + 1)
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT n.level, n.index, n.hash FROM unnest(%s::smallint[], %s::bigint[], %s::bigint[]) AS r (level, low, high)"
                " JOIN audit_node n ON n.level = r.level AND n.index >= r.low AND n.index < r.high",
                [list(levels), [start >> level for level in levels], [self.size >> level for level in levels]],
            )
            stored = {(level, index): bytes(value) for level, index, value in cursor.fetchall()}
        for level, index, value in sorted(nodes, key=lambda node: ((node[1] + 1) << node[0], node[0])):
            if stored.get((level, index)) != value:
                first, last = index << level, ((index + 1) << level) - 1
                what = "is missing" if (level, index) not in stored else "does not follow from its entries"
                raise Break(f"the tree's node over entries {first} to {last} {what}", first)


def _check_bounds(size: int, nodes: int) -> None:
    """Nothing may stand behind the last entry, and no node too many. The sealer may be ahead of `size` by now."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT min(seq), max(seq) FROM audit_leaf")
        first, last = cursor.fetchone()
        cursor.execute(
            "SELECT count(*) FILTER (WHERE (index + 1) << level <= %s), coalesce(max((index + 1) << level), 0), min(level),"
            " min(index) FROM audit_node",
            [size],
        )
        within, reach, lowest, leftmost = cursor.fetchone()
    state = SealState.objects.filter(id=1).first()
    sealed = state.size if state else 0
    if last is not None and (last >= sealed or first < 0):
        raise Break(f"entry {last if first >= 0 else first} stands outside the sealed log of {sealed} entries", sealed)
    if within != nodes or reach > sealed or (within and (lowest < 1 or leftmost < 0)):
        raise Break(
            f"the tree has {within} nodes over {sealed} entries where {nodes} belong, reaching to entry {reach}"
        )


def _check_intruders(floor: int, figures: Figures, store_id: int | None) -> None:
    """An event that should have been sealed long ago and was not came in by another door."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT min(e.id) FILTER (WHERE e.id <= %s), count(*) FROM audit_auditevent e"
            " WHERE NOT EXISTS (SELECT FROM audit_leaf l WHERE l.event_id = e.id) AND (%s::bigint IS NULL OR e.store_id = %s)",
            [floor, store_id, store_id],
        )
        intruder, figures.waiting = cursor.fetchone()
    if intruder is not None:
        raise Break(f"event {intruder} is not in the log although later ones are: it was inserted afterwards")


def _check_personal(figures: Figures, store_id: int | None) -> None:
    """Each personal value that was not erased must open the commitment in its event."""
    batch, last = limits.at(clock.now()).seal_batch, 0
    with connection.cursor() as cursor:
        while rows := _personal_rows(cursor, last, batch, store_id):
            for _id, event_id, name, salt, value, commitment in rows:
                if commitment != commit_to(value, bytes(salt)):
                    raise Break(f"the personal value “{name}” of event {event_id} was changed or added afterwards")
            figures.personal_kept += len(rows)
            last = rows[-1][0]
        cursor.execute(
            "SELECT coalesce(sum((SELECT count(*) FROM jsonb_object_keys(e.commitments))), 0) FROM audit_auditevent e"
            " WHERE e.commitments <> '{}' AND (%s::bigint IS NULL OR e.store_id = %s)",
            [store_id, store_id],
        )
        figures.personal_erased = int(cursor.fetchone()[0]) - figures.personal_kept


def _personal_rows(cursor: Any, last: int, batch: int, store_id: int | None) -> list[Any]:
    cursor.execute(
        "SELECT p.id, p.event_id, p.name, p.salt, p.value, e.commitments ->> p.name FROM audit_personalvalue p"
        " LEFT JOIN audit_auditevent e ON e.id = p.event_id"
        " WHERE p.id > %s AND (%s::bigint IS NULL OR e.store_id = %s) ORDER BY p.id LIMIT %s",
        [last, store_id, store_id, batch],
    )
    return list(cursor.fetchall())
