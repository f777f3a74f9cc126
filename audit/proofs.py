"""Proofs that a third party checks without us: one entry is in the log; an older log is the beginning of a newer one.

Both speak of signed checkpoints. A proof of one entry among ten million is 24 hashes of 32 bytes.
"""

from __future__ import annotations

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


def consistency(old: int, new: int) -> list[bytes]:
    """The hashes that prove the log of `old` entries to be the beginning of the log of `new` entries (RFC 6962 §2.1.2)."""
    spans = merkle.consistency_spans(old, new)
    found = tree.hashes(coordinate for span in spans for coordinate in merkle.coordinates(span))
    return [merkle.span_hash(span, found.__getitem__) for span in spans]


def _text(event_id: int, form: int) -> str:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TEXT_SQL[form]} FROM audit_auditevent e WHERE e.id = %s", [event_id])  # noqa: S608
        return str(cursor.fetchone()[0])
