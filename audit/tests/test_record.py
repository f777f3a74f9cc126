"""Writing events: what is kept, what is committed to, and that no input breaks it (R189, R193)."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.utils.translation import gettext_lazy

from audit.actors import Actor, ActorKind, system
from audit.models import AuditEvent, PersonalValue
from audit.record import Entry, Target, record, record_many
from core import clock
from core.middleware import request_id

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 11, 27, 8, 0, 0, 123456, tzinfo=UTC)
PERSON = Actor(ActorKind.USER, 17, "操作员A", token_id=3, ip="203.0.113.9")
ENTRY = Entry(
    "campaign.pause",
    Target("campaign", "C-7F3KQ", "End-of-Season Clear-Out", 7, "Pinecone"),
    before={"state": "running"},
    after={"state": "paused", "price": Decimal("9.90"), "at": WHEN, "word": gettext_lazy("Save")},
    reason="不再需要",
    right="campaigns.pause",
)


def test_one_event_keeps_everything():
    token = request_id.set("req-12345678")
    try:
        event = record(ENTRY, actor=PERSON, now=WHEN)
    finally:
        request_id.reset(token)
    event.refresh_from_db()
    assert (event.at, event.store_id, event.store_label) == (WHEN, 7, "Pinecone")
    assert (event.actor_kind, event.actor_id, event.actor_label, event.token_id) == ("user", 17, "操作员A", 3)
    assert (event.action, event.object_type, event.object_id) == ("campaign.pause", "campaign", "C-7F3KQ")
    assert event.after == {
        "state": "paused",
        "price": "9.90",
        "at": "2026-11-27T08:00:00.123456+00:00",
        "word": "Save",
    }
    assert (event.reason, event.right, event.result, event.request_id) == (
        "不再需要",
        "campaigns.pause",
        "done",
        "req-12345678",
    )


def test_many_events_are_the_same_as_one_by_one(django_assert_num_queries):
    entries = [
        ENTRY,
        Entry("campaign.resume", Target("campaign", "tab\there\\N", store_id=7), after={"a": "line\nbreak \\N"}),
    ]
    with django_assert_num_queries(1):
        assert record_many(entries, actor=PERSON, now=WHEN) == 2
    singles = [record(entry, actor=PERSON, now=WHEN) for entry in entries]
    names = [field.name for field in AuditEvent._meta.fields if field.name not in ("id", "recorded_at", "commitments")]
    bulk = list(AuditEvent.objects.order_by("id")[:2])
    for one, other in zip(bulk, singles, strict=True):
        other.refresh_from_db()
        assert {name: getattr(one, name) for name in names} == {name: getattr(other, name) for name in names}
        assert one.commitments == {}
    assert record_many([], actor=PERSON) == 0


def test_ten_thousand_events_cost_one_statement(django_assert_num_queries):
    with django_assert_num_queries(1), clock.freeze(WHEN):
        record_many([ENTRY] * 10_000, actor=system("system:sweep"))
    assert AuditEvent.objects.filter(actor_label="system:sweep", actor_id=None).count() == 10_000


def test_personal_values_are_commitments_with_salts_of_their_own():
    first = record(ENTRY, actor=PERSON, now=WHEN, personal={"email": "a@b.test"})
    second = record(ENTRY, actor=PERSON, now=WHEN, personal={"email": "a@b.test"})
    assert set(first.commitments) == {"email", "ip"}
    assert first.commitments["email"] != second.commitments["email"]
    row = PersonalValue.objects.get(event_id=first.id, name="email")
    assert row.value == "a@b.test"
    assert first.commitments["email"] == hashlib.sha256(bytes(row.salt) + b"a@b.test").hexdigest()


def test_an_e_mail_never_becomes_a_label():
    actor = Actor(ActorKind.USER, 17, "owner@demo.test")
    event = record(ENTRY, actor=actor)
    assert event.actor_label == "user 17"
    assert PersonalValue.objects.get(event_id=event.id).value == "owner@demo.test"
    record_many([ENTRY], actor=actor)
    assert not AuditEvent.objects.filter(actor_label__contains="@").exists()


@pytest.mark.parametrize("bad", ["nul \x00 here", "half \ud800 pair", "\\u0000", "𝔘𝔫𝔦", "x" * 3000])
@pytest.mark.parametrize("many", [False, True])
def test_no_text_breaks_the_record(bad, many):
    target = Target("thing", bad, bad, 7, bad)
    entry = Entry("demo.act", target, before={bad: bad}, after={"big": 2**80, "list": [bad]}, reason=bad)
    if many:
        record_many([entry], actor=PERSON)
    else:
        record(entry, actor=Actor(ActorKind.USER, 1, bad, ip=bad), personal={"note": bad})
    event = AuditEvent.objects.get()
    assert event.after["big"] == 2**80
    assert len(event.reason) <= 500


def test_values_of_any_shape_are_kept():
    @dataclass
    class Point:
        x: int

    event = record(
        Entry("demo.act", Target("d", "1"), after={"p": Point(1), "s": (1, 2), "n": None, "f": 1.5}), actor=PERSON
    )
    assert event.after == {"p": {"x": 1}, "s": [1, 2], "n": None, "f": 1.5}
