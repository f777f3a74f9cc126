"""Proofs and signed notes, checked by an implementation of the test's own that shares no line with the product's."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import re
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from audit import checkpoints, keys, limits, merkle, notes, proofs, sealing, tree
from audit.actors import system
from audit.models import AuditCheckpoint, AuditEvent
from audit.record import Entry, Target, record
from core import clock
from core.errors import Conflict, NotFound

pytestmark = pytest.mark.django_db


def put(number: int, store: int = 7) -> list[int]:
    return [record(Entry("demo.act", Target("demo", str(i), store_id=store)), actor=system()).id for i in range(number)]


def signed() -> int | None:
    made = checkpoints.checkpoint()
    return made.size if made else None


def third_party(document: dict, trusted_key: str) -> dict:
    """What docs/audit.md tells a third party to do. Raises when anything is wrong; answers the entry."""
    name, key_id, encoded = trusted_key.split("+", 2)
    public = base64.b64decode(encoded)[1:]
    text, signature_line = document["checkpoint"].split("\n\n")
    signature = base64.b64decode(signature_line.split(" ")[2])
    assert signature[:4].hex() == key_id
    Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], (text + "\n").encode())
    origin, size, root = text.split("\n")[:3]
    assert origin == name
    assert int(size) == document["size"]

    path = [bytes.fromhex(value) for value in document["path"]]

    def climb(seq: int, count: int, value: bytes) -> bytes:
        """Recursive, top down, as RFC 6962 defines PATH; the product's own goes bottom up."""
        if count == 1:
            return value
        k = 1
        while 2 * k < count:
            k *= 2
        sibling = path.pop()
        if seq < k:
            return hashlib.sha256(b"\x01" + climb(seq, k, value) + sibling).digest()
        return hashlib.sha256(b"\x01" + sibling + climb(seq - k, count - k, value)).digest()

    leaf = hashlib.sha256(b"\x00" + document["entry"].encode()).digest()
    assert climb(document["seq"], document["size"], leaf) == base64.b64decode(root)
    assert path == []
    return json.loads(document["entry"])


@pytest.mark.parametrize("size", [1, 2, 3, 7, 8, 13])
def test_a_third_party_can_check_every_entry(size):
    ids = put(size)
    sealing.seal()
    checkpoints.checkpoint()
    key = (checkpoints.folder() / checkpoints.VERIFIER_NAME).read_text().strip()
    for event_id in ids:
        proof = proofs.prove(event_id, store_id=7)
        assert proof.holds()
        assert third_party(json.loads(json.dumps(proof.document())), key)["id"] == event_id


def test_the_program_in_the_handbook_checks_a_proof(tmp_path):
    handbook = (Path(__file__).resolve().parents[2] / "docs" / "audit.md").read_text()
    program = re.search(r"```python\n(import base64.*?)```", handbook, re.DOTALL)
    assert program
    (tmp_path / "check.py").write_text(program[1])
    ids = put(11)
    sealing.seal()
    checkpoints.checkpoint()
    key = checkpoints.folder() / checkpoints.VERIFIER_NAME

    def check(document: dict) -> subprocess.CompletedProcess[str]:
        (tmp_path / "proof.json").write_text(json.dumps(document))
        command = [sys.executable, "-W", "ignore", "check.py", "proof.json", str(key)]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    document = proofs.prove(ids[9]).document()
    good = check(document)
    assert good.returncode == 0, good.stderr
    assert "whole, signed at" in good.stdout
    assert check(document | {"entry": document["entry"].replace("demo.act", "demo.axt")}).returncode != 0
    assert check(document | {"seq": 8}).returncode != 0


@pytest.mark.parametrize("member", ["entry", "seq", "path", "checkpoint"])
def test_a_forged_proof_is_refused(member):
    ids = put(6)
    sealing.seal()
    checkpoints.checkpoint()
    document = proofs.prove(ids[2]).document()
    forged = {
        "entry": document["entry"].replace('"demo.act"', '"demo.axt"'),
        "seq": 3,
        "path": [*document["path"][:-1], "00" * 32],
        "checkpoint": document["checkpoint"].replace("\n6\n", "\n7\n"),
    }
    with pytest.raises((AssertionError, InvalidSignature)):
        third_party(document | {member: forged[member]}, document["verifier"])


