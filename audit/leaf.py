"""What exactly is hashed: the canonical text of an event, and the hashes of RFC 6962.

Form 1 is PostgreSQL's text of a jsonb object with the members below: members sorted by length of name, then by bytes; `", "` between
members and `": "` after a name; characters as they are (UTF-8), only `"`, `\\` and control characters escaped; times as
`2026-11-27T08:00:00.000000Z`. Who checks a proof needs none of this: the proof carries the text, and its bytes are what is hashed.
docs/audit.md says the same for third parties. A column that joins the event later means a new form beside this one.
"""

from __future__ import annotations

import hashlib

FORM = 1

_TIME = """to_char(e.{0} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""

#: Canonical text by form, of the event with the alias `e`. It is kept here and not in a database function, so that who owns the
#: database cannot change what is compared.
TEXT_SQL: dict[int, str] = {
    1: f"""jsonb_build_object(
        'v', 1, 'id', e.id, 'at', {_TIME.format("at")}, 'recorded_at', {_TIME.format("recorded_at")},
        'store_id', e.store_id, 'store_label', e.store_label,
        'actor_kind', e.actor_kind, 'actor_id', e.actor_id, 'actor_label', e.actor_label, 'token_id', e.token_id,
        'right', e."right", 'action', e.action,
        'object_type', e.object_type, 'object_id', e.object_id, 'object_label', e.object_label,
        'before', e.before, 'after', e.after, 'reason', e.reason, 'result', e.result, 'code', e.code,
        'request_id', e.request_id, 'commitments', e.commitments
    )::text""",
}


def leaf_hash(text: str) -> bytes:
    """The hash of an entry (32 bytes): SHA-256 over a zero byte and the canonical text."""
    return hashlib.sha256(b"\x00" + text.encode()).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """The hash over two subtrees: SHA-256 over a one byte and both hashes."""
    return hashlib.sha256(b"\x01" + left + right).digest()


EMPTY_ROOT = hashlib.sha256(b"").digest()
