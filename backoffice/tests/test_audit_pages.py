"""The audit pages: who may see them, what they show, the export and the proof."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.urls import reverse

from audit import checkpoints, proofs, sealing
from audit.actors import Actor, ActorKind
from audit.models import AuditEvent
from audit.record import Entry, Target, record
from core import clock
from policies.rules import AuditRules
from tests.factories import actor_for, make_member, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db
WHEN = datetime(2026, 11, 27, 8, tzinfo=UTC)


@pytest.fixture(autouse=True)
def own_places(settings, tmp_path):
    settings.AUDIT_KEY_FILE = tmp_path / "audit.pem"
    settings.AUDIT_CHECKPOINT_DIR = tmp_path


@pytest.fixture
def store():
    return make_store(name="Pinecone", time_zone="Asia/Shanghai")


def put(store, number=1, **more):
    actor = actor_for(owner_of(store))
    entries = []
    for i in range(number):
        target = Target("campaign", f"C-{i}", f"Campaign {i}", store.pk, store.name)
        given = {"before": {"state": "running"}, "after": {"state": "paused"}, "reason": "stock"} | more
        entries.append(record(Entry("campaign.pause", target, **given), actor=actor, now=WHEN + timedelta(minutes=i)))
    return entries


def page(store, name="list", **kwargs):
    return reverse(f"audit:{name}", kwargs={"store": store.slug, **kwargs})


def test_the_list_tells_the_story(client, store):
    put(store, 3)
    put(make_store(), 2)
    client.force_login(owner_of(store))
    answer = client.get(page(store))
    text = answer.content.decode()
    assert answer.status_code == 200
    assert text.count("<li>") >= 3
    assert "Pause (can resume)" in text
    assert "16:00:00 · 08:00:00 UTC" in text
    assert "2026-11-27" in text
    assert "<del>Running</del>" in text
    assert [len(entries) for _day, entries in answer.context["days"]] == [3]


def test_who_may_see_and_export(client, store):
    [event] = put(store)
    nobody, reader = make_member(store), make_member(store, rights=["audit.view"])
    stranger = make_user()
    sealing.seal()
    checkpoints.checkpoint()
    pages = [page(store), page(store, "entry", event_id=event.pk), page(store, "proof", event_id=event.pk)]
    for person, expected in ((nobody, 403), (stranger, 404), (reader, 200)):
        client.force_login(person)
        assert [client.get(url).status_code for url in pages] == [expected] * 3
    assert client.get(page(store, "export")).status_code == 403
    assert "Export CSV" not in client.get(page(store)).content.decode()
    for url in pages:
        assert client.post(url).status_code == 405


def test_another_stores_entry_is_not_found(client, store):
    [event] = put(make_store())
    client.force_login(owner_of(store))
    for name in ("entry", "proof"):
        assert client.get(page(store, name, event_id=event.pk)).status_code == 404
    assert client.get(page(store, "entry", event_id=2**70)).status_code == 404


@pytest.mark.parametrize(
    "query", ["since=yesterday", "cursor=rubbish", "actor=999", "action=no.such", "object=" + "x" * 300, "result=x"]
)
def test_a_filter_that_makes_no_sense_is_no_fault(client, store, query):
    put(store)
    client.force_login(owner_of(store))
    assert client.get(page(store) + "?" + query).status_code == 200


def test_filters_work_from_the_address(client, store):
    put(store, 3)
    client.force_login(owner_of(store))
    answer = client.get(page(store) + "?object=C-1&since=2026-11-27+16:01&until=2026-11-27+16:02")
    assert [line.entry.event.object_id for _d, lines in answer.context["days"] for line in lines] == ["C-1"]
    answer = client.get(page(store) + "?object=C-99")
    assert "Nothing matches these filters" in answer.content.decode()


@pytest.mark.parametrize(
    ("until", "seen"), [("2026-11-27", 1), ("2026-11-27+23:59", 1), ("2026-11-27+23:58", 0), ("2026-11-26", 0)]
)
def test_the_last_minute_of_a_day_belongs_to_it(client, store, until, seen):
    late = datetime(2026, 11, 27, 15, 59, 30, tzinfo=UTC)  # 23:59:30 in Beijing
    target = Target("campaign", "C-1", "Campaign", store.pk, store.name)
    record(Entry("campaign.pause", target), actor=actor_for(owner_of(store)), now=late)
    client.force_login(owner_of(store))
    assert len(client.get(page(store) + f"?until={until}").context["days"]) == seen


def test_rules_and_names_are_read_in_the_language_of_the_page(client, store):
    person = owner_of(store)
    person.name, person.name_zh = "Demo Owner", "店主（演示）"
    person.save(update_fields=["name", "name_zh"])
    target = Target("campaign", "C-1", "Campaign", store.pk, store.name)
    # As it is kept now, as it was kept before, and what nobody knows.
    for kept in ("closing@1", "Closing campaigns 1", "rules of another house"):
        record(Entry("campaign.end", target, after={"policy": kept}), actor=actor_for(person))
    rules = Target("policy", "closing", "Closing campaigns 1", store.pk, store.name)
    record(Entry("policy.publish", rules), actor=Actor(ActorKind.USER, person.pk, "The name before"))
    client.force_login(person)

    def told(language):
        days = client.get(page(store), headers={"accept-language": language}).context["days"]
        rows = [line.entry for _day, found in days for line in found]
        return [(row.actor_label, row.object_label, row.changes[0].after if row.changes else "") for row in rows]

    assert told("zh-hans") == [
        ("The name before", "活动关闭规则 1", ""),
        ("店主（演示）", "Campaign", "rules of another house"),
        ("店主（演示）", "Campaign", "活动关闭规则 1"),
        ("店主（演示）", "Campaign", "活动关闭规则 1"),
    ]
    assert told("en")[-1] == ("Demo Owner", "Campaign", "Closing campaigns 1")
    # The glossary gives the page's title a word of its own.
    for language, word, title in (("zh-hans", "操作日志", "审计日志"), ("en", "Audit log", "Audit log")):
        html = client.get(page(store), headers={"accept-language": language}).content.decode()
        assert (html.count(f">{word}</li>"), html.count(f">{title}</h1>")) == (1, 1)


def test_queries_do_not_grow_with_the_log(client, store, django_assert_max_num_queries):
    client.force_login(owner_of(store))
    put(store, 2)
    client.get(page(store))
    with django_assert_max_num_queries(10) as few:
        client.get(page(store))
    put(store, 60)
    with django_assert_max_num_queries(10) as many:
        answer = client.get(page(store))
    assert len(few) == len(many)
    assert answer.context["page"].next


def test_the_pages_follow_each_other(client, store):
    put(store, AuditRules().page_size + 5)
    client.force_login(owner_of(store))
    first = client.get(page(store))
    second = client.get(page(store) + f"?cursor={first.context['page'].next}")
    seen = [line.entry.id for answer in (first, second) for _d, lines in answer.context["days"] for line in lines]
    assert len(seen) == len(set(seen)) == AuditRules().page_size + 5


def test_one_entry_before_and_after_it_is_sealed(client, store):
    [event] = put(store)
    client.force_login(owner_of(store))
    url = page(store, "entry", event_id=event.pk)
    assert "not sealed and signed yet" in client.get(url).content.decode()
    assert client.get(page(store, "proof", event_id=event.pk)).status_code == 409
    sealing.seal()
    checkpoints.checkpoint()
    assert "Sealed and unchanged" in client.get(url).content.decode()
    answer = client.get(page(store, "proof", event_id=event.pk))
    assert json.loads(answer.content) == proofs.prove(event.pk).document()
    assert "attachment" in answer["Content-Disposition"]


def test_the_export_is_inert_whole_and_recorded(client, store):
    hostile = ["=1+1", " @SUM(A1)", "\t-2", "ok\n=cmd|' /C calc'!A0", "+441234", "\u00a0=x", "\uff1dx", "-5", "\x00=2"]
    for text in hostile:
        put(store, reason=text)
    put(make_store())
    client.force_login(owner_of(store))
    answer = client.get(page(store, "export") + "?object=C-0")
    assert answer.streaming
    text = b"".join(answer).decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert len(rows) == len(hostile)
    cells = {cell for row in rows for cell in row.values()}
    for cell in cells:
        for line in cell.splitlines():
            assert line.strip("\u00a0 \t")[:1] not in set("=@") or line.startswith("'"), cell
    assert "'=1+1" in cells
    assert "ok\n'=cmd|' /C calc'!A0" in cells
    assert "-5" in cells
    told = AuditEvent.objects.get(action="audit.export")
    assert told.after == {"filter": {"object": "C-0"}}
    assert told.actor_id == owner_of(store).pk


def test_the_export_holds_no_personal_values(client, store):
    person = make_user("someone@private.test")
    record(
        Entry("campaign.pause", Target("campaign", "C-1", store_id=store.pk)),
        actor=actor_for(person),
        personal={"email": "someone@private.test"},
    )
    client.force_login(owner_of(store))
    assert b"someone@private.test" not in b"".join(client.get(page(store, "export")))


def test_the_export_stops_at_its_limit(client, store, monkeypatch):
    put(store, 7)
    monkeypatch.setattr("backoffice.pages.audit.active", lambda model, now: AuditRules(export_rows=5, page_size_max=2))
    client.force_login(owner_of(store))
    rows = list(csv.reader(io.StringIO(b"".join(client.get(page(store, "export"))).decode("utf-8-sig"))))
    assert len(rows) == 6
    assert clock.now() is not None
