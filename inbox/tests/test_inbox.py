"""Messages: sent once, read once, shown with cause and fix in the reader's language (R139-R143)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _
from django_scopes.exceptions import ScopeError

from core import outbox
from core.errors import NotFound
from core.models import OutboxMessage
from core.scopes import in_store
from inbox import catalogue, reading
from inbox.catalogue import Code, Severity, declare, fill, lookup
from inbox.models import Message
from inbox.send import Note, send, send_many
from policies.rules import InboxRules
from tests.factories import actor_for, make_member, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 8, tzinfo=UTC)


@pytest.fixture
def store():
    return make_store()


@pytest.fixture
def code(monkeypatch):
    """A code of the test's own."""
    monkeypatch.setattr(catalogue, "_codes", dict(catalogue._codes))
    made = Code(
        "ERR_TEST_LEFTOVER", Severity.WARNING, _("Leftover on %(site)s"), cause=_("Seen %(times)s times"),
        fix=(_("Save"), _("Publish %(site)s again")), page="dashboard",
    )  # fmt: skip
    declare(made)
    return made


def url(store, name="list", **kwargs):
    return reverse(f"inbox:{name}", kwargs={"store": store.slug, **kwargs})


def put(store, number=1, code="ERR_OUTBOX_PARKED", **params):
    given = {"topic": "site.publish", "attempts": 10, "error": "Timeout"} | params
    send_many(store.pk, [Note(code, f"k{i}", given, "campaign", f"C-{i}") for i in range(number)], now=NOW)


# -- catalogue ---------------------------------------------------------------------------------------------------------------


def test_a_code_is_declared_once(code):
    declare(code)
    with pytest.raises(ValueError, match="twice"):
        declare(Code("ERR_TEST_LEFTOVER", Severity.ERROR, "Another"))
    for wrong in ("err_x", "ERR", "ERR-1", "ERR__X", "WARN_X", "ERR_X "):
        with pytest.raises(ValueError, match="no error code"):
            declare(Code(wrong, Severity.ERROR, "x"))


def test_the_two_codes_that_the_sources_name_are_there():
    image, certificate = lookup("ERR-207"), lookup("ERR-412")
    assert image is not None
    assert certificate is not None
    assert "v2.3" in image.source
    assert certificate.severity == Severity.ERROR
    with translation.override("zh-hans"):
        assert str(certificate.title) == "证书已过期"


@pytest.mark.parametrize(
    ("text", "params", "expected"),
    [
        ("%(a)s and %(b)s", {"a": 1}, "1 and …"),
        ("100 % sure", {"a": 1}, "100 % sure"),
        ("%(a)s is 5 %", {"a": 1}, "%(a)s is 5 %"),
        ("%(a)d", {"a": "x"}, "%(a)d"),
        ("plain", {}, "plain"),
    ],
)
def test_sentences_are_filled_whatever_comes(text, params, expected):
    assert fill(text, params) == expected


# -- sending -----------------------------------------------------------------------------------------------------------------


def test_a_thing_is_said_once(store, django_assert_num_queries):
    for times in (1, 2):
        with django_assert_num_queries(1):
            send(store.pk, "ERR-412", {"times": times}, "doc:1", "document", "1", now=NOW)
    with in_store(store.pk):
        message = Message.objects.get()
    assert (message.params, message.severity, message.object_type) == ({"times": 1}, "error", "document")


def test_the_same_key_in_two_stores_is_two_messages(store):
    other = make_store()
    for one in (store, other):
        send(one.pk, "ERR-412", {}, "doc:1", now=NOW)
        assert reading.unread_count(one, at_most=9) == 1


def test_a_message_goes_with_its_transaction(store):
    with transaction.atomic():
        send(store.pk, "ERR-412", {}, "doc:1", now=NOW)
        transaction.set_rollback(True)
    assert reading.unread_count(store, at_most=9) == 0


def test_reading_outside_a_store_raises(store):
    with pytest.raises(ScopeError):
        Message.objects.count()


def test_a_key_too_long_is_a_fault_of_the_code(store):
    with pytest.raises(ValueError, match="128"):
        send(store.pk, "ERR-412", {}, "k" * 129, now=NOW)


def test_an_effect_given_up_becomes_a_message(store, settings, monkeypatch):
    settings.OUTBOX_MAX_ATTEMPTS = 1
    monkeypatch.setattr(outbox, "_topics", dict(outbox._topics))

    @outbox.handles("test.fails")
    def fails(message):
        raise TimeoutError("no answer")

    outbox.put("test.fails", {}, store_id=store.pk)
    outbox.put("test.fails", {})
    assert outbox.deliver_due(topics=["test.fails"]) == 2
    assert OutboxMessage.objects.filter(parked_at__isnull=False).count() == 2
    with in_store(store.pk):
        [shown] = reading.present(store, Message.objects.all())
    assert shown.title == "Something could not be delivered: test.fails"
    assert "TimeoutError: no answer" in shown.cause


