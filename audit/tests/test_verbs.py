"""The frame of a verb: refusals are recorded and committed, everything else of a refused verb is undone."""

from __future__ import annotations

import threading
from types import SimpleNamespace

import pytest
from django.db import OperationalError, connection, connections, transaction

from audit.actors import Actor, ActorKind
from audit.models import AuditEvent, Result
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused
from core.models import Heartbeat
from core.prepared import Prepared

pytestmark = pytest.mark.django_db(transaction=True)
ACTOR = Actor(ActorKind.USER, 17, "操作员A")
STORE = SimpleNamespace(id=7, slug="pinecone", name="Pinecone", label="松果")


def write(name: str) -> None:
    Heartbeat.objects.update_or_create(name=name, defaults={"beat_at": "2026-01-01T00:00Z"})


@verb("thing.change", right="things.edit")
def change(store, code, *, refuse=None, actor, now):
    write("body")
    if refuse == "early":
        raise PermissionRefused("no", right="things.edit", grantors=["Owner"])
    about(Target("thing", code, "The thing", store.id, store.name), reason="because")
    if refuse:
        raise refuse
    record(Entry("thing.change", Target("thing", code)), actor=actor, now=now)
    return now


def test_a_verb_that_succeeds_commits_its_body():
    assert change(STORE, "T-1", actor=ACTOR) is not None
    assert AuditEvent.objects.get().result == Result.DONE
    assert Heartbeat.objects.count() == 1


def test_a_verb_is_done_again_when_a_pooler_has_lost_its_planned_statement(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Prepared, "usable", True)
    statement = Prepared("SELECT %(a)s + 40", [("a", "integer")])
    statement.rows({"a": 1})
    with connection.cursor() as cursor:
        cursor.execute(f"DEALLOCATE {statement._name}")

    @verb("thing.look")
    def look(*, actor, now):
        write("body")
        return statement.rows({"a": 2})

    assert look(actor=ACTOR) == [(42,)]
    assert Heartbeat.objects.count() == 1


def test_a_refusal_is_recorded_and_the_body_undone():
    with pytest.raises(Conflict):
        change(STORE, "T-1", refuse=Conflict("ERR_CLOSE_ENDED", "It has ended.", blockers=[{"code": "X"}]), actor=ACTOR)
    event = AuditEvent.objects.get()
    assert (event.result, event.code, event.right, event.reason) == (
        "refused",
        "ERR_CLOSE_ENDED",
        "things.edit",
        "because",
    )
    assert (event.object_id, event.object_label, event.store_id) == ("T-1", "The thing", 7)
    assert event.after == {"detail": "It has ended.", "blockers": [{"code": "X"}]}
    assert not Heartbeat.objects.exists()


def test_a_missing_right_is_recorded_before_the_object_is_known():
    with pytest.raises(PermissionRefused):
        change(STORE, "T-9", refuse="early", actor=ACTOR)
    event = AuditEvent.objects.get()
    assert (event.code, event.object_type, event.object_id, event.store_id) == ("ERR_PERMISSION", "thing", "T-9", 7)
    assert event.store_label == "Pinecone"


@pytest.mark.parametrize("refusal", [NotFound("?"), InvalidInput("?")])
def test_what_a_stranger_can_provoke_is_not_recorded(refusal):
    with pytest.raises(type(refusal)):
        change(STORE, "T-1", refuse=refusal, actor=ACTOR)
    assert not AuditEvent.objects.exists()


def test_a_fault_undoes_everything():
    with pytest.raises(ZeroDivisionError):
        change(STORE, "T-1", refuse=ZeroDivisionError(), actor=ACTOR)
    assert not AuditEvent.objects.exists()
    assert not Heartbeat.objects.exists()


@verb("bulk.change")
def bulk(store, codes, *, catch, actor, now):
    about(Target("bulk", ",".join(codes), store_id=store.id))
    write("outer")
    refused = 0
    for code in codes:
        refusal = Conflict("ERR_STATE", "no") if code.endswith("!") else None
        if not catch:
            change(store, code, refuse=refusal, actor=actor, now=now)
            continue
        try:
            change(store, code, refuse=refusal, actor=actor, now=now)
        except Conflict:
            refused += 1
    return refused


def test_an_inner_refusal_that_is_caught_is_recorded_and_the_rest_goes_on():
    assert bulk(STORE, ["A", "B!", "C"], catch=True, actor=ACTOR) == 1
    kinds = list(AuditEvent.objects.order_by("id").values_list("action", "object_id", "result"))
    assert kinds == [("thing.change", "A", "done"), ("thing.change", "B!", "refused"), ("thing.change", "C", "done")]
    assert Heartbeat.objects.filter(name="outer").exists()


def test_an_inner_refusal_that_ends_the_outer_verb_is_recorded_once_for_it():
    with pytest.raises(Conflict):
        bulk(STORE, ["A", "B!"], catch=False, actor=ACTOR)
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.result) == ("bulk.change", "A,B!", "refused")
    assert not Heartbeat.objects.exists()


def test_inside_a_callers_transaction_the_record_lives_if_the_refusal_is_caught_there():
    with transaction.atomic():
        write("caller")
        with pytest.raises(Conflict):
            change(STORE, "T-1", refuse=Conflict("ERR_STATE", "no"), actor=ACTOR)
        write("after")
    assert AuditEvent.objects.get().result == "refused"
    assert set(Heartbeat.objects.values_list("name", flat=True)) == {"caller", "after"}


def test_the_frame_is_gone_after_the_verb():
    about(Target("x", "1"))
    change(STORE, "T-1", actor=ACTOR)
    about(Target("x", "2"))
    assert AuditEvent.objects.count() == 1


def test_two_verbs_that_deadlock_both_get_through():
    for name in ("a", "b"):
        write(name)
    barrier = threading.Barrier(2, timeout=10)
    attempts: list[str] = []

    @verb("pair.touch")
    def touch(first, second, *, actor, now):
        attempts.append(first)
        Heartbeat.objects.select_for_update().get(name=first)
        if len(attempts) <= 2:
            barrier.wait()
        Heartbeat.objects.filter(name=second).update(detail={"by": first})
        record(Entry("pair.touch", Target("pair", first)), actor=actor, now=now)

    def run(first, second):
        try:
            touch(first, second, actor=ACTOR)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(attempts) == 3
    assert AuditEvent.objects.filter(action="pair.touch").count() == 2


def test_a_verb_inside_a_transaction_is_not_tried_again(monkeypatch):
    calls = []

    @verb("thing.fail")
    def fail(*, actor, now):
        calls.append(1)
        with connection.cursor() as cursor:
            cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'x' USING ERRCODE = '40P01'; END $$")

    with pytest.raises(OperationalError), transaction.atomic():
        fail(actor=ACTOR)
    assert len(calls) == 1
    with pytest.raises(OperationalError):
        fail(actor=ACTOR)
    assert len(calls) == 4
