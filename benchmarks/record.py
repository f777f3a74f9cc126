"""The audit log: what the sealer costs writers, how fast it seals and verifies, whether tampering is found at every position."""

from __future__ import annotations

import hashlib
import json
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import connection, transaction

from audit import checkpoints, sealing, verifying
from audit.actors import system
from audit.leaf import FORM, TEXT_SQL
from audit.models import AuditEvent, AuditLeaf
from audit.record import Entry, Target, record_many
from backoffice.env import BASE_DIR
from benchmarks.frame import Line, database, interleaved, line, publish

WRITERS = 32
PROCESSES = 4
WRITERS_GOAL = 1 / 0.75  # they may lose a quarter of their throughput

_WRITE = """
    INSERT INTO audit_auditevent (at, store_id, store_label, actor_kind, actor_label, "right", action, object_type, object_id, object_label,
        before, after, reason, result, code, request_id, commitments)
    VALUES (now(), %s, 'Bench', 'user', 'Writer', 'campaigns.pause', 'campaign.pause', 'campaign', %s, 'Bench', '{"state": "running"}',
        '{"state": "paused"}', 'season', 'done', '', '', '{}')
"""
_HASH_ONLY = f"""
    INSERT INTO audit_leaf (seq, event_id, leaf_hash)
    SELECT row_number() OVER (ORDER BY e.id) - 1, e.id, sha256('\\x00'::bytea || convert_to({TEXT_SQL[FORM]}, 'UTF8'))
    FROM audit_auditevent e
"""


def run(*, quick: bool) -> bool:
    """Run all parts; answers whether every goal was met."""
    size, writes, rounds = (5_000, 20, 1) if quick else (100_000, 150, 5)
    with database("record"), tempfile.TemporaryDirectory() as folder:
        settings.AUDIT_KEY_FILE, settings.AUDIT_CHECKPOINT_DIR = Path(folder) / "key.pem", Path(folder) / "out"
        lines = [_writers(writes, rounds), _sealing(size, rounds), _verifying(size, rounds)]
        found, named, tried, clean = _tampering(40 if quick else 1000)
        intro = (
            f"{tried} tamperings as owner of the database (edit, delete, swap, insert, tail cut; triggers off) at the positions of a log:"
            f" {found} detected, {named} named with their entry; {clean} false alarms on the clean log."
        )
        publish("Audit log", lines, intro, keep=not quick)
    return lines[0].ratio <= WRITERS_GOAL and found == tried and clean == 0


def _empty() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        for table in (
            "audit_auditevent",
            "audit_leaf",
            "audit_node",
            "audit_checkpoint",
            "audit_sealstate",
            "audit_personalvalue",
        ):
            cursor.execute(f"TRUNCATE {table}")
    (Path(settings.AUDIT_CHECKPOINT_DIR) / checkpoints.FILE_NAME).unlink(missing_ok=True)


def _fill(size: int) -> None:
    _empty()
    entries = [
        Entry(
            "campaign.end",
            Target("campaign", f"C-{i}", "Bench", i % 7, "Bench"),
            before={"state": "ending"},
            after={"state": "ended"},
        )
        for i in range(size)
    ]
    record_many(entries, actor=system("system:bench"))
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE audit_auditevent")


# -- writers -----------------------------------------------------------------------------------------------------------------


def _parameters() -> dict[str, Any]:
    given = connection.get_connection_params()
    names = ("dbname", "user", "password", "host", "port")
    return {name: given[name] for name in names if given.get(name)}


def _writers_ready(writes: int) -> list[subprocess.Popen[str]]:
    """Processes with their connections open, waiting for the word."""
    _empty()
    task = {"parameters": _parameters(), "threads": WRITERS // PROCESSES, "writes": writes, "sql": _WRITE}
    command = [sys.executable, "-m", "benchmarks.writer"]
    workers = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=BASE_DIR)
        for _ in range(PROCESSES)
    ]
    for worker in workers:
        assert worker.stdin
        assert worker.stdout
        worker.stdin.write(json.dumps(task) + "\n")
        worker.stdin.flush()
        assert worker.stdout.readline() == "ready\n"
    return workers


def _storm(workers: list[subprocess.Popen[str]]) -> None:
    for worker in workers:
        assert worker.stdin
        worker.stdin.write("go\n")
        worker.stdin.flush()
    assert [worker.wait() for worker in workers] == [0] * len(workers)


def _storm_with_sealer(workers: list[subprocess.Popen[str]]) -> None:
    """The sealer looks every second, and once right away."""
    over = threading.Event()

    def seal() -> None:
        while True:
            sealing.seal()
            if over.wait(1.0):
                break
        connection.close()

    sealer = threading.Thread(target=seal)
    sealer.start()
    _storm(workers)
    over.set()
    sealer.join()


