"""Signed checkpoints as text: C2SP signed note and tlog-checkpoint, readable by the tools of that family.

backoffice/audit/5f0c…            origin: names the log
1234                              size: number of entries
qWgY…=                            root hash, base64
time 2026-11-27T08:00:00Z         when it was signed

— backoffice/audit/5f0c… Az3s…=   signature: 4 bytes of key hash and 64 of Ed25519, base64
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from datetime import UTC, datetime

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from audit.keys import public_bytes

_ED25519 = b"\x01"
_NOTE = re.compile(
    r"(?P<text>(?P<origin>\S+)\n(?P<size>0|[1-9]\d*)\n(?P<root>[A-Za-z0-9+/]{43}=)\ntime (?P<time>\S+)\n)"
    r"\n\u2014 (?P<name>\S+) (?P<signature>[A-Za-z0-9+/]+={0,2})\n",
    re.ASCII,
)


class BadNote(ValueError):
    """A checkpoint that is malformed or not signed by the key."""


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What a signed note states."""

    origin: str
    size: int
    root: bytes
    at: datetime
    note: str


def origin(log_id: str) -> str:
    """The name of the log with this id, unique among all installations."""
    return f"backoffice/audit/{log_id}"


def key_hash(name: str, public: bytes) -> bytes:
    """The 4 bytes that tell which key signed."""
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def verifier(name: str, public: bytes) -> str:
    """The public key in the form that note verifiers take: `name+hash+key`."""
    return f"{name}+{key_hash(name, public).hex()}+{base64.b64encode(_ED25519 + public).decode()}"


def sign(log_id: str, size: int, root: bytes, at: datetime, key: Ed25519PrivateKey) -> Checkpoint:
    """Write and sign the note of a tree; `at` is kept to the second."""
    name, moment = origin(log_id), at.astimezone(UTC).replace(microsecond=0)
    text = f"{name}\n{size}\n{base64.b64encode(root).decode()}\ntime {moment:%Y-%m-%dT%H:%M:%SZ}\n"
    signature = key_hash(name, public_bytes(key)) + key.sign(text.encode())
    note = f"{text}\n\u2014 {name} {base64.b64encode(signature).decode()}\n"
    return Checkpoint(name, size, root, moment, note)


def parse(note: str, public: bytes) -> Checkpoint:
    """Read a note and check its signature. Raises BadNote."""
    found = _NOTE.fullmatch(note)
    if found is None:
        raise BadNote("not a checkpoint")
    try:
        signature = base64.b64decode(found["signature"], validate=True)
        root = base64.b64decode(found["root"], validate=True)
        at = datetime.strptime(found["time"], "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC)
    except (binascii.Error, ValueError):
        raise BadNote("not a checkpoint") from None
    if found["name"] != found["origin"] or signature[:4] != key_hash(found["name"], public):
        raise BadNote("signed by another key")
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], found["text"].encode())
    except InvalidSignature:
        raise BadNote("the signature is wrong") from None
    return Checkpoint(found["origin"], int(found["size"]), root, at, note)


#: The line that follows a note whose writing was cut short (a full disk, a power cut); the note comes again behind it.
CUT_SHORT = "# cut short"


def is_whole(note: str) -> bool:
    """Whether a piece of an exported file ends in a signature line."""
    return note.endswith("\n") and note.rstrip("\n").rsplit("\n", 1)[-1].startswith("\u2014 ")


def split(text: str) -> list[str]:
    """The notes of an exported file, in order; a half-written one at the end is an entry of its own."""
    found: list[str] = []
    lines: list[str] = []
    for line in text.splitlines(keepends=True):
        if line.rstrip("\n") == CUT_SHORT:
            if not "".join(lines).strip() and found:
                found.pop()  # it was cut inside its signature line
            lines = []
            continue
        lines.append(line)
        if line.startswith("\u2014 ") and line.endswith("\n"):
            found.append("".join(lines).lstrip("\n"))
            lines = []
    if "".join(lines).strip():
        found.append("".join(lines).lstrip("\n"))
    return found
