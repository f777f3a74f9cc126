"""Proofs that a third party checks without us: one entry is in the log; an older log is the beginning of a newer one.

Both speak of signed checkpoints. A proof of one entry among ten million is 24 hashes of 32 bytes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.utils.translation import gettext_lazy as _

from audit import merkle, tree
from audit.checkpoints import latest
from audit.leaf import TEXT_SQL
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf
from core.errors import Conflict, NotFound

#: Name and version of the document that `Proof.document` answers.
FORMAT = "audit-proof/1"


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves one entry: the exact text that was hashed, its place, the sibling hashes upwards, the signed note."""

    event_id: int
    seq: int
    text: str
    leaf_hash: bytes
    path: tuple[bytes, ...]
    checkpoint: AuditCheckpoint

    @property
    def root(self) -> bytes:
        """The root hash that the checkpoint signs."""
        return bytes(self.checkpoint.root)

    def holds(self) -> bool:
        """Whether the hashes lead from the text to the signed root."""
        return merkle.verify_inclusion(self.leaf_hash, self.seq, self.checkpoint.size, self.path, self.root)

    def document(self) -> dict[str, Any]:
        """The proof as JSON members; docs/audit.md says how to check it. Hashes are hexadecimal."""
        return {
            "format": FORMAT,
            "event": self.event_id,
            "seq": self.seq,
            "size": self.checkpoint.size,
            "entry": self.text,
            "leaf_hash": self.leaf_hash.hex(),
            "path": [value.hex() for value in self.path],
            "root": self.root.hex(),
            "checkpoint": self.checkpoint.note,
            "verifier": self.checkpoint.verifier,
        }


def prove(event_id: int, *, store_id: int | None = None) -> Proof:
    """Prove that an event is in the log, under the newest checkpoint.

    `store_id` limits it to one store's events; None (platform staff) reaches all. Raises NotFound for an event that is not there
    or another store's, Conflict `ERR_AUDIT_UNSEALED` for one that no checkpoint covers yet (a matter of a minute).
    """
    events = AuditEvent.objects.filter(id=event_id)
    if store_id is not None:
        events = events.filter(store_id=store_id)
    if not events.exists():
        raise NotFound(_("There is no such entry in the audit log."))
    leaf = AuditLeaf.objects.filter(event_id=event_id).first()
    checkpoint = latest()
    if leaf is None or checkpoint is None or leaf.seq >= checkpoint.size:
        raise Conflict("ERR_AUDIT_UNSEALED", _("The entry is not sealed and signed yet. Ask again in a minute."))
    spans = merkle.inclusion_spans(leaf.seq, checkpoint.size)
    found = tree.hashes(coordinate for span in spans for coordinate in merkle.coordinates(span))
    return Proof(
        event_id=event_id,
        seq=leaf.seq,
        text=_text(event_id, leaf.form),
        leaf_hash=bytes(leaf.leaf_hash),
        path=tuple(merkle.span_hash(span, found.__getitem__) for span in spans),
        checkpoint=checkpoint,
    )


@dataclass(frozen=True, slots=True)
class Proofs:
    """Proofs of many entries under one checkpoint, in the order of the log; `waiting` are events that no checkpoint covers yet."""

    checkpoint: AuditCheckpoint
    proofs: tuple[Proof, ...]
    waiting: tuple[int, ...]

    def document(self) -> dict[str, Any]:
        """The proofs as JSON members that share the checkpoint; each entry as in `Proof.document`."""
        shared = ("format", "size", "root", "checkpoint", "verifier")
        return {
            "format": f"{FORMAT} of many",
            "size": self.checkpoint.size,
            "root": bytes(self.checkpoint.root).hex(),
            "entries": [
                {name: value for name, value in proof.document().items() if name not in shared} for proof in self.proofs
            ],
        }


def prove_many(event_ids: Sequence[int]) -> Proofs:
    """Prove many events at once, under the oldest checkpoint that covers all that are covered at all; a fixed number of queries.

    The oldest, so that the same events give the same proofs however long the log grows. The caller has chosen the events: whose they are is
    not looked at here. Raises Conflict `ERR_AUDIT_UNSEALED` when none is covered.
    """
    newest = latest()
    leaves = list(AuditLeaf.objects.filter(event_id__in=list(event_ids)).order_by("seq"))
    covered = [leaf for leaf in leaves if newest is not None and leaf.seq < newest.size]
    if not covered:
        raise Conflict("ERR_AUDIT_UNSEALED", _("The entry is not sealed and signed yet. Ask again in a minute."))
    checkpoint = AuditCheckpoint.objects.filter(size__gt=covered[-1].seq).order_by("size")[0]
    spans = {leaf.seq: merkle.inclusion_spans(leaf.seq, checkpoint.size) for leaf in covered}
    wanted = {coordinate for own in spans.values() for span in own for coordinate in merkle.coordinates(span)}
    found = tree.hashes(wanted)
    texts = _texts(covered)
    proofs = tuple(
        Proof(
            event_id=leaf.event_id,
            seq=leaf.seq,
            text=texts[leaf.event_id],
            leaf_hash=bytes(leaf.leaf_hash),
            path=tuple(merkle.span_hash(span, found.__getitem__) for span in spans[leaf.seq]),
            checkpoint=checkpoint,
        )
        for leaf in covered
    )
    known = {leaf.event_id for leaf in covered}
    return Proofs(checkpoint, proofs, tuple(sorted(set(event_ids) - known)))


def consistency(old: int, new: int) -> list[bytes]:
    """The hashes that prove the log of `old` entries to be the beginning of the log of `new` entries (RFC 6962 §2.1.2)."""
    spans = merkle.consistency_spans(old, new)
    found = tree.hashes(coordinate for span in spans for coordinate in merkle.coordinates(span))
    return [merkle.span_hash(span, found.__getitem__) for span in spans]


def _text(event_id: int, form: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TEXT_SQL[form]} FROM audit_auditevent e WHERE e.id = %s", [event_id])  # noqa: S608 - texts of our own
        return str(cursor.fetchone()[0])


def _texts(leaves: Sequence[AuditLeaf]) -> dict[int, str]:
    found: dict[int, str] = {}
    with connection.cursor() as cursor:
        for form in sorted({leaf.form for leaf in leaves}):
            ids = [leaf.event_id for leaf in leaves if leaf.form == form]
            cursor.execute(f"SELECT e.id, {TEXT_SQL[form]} FROM audit_auditevent e WHERE e.id = ANY(%s)", [ids])  # noqa: S608 - texts of our own
            found |= dict(cursor.fetchall())
    return found
