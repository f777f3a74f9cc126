"""Tampering as the database's owner, triggers off: every kind, at every position, is found and named (bench 25)."""

from __future__ import annotations

import re

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection, transaction

from audit import checkpoints, erasure, limits, merkle, sealing, tree
from audit.actors import Actor, ActorKind, system
from audit.leaf import FORM, TEXT_SQL, leaf_hash
from audit.models import AuditCheckpoint, AuditEvent, AuditLeaf, PersonalValue, SealState
from audit.record import Entry, Target, record
from audit.verifying import Break, verify

pytestmark = pytest.mark.django_db
SIZE = 21


class Small:
    seal_batch, checkpoint_every, page_size, page_size_max, export_rows, query_length = 8, 0, 50, 200, 1000, 100


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(limits, "_source", lambda now: Small)


def put(number: int, store: int = 7, **more) -> None:
    for i in range(number):
        record(Entry("demo.act", Target("demo", str(i), store_id=store), after={"i": i}), actor=system(), **more)


@pytest.fixture
def log():
    """21 entries, checkpoints after 3, 9, 10 and 21 of them."""
    for count in (3, 6, 1, 11):
        put(count)
        sealing.seal()
        checkpoints.checkpoint()
    return list(AuditLeaf.objects.order_by("seq").values_list("event_id", flat=True))


def run(sql: str, *args) -> None:
    with connection.cursor() as cursor:
        cursor.execute(sql, args)


def broken(attack) -> Break:
    """Do something as the owner of the database, triggers off; answer what verify says; undo it."""
    found = None
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        attack()
        try:
            verify()
        except Break as error:
            found = error
        transaction.set_rollback(True)
    assert found is not None, "the tampering was not noticed"
    return found


def rebuild_tree() -> None:
    """What a clever forger does after changing events: all leaves, nodes and the state made to agree again."""
    run("DELETE FROM audit_node")
    leaves = list(AuditLeaf.objects.order_by("seq"))
    nodes, _ = merkle.grow({}, 0, [bytes(leaf.leaf_hash) for leaf in leaves])
    for node in nodes:
        run("INSERT INTO audit_node (level, index, hash) VALUES (%s, %s, %s)", *node)
    run("UPDATE audit_sealstate SET size = %s", len(leaves))


def rehash(event_id: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TEXT_SQL[FORM]} FROM audit_auditevent e WHERE id = %s", [event_id])
        (text,) = cursor.fetchone()
    run("UPDATE audit_leaf SET leaf_hash = %s WHERE event_id = %s", leaf_hash(text), event_id)


def close_gap(seq: int) -> None:
    run("UPDATE audit_leaf SET seq = -seq WHERE seq > %s", seq)
    run("UPDATE audit_leaf SET seq = -seq - 1 WHERE seq < 0")


def test_a_clean_log_is_whole(log):
    figures = verify()
    assert (figures.entries, figures.events_checked, figures.checkpoints, figures.waiting) == (SIZE, SIZE, 4, 0)
    assert figures.root == tree.root(SIZE)
    put(2)
    assert verify().waiting == 2
    assert verify(store_id=7).events_checked == SIZE
    assert verify(store_id=8).events_checked == 0


def test_an_empty_log_is_whole():
    assert verify().entries == 0


@pytest.mark.parametrize(
    "column", ["reason", "actor_label", "action", "object_id", "code", "request_id", "result", "store_label"]
)
def test_an_edit_of_any_column_is_named(log, column):
    found = broken(lambda: run(f"UPDATE audit_auditevent SET {column} = 'x' WHERE id = %s", log[13]))
    assert found.seq == 13


@pytest.mark.parametrize("column", ["at", "recorded_at"])
def test_a_moved_time_is_named(log, column):
    change = f"UPDATE audit_auditevent SET {column} = {column} + interval '1 microsecond' WHERE id = %s"
    assert broken(lambda: run(change, log[3])).seq == 3


@pytest.mark.parametrize("column", ["before", "after", "commitments"])
def test_a_changed_object_is_named(log, column):
    assert (
        broken(lambda: run(f"UPDATE audit_auditevent SET {column} = '{{\"a\": 1}}' WHERE id = %s", log[20])).seq == 20
    )