def test_an_entry_before_its_checkpoint_has_no_proof_yet():
    [event_id] = put(1)
    with pytest.raises(Conflict) as refusal:
        proofs.prove(event_id)
    assert refusal.value.code == "ERR_AUDIT_UNSEALED"
    sealing.seal()
    with pytest.raises(Conflict):
        proofs.prove(event_id)
    checkpoints.checkpoint()
    assert proofs.prove(event_id).holds()


def test_another_stores_entry_is_not_found():
    [event_id] = put(1, store=7)
    sealing.seal()
    checkpoints.checkpoint()
    for store in (8, 0):
        with pytest.raises(NotFound):
            proofs.prove(event_id, store_id=store)
    with pytest.raises(NotFound):
        proofs.prove(10**12)
    assert proofs.prove(event_id).holds()


def test_the_number_of_queries_does_not_grow(django_assert_num_queries):
    ids = put(40)
    sealing.seal()
    checkpoints.checkpoint()
    for event_id in (ids[0], ids[39]):
        with django_assert_num_queries(6):
            proofs.prove(event_id, store_id=7)


def test_an_older_log_is_the_beginning_of_a_newer_one():
    put(21)
    sealing.seal()
    for old in range(1, 22):
        for new in range(old, 22):
            path = proofs.consistency(old, new)
            assert merkle.verify_consistency(old, new, tree.root(old), tree.root(new), path)
            if path:
                assert not merkle.verify_consistency(old, new, tree.root(old), b"\0" * 32, path)


def test_the_key_is_private_and_made_once():
    key = keys.signing_key()
    assert stat.S_IMODE(os.stat(keys.key_file()).st_mode) == 0o600
    assert keys.public_bytes(keys.signing_key()) == keys.public_bytes(key)
    keys.key_file().write_text("no key")
    with pytest.raises(keys.KeyMissing):
        keys.signing_key()


def test_a_note_is_what_c2sp_says():
    note = notes.sign("0f", 3, b"\1" * 32, datetime(2026, 11, 27, 8, tzinfo=UTC), keys.signing_key())
    lines = note.note.split("\n")
    assert lines[:4] == ["backoffice/audit/0f", "3", base64.b64encode(b"\1" * 32).decode(), "time 2026-11-27T08:00:00Z"]
    assert lines[4] == ""
    assert lines[5].startswith("\u2014 backoffice/audit/0f ")
    assert lines[6] == ""
    assert notes.parse(note.note, keys.public_bytes(keys.signing_key())) == note
    for wrong in (note.note[:-1], note.note + "\n", note.note.replace("3\n", "4\n", 1), "", "x"):
        with pytest.raises(notes.BadNote):
            notes.parse(wrong, keys.public_bytes(keys.signing_key()))


def test_checkpoints_come_as_often_as_policy_says():
    with clock.freeze(datetime(2026, 11, 27, 8, tzinfo=UTC)) as frozen:
        period = limits.at(clock.now()).checkpoint_every
        put(1)
        sealing.seal()
        assert signed() == 1
        put(1)
        sealing.seal()
        frozen.tick(timedelta(seconds=period - 1))
        assert signed() is None
        frozen.tick(1)
        assert signed() == 2
        frozen.tick(period)
        assert signed() is None, "nothing new to sign"
    exported = notes.split((checkpoints.folder() / checkpoints.FILE_NAME).read_text())
    assert exported == list(AuditCheckpoint.objects.order_by("size").values_list("note", flat=True))


def test_a_file_cut_short_by_a_full_disk_is_mended():
    path = checkpoints.folder() / checkpoints.FILE_NAME
    public = keys.public_bytes(keys.signing_key())
    for cut in (1, 40, 120, 200):
        put(1)
        sealing.seal()
        checkpoints.checkpoint(force=True)
        whole = path.read_bytes()
        note_start = whole.rindex(b"\nbackoffice") + 1 if whole.count(b"time ") > 1 else 0
        path.write_bytes(whole[: note_start + cut])
        assert checkpoints.export() == 1
    found = [notes.parse(note, public).size for note in notes.split(path.read_text())]
    assert found == [1, 2, 3, 4]


def test_an_export_that_was_missed_is_caught_up():
    put(1)
    sealing.seal()
    checkpoints.checkpoint(force=True)
    path = checkpoints.folder() / checkpoints.FILE_NAME
    path.unlink()
    put(1)
    sealing.seal()
    checkpoints.checkpoint(force=True)
    assert len(notes.split(path.read_text())) == 2
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    assert AuditEvent.objects.count() == 2