# -- the page ----------------------------------------------------------------------------------------------------------------


def test_a_message_leads_from_code_to_cause_to_fix(client, store, code):
    put(store, code="ERR_TEST_LEFTOVER", site="es", times=3)
    client.force_login(make_member(store))
    text = client.get(url(store)).content.decode()
    assert "Leftover on es" in text
    assert "Seen 3 times" in text
    assert "Publish es again" in text
    assert f'href="{reverse("dashboard", kwargs={"store": store.slug})}"' in text
    assert f"{url(store, 'codes')}#ERR_TEST_LEFTOVER" in text
    assert "support 09:00–24:00 (Beijing time)" in text


def test_an_unknown_code_is_shown_raw(client, store):
    put(store, code="ERR_FROM_THE_FUTURE", hint="<b>look</b>")
    client.force_login(owner_of(store))
    text = client.get(url(store)).content.decode()
    assert "ERR_FROM_THE_FUTURE" in text
    assert "&lt;b&gt;look&lt;/b&gt;" in text


def test_marking_as_read_keeps_the_first_reader(client, store):
    put(store, 3)
    first, second = owner_of(store), make_member(store)
    with in_store(store.pk):
        one = Message.objects.earliest("id")
    client.force_login(first)
    assert client.post(url(store, "read", message_id=one.pk)).status_code == 302
    client.force_login(second)
    client.post(url(store, "read", message_id=one.pk))
    assert client.get(url(store) + "?show=unread").content.decode().count('<li class="bo-guard"') == 2
    client.post(url(store, "read_all"), {"next": "//evil.test/"})
    one.refresh_from_db()
    with in_store(store.pk):
        assert [m.read_by for m in Message.objects.order_by("id")] == [
            actor_for(first).label,
            *[actor_for(second).label] * 2,
        ]
    assert reading.unread_count(store, at_most=9) == 0


@pytest.mark.parametrize("target", ["//evil.test/", "https://evil.test/", "javascript:x", "", "/s/x/\r\nX: y"])
def test_the_way_back_stays_here(client, store, target):
    put(store)
    client.force_login(owner_of(store))
    answer = client.post(url(store, "read_all"), {"next": target})
    assert answer["Location"].startswith("/s/")
    assert "\n" not in answer["Location"]


def test_strangers_and_other_stores(client, store):
    put(store)
    other = make_store()
    with in_store(store.pk):
        foreign = Message.objects.get().pk
    client.force_login(make_user())
    assert client.get(url(store)).status_code == 404
    client.force_login(owner_of(other))
    assert client.post(url(other, "read", message_id=foreign)).status_code == 404
    assert reading.unread_count(store, at_most=9) == 1
    with pytest.raises(NotFound):
        reading.mark_read(other, [foreign], actor=actor_for(owner_of(other)), now=NOW)


def test_only_a_form_changes_anything(client, store):
    put(store)
    client.force_login(owner_of(store))
    assert client.get(url(store, "read_all")).status_code == 405
    assert client.post(url(store)).status_code == 405


def test_queries_do_not_grow(client, store, django_assert_max_num_queries):
    client.force_login(owner_of(store))
    put(store, 2)
    client.get(url(store))
    with django_assert_max_num_queries(10) as few:
        client.get(url(store))
    put(store, InboxRules().page_size + 10)
    with django_assert_max_num_queries(10) as many:
        answer = client.get(url(store))
    assert len(few) == len(many)
    assert client.get(url(store) + f"?cursor={answer.context['page'].next}").status_code == 200
    assert client.get(url(store) + "?cursor=rubbish").status_code == 200


def test_the_error_code_table(client, store):
    client.force_login(make_member(store))
    text = client.get(url(store, "codes")).content.decode()
    assert 'id="ERR_VERSION_CONFLICT"' in text
    assert 'id="ERR-412"' in text
    found = client.get(url(store, "codes") + "?q=err-4").context["codes"]
    assert [row["code"] for row in found] == ["ERR-412"]
    assert "Nothing matches" in client.get(url(store, "codes") + "?q=zzz").content.decode()


def test_an_empty_inbox_is_good_news(client, store):
    client.force_login(owner_of(store))
    assert "No messages" in client.get(url(store)).content.decode()
    put(store)
    client.post(url(store, "read_all"))
    assert "Everything has been read" in client.get(url(store) + "?show=unread").content.decode()