@pytest.mark.parametrize("seq", range(SIZE))
def test_every_kind_at_every_position(log, seq):
    event, other = log[seq], log[(seq + 1) % SIZE]
    first = min(seq, (seq + 1) % SIZE)

    def edit():
        run("UPDATE audit_auditevent SET reason = 'forged' WHERE id = %s", event)

    def delete():
        run("DELETE FROM audit_auditevent WHERE id = %s", event)

    def delete_with_leaf():
        delete()
        run("DELETE FROM audit_leaf WHERE seq = %s", seq)

    def swap_events():
        run("UPDATE audit_auditevent SET id = -1 WHERE id = %s", event)
        run("UPDATE audit_auditevent SET id = %s WHERE id = %s", event, other)
        run("UPDATE audit_auditevent SET id = %s WHERE id = -1", other)

    def swap_leaves():
        run("UPDATE audit_leaf SET seq = -1 WHERE event_id = %s", event)
        run("UPDATE audit_leaf SET seq = %s WHERE event_id = %s", seq, other)
        run("UPDATE audit_leaf SET seq = %s WHERE event_id = %s", (seq + 1) % SIZE, event)

    def insert_unsealed():
        run("UPDATE audit_auditevent SET id = -id - 1 WHERE id = %s", event)
        run("UPDATE audit_leaf SET event_id = -event_id - 1 WHERE event_id = %s", event)
        rehash(-event - 1)
        rebuild_tree()
        AuditEvent.objects.create(id=event, at="2026-01-01T00:00Z", actor_kind="system", action="x")

    def edit_hash():
        run("UPDATE audit_leaf SET leaf_hash = %s WHERE seq = %s", b"\0" * 32, seq)

    for attack in (edit, delete, delete_with_leaf, edit_hash):
        assert broken(attack).seq == seq, attack.__name__
    assert broken(swap_events).seq == first
    assert broken(swap_leaves).seq is not None
    assert str(event) in str(broken(insert_unsealed)) or broken(insert_unsealed).seq is not None


@pytest.mark.parametrize("seq", range(SIZE))
def test_a_forger_who_mends_the_tree_is_caught_by_the_checkpoints(log, seq):
    event = log[seq]
    spans = [(0, 2), (3, 8), (9, 9), (10, 20)]
    start = next(first for first, last in spans if first <= seq <= last)

    def edit_and_mend():
        run("UPDATE audit_auditevent SET reason = 'forged' WHERE id = %s", event)
        rehash(event)
        rebuild_tree()

    def delete_and_mend():
        run("DELETE FROM audit_auditevent WHERE id = %s", event)
        run("DELETE FROM audit_leaf WHERE seq = %s", seq)
        close_gap(seq)
        rebuild_tree()

    def insert_and_mend():
        run("UPDATE audit_leaf SET seq = -seq - 2 WHERE seq >= %s", seq)
        run("UPDATE audit_leaf SET seq = -seq - 1 WHERE seq < -1")
        forged = AuditEvent.objects.create(at="2026-01-01T00:00Z", actor_kind="system", action="x")
        AuditLeaf.objects.create(seq=seq, event_id=forged.id, leaf_hash=b"")
        rehash(forged.id)
        rebuild_tree()

    for attack in (edit_and_mend, delete_and_mend, insert_and_mend):
        found = broken(attack)
        if attack is delete_and_mend and start == spans[-1][0]:  # shorter than the last checkpoint: the same as a cut
            assert f"or between entry {start} and" in str(found)
        else:
            assert found.seq == start, attack.__name__
            assert "history was rewritten" in str(found)


@pytest.mark.parametrize("size", range(SIZE))
def test_a_tail_cut_off_is_noticed(log, size):
    """Everything in the database agrees again, its checkpoints included; only the exported file remembers."""

    def cut():
        run("DELETE FROM audit_auditevent WHERE id = ANY(%s)", log[size:])
        run("DELETE FROM audit_leaf WHERE seq >= %s", size)
        rebuild_tree()
        run("DELETE FROM audit_checkpoint WHERE size > %s", size)
        run("UPDATE audit_sealstate SET floor_id = %s, candidate_id = NULL", log[size - 1] if size else 0)

    found = broken(cut)
    assert found.seq == size
    assert re.search(rf"from entry {size} on", str(found))


def test_a_log_started_anew_is_noticed(log):
    def replace():
        for table in ("audit_auditevent", "audit_leaf", "audit_node", "audit_checkpoint", "audit_sealstate"):
            run(f"DELETE FROM {table}")
        put(40)
        sealing.seal()

    assert "another log" in str(broken(replace))


@pytest.mark.parametrize("level", [1, 2, 3, 4])
def test_a_changed_or_missing_node_is_named(log, level):
    change = "UPDATE audit_node SET hash = '\\x00' WHERE level = %s AND index = %s"
    remove = "DELETE FROM audit_node WHERE level = %s AND index = %s"
    for index in range(SIZE >> level):
        for statement in (change, remove):
            assert broken(lambda i=index, s=statement: run(s, level, i)).seq == index << level


