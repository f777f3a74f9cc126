"""The sealer: nothing missed, no gap, nobody waits (R189)."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, connections, transaction

from audit import limits, sealing, tree
from audit.actors import system
from audit.leaf import FORM, TEXT_SQL, leaf_hash
from audit.models import AuditEvent, AuditLeaf, SealState
from audit.record import Entry, Target, record, record_many
from core.models import Heartbeat

pytestmark = pytest.mark.django_db(transaction=True)


def put(number: int = 1) -> list[int]:
    return [
        record(
            Entry("demo.act", Target("demo", str(i), store_id=7), after={"i": i, "text": "中文 “quoted”"}),
            actor=system(),
        ).id
        for i in range(number)
    ]


def mth(hashes: list[bytes]) -> bytes:
    """RFC 6962 §2.1 as it is written there, independent of audit.merkle."""
    import hashlib

    if len(hashes) == 1:
        return hashes[0]
    k = 1
    while 2 * k < len(hashes):
        k *= 2
    return hashlib.sha256(b"\x01" + mth(hashes[:k]) + mth(hashes[k:])).digest()


class Small:
    seal_batch, checkpoint_every, page_size, page_size_max, export_rows, query_length = 3, 60, 50, 200, 1000, 100


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(limits, "_source", lambda now: Small)


def test_the_tree_is_that_of_rfc_6962(small_batches):
    for count in (1, 1, 2, 5, 8, 11):
        put(count)
        assert sealing.seal() == count
    hashes = [bytes(leaf.leaf_hash) for leaf in AuditLeaf.objects.order_by("seq")]
    assert [leaf.seq for leaf in AuditLeaf.objects.order_by("seq")] == list(range(28))
    for size in range(1, 29):
        assert tree.root(size) == mth(hashes[:size])


def test_the_leaf_is_the_hash_of_the_canonical_text():
    [event_id] = put()
    sealing.seal()
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {TEXT_SQL[FORM]} FROM audit_auditevent e WHERE id = %s", [event_id])
        (text,) = cursor.fetchone()
    assert text.startswith('{"v": 1, "at": "2')
    assert '"after": {"i": 0, "text": "中文 “quoted”"}' in text
    assert bytes(AuditLeaf.objects.get().leaf_hash) == leaf_hash(text)


def test_sealing_twice_adds_nothing_and_leaves_a_beat():
    put(3)
    assert sealing.seal() == 3
    assert sealing.seal() == 0
    assert Heartbeat.objects.get(name="audit.seal").detail == {"added": 0, "size": 3}


def in_thread(work):
    """Run in a thread with a connection of its own; answers the thread."""

    def run():
        try:
            work()
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def test_a_slow_writer_with_a_lower_id_is_not_missed():
    """Ids commit out of order: the later id is sealed first, the floor waits for the earlier one, which then is sealed too."""
    written, go_on = threading.Event(), threading.Event()

    def slow():
        with transaction.atomic():
            put(1)
            written.set()
            assert go_on.wait(60)

    thread = in_thread(slow)
    assert written.wait(60)
    [fast] = put(1)
    assert sealing.seal() == 1
    assert sealing.seal() == 0
    state = SealState.objects.get()
    assert state.floor_id < fast
    assert state.candidate_id == fast
    go_on.set()
    thread.join()
    assert sealing.seal() == 1
    assert SealState.objects.get().floor_id == fast
    late, early = AuditLeaf.objects.order_by("seq").values_list("event_id", flat=True)
    assert early < late == fast


def test_the_floor_rises_under_writers_that_never_all_pause():
    """Each writer overlaps the next, so the table is never free of writers; the floor rises all the same."""
    stop = [threading.Event() for _ in range(4)]
    began = [threading.Event() for _ in range(4)]

    def writer(number):
        with transaction.atomic():
            put(1)
            began[number].set()
            assert stop[number].wait(60)

    threads, floors = [], []
    for number in range(4):
        threads.append(in_thread(lambda number=number: writer(number)))
        assert began[number].wait(60)
        if number:
            stop[number - 1].set()
            threads[number - 1].join()
        sealing.seal()
        floors.append(SealState.objects.get().floor_id)
    stop[3].set()
    threads[3].join()
    assert floors[3] > floors[0]
    sealing.seal()
    assert SealState.objects.get().floor_id == AuditEvent.objects.latest("id").id


def test_a_second_sealer_goes_away():
    put(1)
    with transaction.atomic(), connection.cursor() as cursor:
        assert sealing.take_lock(cursor)
        answers = []
        in_thread(lambda: answers.append(sealing.seal_batch())).join()
    assert answers == [None]


def test_a_rolled_back_writer_leaves_no_gap():
    put(1)
    with transaction.atomic():
        put(1)
        transaction.set_rollback(True)
    put(1)
    sealing.seal()
    assert [leaf.seq for leaf in AuditLeaf.objects.order_by("seq")] == [0, 1]
    assert SealState.objects.get().floor_id == AuditEvent.objects.latest("id").id


def test_thirty_two_writers_and_a_sealer_miss_nothing():
    """Writers of single events and of bulk COPY, some rolling back, while the sealer runs all the time."""
    finished = threading.Event()
    written: list[int] = []
    errors: list[BaseException] = []
    lock = threading.Lock()

    def writer(number: int) -> None:
        try:
            for turn in range(6):
                keep = (number + turn) % 5 != 0
                try:
                    with transaction.atomic():
                        put(2)
                        record_many(
                            [Entry("demo.bulk", Target("demo", str(i), store_id=number)) for i in range(5)],
                            actor=system(),
                        )
                        if not keep:
                            raise KeyError
                except KeyError:
                    continue
                with lock:
                    written.append(7)
        except BaseException as error:
            errors.append(error)

    def keep_sealing() -> None:
        while not finished.is_set():
            sealing.seal()

    sealer = in_thread(keep_sealing)
    writers = [in_thread(lambda n=n: writer(n)) for n in range(32)]
    for thread in writers:
        thread.join()
    finished.set()
    sealer.join()
    sealing.seal()
    assert errors == []
    assert AuditEvent.objects.count() == sum(written) == AuditLeaf.objects.count()
    assert list(AuditLeaf.objects.order_by("seq").values_list("seq", flat=True)) == list(range(sum(written)))
    assert AuditEvent.objects.exclude(id__in=AuditLeaf.objects.values("event_id")).count() == 0
    hashes = [bytes(leaf.leaf_hash) for leaf in AuditLeaf.objects.order_by("seq")]
    assert tree.root(len(hashes)) == mth(hashes)