def _writers(writes: int, rounds: int) -> Line:
    measured = interleaved(lambda: _writers_ready(writes), _storm, _storm_with_sealer, rounds=rounds)
    sealing.seal()
    assert AuditLeaf.objects.count() == AuditEvent.objects.count() == WRITERS * writes
    return line(
        f"{WRITERS} writers, {WRITERS * writes:,} entries, without and with the sealer",
        measured,
        goal=f"≤ {WRITERS_GOAL:.2f}",
    )


# -- sealing and verifying ---------------------------------------------------------------------------------------------------


def _sealing(size: int, rounds: int) -> Line:
    def floor(_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(_HASH_ONLY)

    measured = interleaved(lambda: _fill(size), floor, lambda _: _sealed(), rounds=rounds)
    return line(f"seal {size:,} entries", measured, note="the floor hashes in the database and builds no tree")


def _sealed() -> None:
    sealing.seal()


def _verifying(size: int, rounds: int) -> Line:
    _fill(size)
    sealing.seal()
    checkpoints.checkpoint(force=True)

    def floor(_: object) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {TEXT_SQL[FORM]} FROM audit_auditevent e ORDER BY e.id")
            for (text,) in cursor:
                hashlib.sha256(text.encode()).digest()

    measured = interleaved(lambda: None, floor, lambda _: _verify(), rounds=rounds)
    return line(
        f"verify {size:,} entries", measured, note="the floor reads and hashes each text once and compares nothing"
    )


def _verify() -> None:
    verifying.verify()


# -- tampering ---------------------------------------------------------------------------------------------------------------


def _tampering(size: int) -> tuple[int, int, int, int]:
    """(detected, named with their entry, tried, false alarms) over every position of a log of `size` entries."""
    _empty()
    for part in range(10):
        entries = [Entry("demo.act", Target("demo", f"{part}-{i}", store_id=7)) for i in range(size // 10)]
        record_many(entries, actor=system())
        sealing.seal()
        checkpoints.checkpoint(force=True)
    events = list(AuditLeaf.objects.order_by("seq").values_list("event_id", flat=True))
    false_alarms = sum(_break(lambda: None) is not None for _ in range(3))
    found = named = tried = 0
    for seq in range(len(events)):
        for attack, expected in _attacks(events, seq):
            tried += 1
            broken = _break(attack)
            found += broken is not None
            named += broken is not None and (broken.seq == expected or str(expected) in str(broken))
    return found, named, tried, false_alarms


def _attacks(events: list[int], seq: int) -> list[tuple[Callable[[], None], int]]:
    """What to do to entry `seq`, and the entry (or the event's id) that must be named."""
    event, other = events[seq], events[random.Random(seq).randrange(len(events))]

    def edit() -> None:
        _do("UPDATE audit_auditevent SET reason = 'forged' WHERE id = %s", event)

    def delete() -> None:
        _do("DELETE FROM audit_auditevent WHERE id = %s", event)

    def swap() -> None:
        _do("UPDATE audit_auditevent SET id = -1 WHERE id = %s", event)
        _do("UPDATE audit_auditevent SET id = %s WHERE id = %s", event, other)
        _do("UPDATE audit_auditevent SET id = %s WHERE id = -1", other)

    def insert() -> None:
        _do(_WRITE.replace("(at,", "(id, at,").replace("(now(),", "(%s, now(),"), -event, 7, "forged")

    def cut() -> None:
        _do("DELETE FROM audit_auditevent WHERE id = ANY(%s)", events[seq:])
        _do("DELETE FROM audit_leaf WHERE seq >= %s", seq)
        _do("DELETE FROM audit_node WHERE (index + 1) << level > %s", seq)
        _do("DELETE FROM audit_checkpoint WHERE size > %s", seq)
        _do("UPDATE audit_sealstate SET size = %s, floor_id = %s", seq, events[seq - 1] if seq else 0)

    attacks = [(edit, seq), (delete, seq), (insert, -event), (cut, seq)]
    return attacks if event == other else [*attacks, (swap, min(seq, events.index(other)))]


def _do(sql: str, *args: object) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, args)


def _break(attack: Callable[[], None]) -> verifying.Break | None:
    """Tamper, verify, undo."""
    found = None
    with transaction.atomic():
        _do("SET LOCAL session_replication_role = replica")
        attack()
        try:
            verifying.verify()
        except verifying.Break as error:
            found = error
        transaction.set_rollback(True)
    return found