def test_what_stands_outside_the_tree_is_noticed(log):
    assert "outside" in str(broken(lambda: AuditLeaf.objects.create(seq=SIZE, event_id=10**9, leaf_hash=b"\0" * 32)))
    assert "nodes" in str(broken(lambda: run("INSERT INTO audit_node VALUES (1, 10, '\\x00')")))
    assert "nodes" in str(broken(lambda: run("INSERT INTO audit_node VALUES (0, 1, '\\x00')")))
    assert broken(lambda: run("UPDATE audit_sealstate SET size = size + 1")).seq == SIZE
    assert broken(lambda: run("UPDATE audit_sealstate SET size = size - 1")).seq == SIZE - 1


def test_forged_checkpoints_are_noticed(log):
    assert "signature" in str(
        broken(lambda: run("UPDATE audit_checkpoint SET note = replace(note, %s, %s)", "\n10\n", "\n11\n"))
    )
    assert "match" in str(broken(lambda: run("UPDATE audit_checkpoint SET root = '\\x00' WHERE size = 10")))


def test_a_forged_or_foreign_checkpoint_file_is_noticed(log, settings, tmp_path):
    path = checkpoints.folder() / checkpoints.FILE_NAME
    good = path.read_text()
    path.write_text(good.replace("\n10\n", "\n11\n"))
    with pytest.raises(Break, match="signature is wrong"):
        verify()
    notes = good.split("\n\n")
    path.write_text(good + "\n\n".join(notes[:2]) + "\n\n")
    with pytest.raises(Break, match="after one that said"):
        verify()
    path.write_text(good)
    verify()
    settings.AUDIT_KEY_FILE = tmp_path / "gone.pem"
    with pytest.raises(Break, match="missing"):
        verify()


def test_a_personal_value_changed_or_added_is_noticed(log):
    person = Actor(ActorKind.USER, 3, "Somebody", ip="203.0.113.9")
    event = record(Entry("demo.act", Target("demo", "1", store_id=7)), actor=person, personal={"email": "a@b.test"})
    sealing.seal()
    assert verify().personal_kept == 2
    assert "email" in str(broken(lambda: PersonalValue.objects.filter(name="email").update(value="c@d.test")))
    assert "added" in str(
        broken(lambda: PersonalValue.objects.create(event_id=event.id, name="phone", salt=b"s", value="1"))
    )


def test_erasing_leaves_the_record_whole(log):
    person = Actor(ActorKind.USER, 3, "Somebody", ip="203.0.113.9")
    record(Entry("demo.act", Target("demo", "1", store_id=7)), actor=person, personal={"email": "a@b.test"})
    sealing.seal()
    checkpoints.checkpoint()
    assert erasure.erase_personal_values(actor_id=3, actor=system(), reason="asked for") == 2
    figures = verify()
    assert (figures.personal_kept, figures.personal_erased) == (0, 2)
    told = AuditEvent.objects.latest("id")
    assert (told.action, told.after) == ("audit.erase", {"values": 2, "events": 1})


def test_erasing_a_person_takes_what_others_wrote_about_them_and_leaves_what_they_wrote_about_others(log):
    boss, person = (
        Actor(ActorKind.USER, 3, "Boss", ip="203.0.113.3"),
        Actor(ActorKind.USER, 4, "Person", ip="203.0.113.4"),
    )
    record(Entry("demo.add", Target("member", "4")), actor=boss, personal={"email": "person@b.test"})
    record(Entry("demo.add", Target("user", "5")), actor=person, personal={"email": "third@b.test"})
    assert erasure.erase_personal_values(actor_id=4, actor=system(), reason="asked for") == 2
    assert set(PersonalValue.objects.values_list("value", flat=True)) == {"203.0.113.3", "third@b.test"}


def test_the_floor_raised_by_hand_does_not_hide_an_event(log):
    put(1)
    run("UPDATE audit_sealstate SET floor_id = 10^15::bigint")
    with pytest.raises(Break, match="inserted afterwards"):
        verify()


def test_the_command_answers_with_its_exit_code(log, capsys):
    call_command("verify_audit")
    out = capsys.readouterr().out
    assert out.startswith("The audit log is whole: 21 entries, 21 texts checked, 4 signed checkpoints")
    with transaction.atomic():
        run("SET LOCAL session_replication_role = replica")
        run("UPDATE audit_auditevent SET reason = 'x' WHERE id = %s", log[11])
        with pytest.raises(CommandError) as failure:
            call_command("verify_audit")
        transaction.set_rollback(True)
    assert failure.value.returncode == 1
    assert "first break at entry 11" in str(failure.value)
    with pytest.raises(CommandError) as failure:
        call_command("verify_audit", store="nowhere")
    assert failure.value.returncode == 2
    assert AuditCheckpoint.objects.count() == 4
    assert SealState.objects.get().size == SIZE
