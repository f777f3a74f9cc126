"""Sending coupons: at most once each, never a coupon that stopped, no address that outlives its sending (R78, R81)."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core import mail
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import reverse

from accounts.models import Store
from audit.models import AuditEvent
from core import clock, sealed
from core.errors import Conflict, InvalidInput, NotFound
from core.scopes import in_store
from coupons import gateways, lifecycle, sending, sending_list, sending_text, sending_work
from coupons.models import Claim, Coupon, CouponTally, Recipient, Sending, SmsGateway
from coupons.sending import Plan
from coupons.sending_text import Text
from coupons.tests.gateway import Gateway, gateway
from inbox.models import Message
from policies.rules import SendingRules
from tests import factories as make
from tests.test_floors import ROOT

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
#: A sender in a process of its own, on the database of the test.
WORKER = """
import json, os, sys
os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
from django.conf import settings
settings.DATABASES["default"].update(json.loads(sys.argv[1]))
settings.ALLOW_PRIVATE_TARGETS = True
import django
django.setup()
from coupons import sending_work
sending_work.turn()
"""
PEOPLE = {"anna": "+8613800000001", "ben": "+8613800000002", "carl": "+8613800000003"}


@pytest.fixture
def store(db: None) -> Iterator[Store]:
    found = make.make_store()
    with clock.freeze(NOON), in_store(found.pk):
        yield found


@pytest.fixture
def door(settings: Any) -> Iterator[Gateway]:
    settings.ALLOW_PRIVATE_TARGETS = True
    with gateway() as found:
        yield found


def owner(store: Store) -> Any:
    return make.actor_for(make.owner_of(store))


def connected(store: Store, door: Gateway) -> None:
    gateways.connect(store, url=door.url, header="X-Api-Key", secret="s3cret-of-ours", actor=owner(store))


def held(store: Store, *buyers: str, **extra: Any) -> Coupon:
    """A coupon that these buyers hold."""
    coupon = make.make_coupon(store, **extra)
    rows = [Claim(store=store, coupon=coupon, code=f"K-{make.serial()}", buyer=one, claimed_at=NOON) for one in buyers]
    Claim.objects.bulk_create(rows)
    CouponTally.objects.filter(coupon=coupon).update(claimed=len(rows))
    return coupon


def send(store: Store, made: Sending, most: int = 60) -> dict[str, int]:
    """Start it and let the sender work, a second between two steps; the counts by state."""
    sending.start(store, made.coupon.code, made.pk, actor=owner(store))
    return work(made, most)


def work(made: Sending, most: int = 60) -> dict[str, int]:
    for second in range(most):
        with clock.freeze(clock.now() + timedelta(seconds=second)):
            sending_work.step()
        if Sending.objects.get(pk=made.pk).state != "sending":
            break
    counts = sending.counts_of([made.pk])[made.pk]
    return {state: n for state, n in counts.items() if n}


def test_each_holder_gets_one_sms_with_the_header_and_an_id_of_its_own(store: Store, door: Gateway):
    connected(store, door)
    coupon = held(store, "anna", "ben", face_value="5.00")
    text = "Save {value} from {minimum}: {code}"
    made = make.make_sending(coupon, PEOPLE | {"dora": "+86 138-0000-0001", "emil": "12"}, channel="sms", text_en=text)
    assert send(store, made) == {"sent": 2, "skipped": 3}
    assert door.numbers == ["+8613800000001", "+8613800000002"]
    assert door.told[0]["text"] == f"Save $5.00 from $10.00: {coupon.code}"
    assert [head["X-Api-Key"] for head in door.headers] == ["s3cret-of-ours"] * 2
    assert [head["Idempotency-Key"] for head in door.headers] == [one["id"] for one in door.told]
    assert len({one["id"] for one in door.told}) == 2
    codes = dict(Recipient.objects.filter(sending=made, state="skipped").values_list("buyer", "code"))
    assert codes == {"carl": "ERR_COUPON_NOT_CLAIMED", "dora": "ERR_SENDING_TWICE", "emil": "ERR_SENDING_ADDRESS"}
    # A second sending by the same way takes the coupon to nobody twice.
    again = make.make_sending(coupon, {"anna": "+8613800000009"}, channel="sms")
    assert send(store, again) == {"skipped": 1}
    assert len(door.told) == 2


def test_recipients_of_the_segment_get_the_coupon_first_within_the_quota(store: Store, mailoutbox: list[Any]):
    rules = {"rules": [{"kind": "named", "buyers": ["anna", "ben", "carl"]}]}
    coupon = make.make_coupon(store, quota=2, segment=rules)
    people = {name: f"{name}@example.com" for name in ("zoe", "anna", "ben", "carl")}
    assert send(store, make.make_sending(coupon, people, issue=True)) == {"sent": 2, "skipped": 2}
    assert [one.to for one in mailoutbox] == [["anna@example.com"], ["ben@example.com"]]
    assert CouponTally.objects.get(coupon=coupon).claimed == 2
    codes = dict(Recipient.objects.filter(state="skipped").values_list("buyer", "code"))
    assert codes == {"zoe": "ERR_COUPON_SEGMENT", "carl": "ERR_COUPON_EXHAUSTED"}


def test_nothing_leaves_once_the_coupon_stops(store: Store, door: Gateway):
    connected(store, door)
    for act, state in ((lifecycle.pause, "paused"), (lifecycle.void, "stopped")):
        coupon = held(store, "anna", "ben", "carl")
        made = make.make_sending(coupon, PEOPLE, channel="sms")
        sending.start(store, coupon.code, made.pk, actor=owner(store))
        before = len(door.told)
        assert sending_work.step()
        extra = {"confirm_code": coupon.code} if act is lifecycle.void else {}
        act(store, coupon.code, actor=owner(store), **extra)
        work(made)
        assert len(door.told) == before + 1
        made.refresh_from_db()
        assert (made.state, made.why) == (state, "ERR_COUPON_STATE")
        assert Message.objects.filter(store=store, code="ERR_SENDING_HALTED", params__number=made.pk).count() == 1
        with pytest.raises(Conflict):
            sending.start(store, coupon.code, made.pk, actor=owner(store))
    assert not Recipient.objects.filter(sending=made).exclude(address=b"").exists()
    # By the clock, too: at its end the coupon is over, whether the sweep has come or not.
    coupon = held(store, "anna", "ben", ends_at=NOON + timedelta(minutes=1))
    made = make.make_sending(coupon, {"anna": PEOPLE["anna"]}, channel="sms")
    sending.start(store, coupon.code, made.pk, actor=owner(store))
    with clock.freeze(NOON + timedelta(minutes=1)):
        assert sending_work.step()
    made.refresh_from_db()
    assert (made.state, made.why) == ("stopped", "ERR_COUPON_WINDOW")
    # A claim that was used meanwhile is left out.
    coupon = held(store, "anna")
    Claim.objects.filter(coupon=coupon).update(state="redeemed", redeemed_at=NOON, order_code="O-1", amount=2)
    assert send(store, make.make_sending(coupon, {"anna": "+8613800000004"}, channel="sms")) == {"skipped": 1}


def test_what_the_gateway_answers_decides_what_may_be_tried_again(store: Store, door: Gateway):
    connected(store, door)
    people = {f"b{n}": f"+861380000010{n}" for n in range(5)}
    coupon = held(store, *people)
    answers = {
        "+8613800000100": 200,
        "+8613800000101": 400,
        "+8613800000102": 500,
        "+8613800000103": 302,
        "+8613800000104": 503,
    }
    door.answer = lambda body: answers[body["to"]]
    made = make.make_sending(coupon, people, channel="sms")
    assert send(store, made) == {"sent": 1, "failed": 3, "unknown": 1}
    assert len(door.told) == 5, "a redirect was followed"
    made.refresh_from_db()
    assert made.state == "done"
    assert made.dropped_at is None
    assert Message.objects.get(store=store, code="ERR_SENDING_PART").params["failed"] == 3
    door.answer = None
    sending.retry(store, coupon.code, made.pk, actor=owner(store))
    assert work(made) == {"sent": 4, "unknown": 1}
    assert sorted(door.numbers[5:]) == ["+8613800000101", "+8613800000103", "+8613800000104"]
    assert len({one["id"] for one in door.told}) == 8, "another go is another message"
    made.refresh_from_db()
    assert made.dropped_at is not None
    with pytest.raises(Conflict) as refused:
        sending.retry(store, coupon.code, made.pk, actor=owner(store))
    assert refused.value.code == "ERR_SENDING_GONE"


def test_failures_in_a_row_and_a_missing_gateway_pause_it(store: Store, door: Gateway, monkeypatch: pytest.MonkeyPatch):
    connected(store, door)
    coupon = held(store, *PEOPLE)
    monkeypatch.setattr(
        sending_work.policies,
        "active",
        lambda model, _now: model(**({"failures_in_a_row": 2} if model is SendingRules else {})),
    )
    door.status = 403
    made = make.make_sending(coupon, PEOPLE, channel="sms")
    assert send(store, made) == {"failed": 2, "waiting": 1}
    made.refresh_from_db()
    assert (made.state, made.why) == ("paused", "ERR_SENDING_FAILING")
    door.status = 200
    sending.retry(store, coupon.code, made.pk, actor=owner(store))
    gateways.disconnect(store, actor=owner(store))
    work(made)
    made.refresh_from_db()
    assert (made.state, made.why, len(door.told)) == ("paused", "ERR_SENDING_GATEWAY", 2)
    with pytest.raises(Conflict):
        sending.start(store, coupon.code, made.pk, actor=owner(store))
    connected(store, door)
    assert send(store, made) == {"sent": 3}


def test_one_call_at_a_time_at_the_pace_of_the_policy(store: Store, door: Gateway):
    connected(store, door)
    coupon = held(store, *PEOPLE)
    first = make.make_sending(coupon, {"anna": PEOPLE["anna"], "ben": PEOPLE["ben"]}, channel="sms")
    second = make.make_sending(coupon, {"carl": PEOPLE["carl"]}, channel="sms")
    for made in (first, second):
        sending.start(store, coupon.code, made.pk, actor=owner(store))
    assert sending_work.step()
    assert not sending_work.step(), "the pace is that of the store: the second sending waits, too"
    with clock.freeze(NOON + timedelta(seconds=1 / SendingRules().per_second)):
        assert sending_work.step()
    assert door.numbers == [PEOPLE["anna"], PEOPLE["ben"]]
    work(second)
    assert door.numbers == list(PEOPLE.values())


@pytest.mark.django_db(transaction=True)
def test_a_worker_killed_between_call_and_answer_sends_nothing_twice(settings: Any):
    settings.ALLOW_PRIVATE_TARGETS = True
    store = make.make_store()
    with gateway() as door, in_store(store.pk):
        connected(store, door)
        coupon = held(store, *PEOPLE)
        made = make.make_sending(coupon, PEOPLE, channel="sms")
        sending.start(store, coupon.code, made.pk, actor=owner(store))
        # The gateway has the second message and has not answered when the worker dies.
        killed: list[str] = []

        def answer(body: dict[str, Any]) -> int:
            if len(door.told) == 2 and not killed:
                killed.append(body["to"])
                worker.kill()
            return 200

        door.answer = answer
        where = {name: connection.settings_dict[name] for name in ("NAME", "HOST", "PORT", "USER", "PASSWORD")}
        worker = subprocess.Popen([sys.executable, "-c", WORKER, json.dumps(where)], cwd=ROOT)
        assert worker.wait(300) == -signal.SIGKILL
        assert killed
        states = dict(Recipient.objects.filter(sending=made).values_list("buyer", "state"))
        assert states == {"anna": "sent", "ben": "trying", "carl": "waiting"}
        sending_work.turn()
        assert len(door.told) == 2, "it waits until nobody can be calling any more"
        with clock.freeze(clock.read() + timedelta(seconds=SendingRules().lost_seconds + 1)):
            assert sending_work.step()
        with clock.freeze(clock.read() + timedelta(seconds=SendingRules().lost_seconds * 3)):
            sending_work.step()
        assert door.numbers == list(PEOPLE.values())
        found = Recipient.objects.get(sending=made, buyer="ben")
        assert (found.state, found.code) == ("unknown", "ERR_SENDING_UNKNOWN")
        with pytest.raises(Conflict):
            sending.retry(store, coupon.code, made.pk, actor=owner(store))


@pytest.mark.parametrize(
    "url",
    ["http://sms.example.com/", "https://127.0.0.1/send", "https://[::1]/", "https://169.254.169.254/latest", "https://10.0.0.1/",
     "https://user@sms.example.com/", "https://2130706433/", "file:///etc/passwd", "https://[::ffff:192.168.0.1]/", ""],
)  # fmt: skip
def test_addresses_inside_are_refused_when_they_are_entered_and_when_they_are_called(store: Store, url: str):
    with pytest.raises(InvalidInput) as refused:
        gateways.connect(store, url=url, header="X-Key", secret="secret", actor=owner(store))
    assert [error.field for error in refused.value.errors] == ["url"]
    # A name that leads inside only later is refused by the call itself.
    result = gateways.call(gateways.Door(url, "X-Key", "secret"), "+8613800000001", "hi", "id", gateways.limits(NOON))
    assert (result.state, result.code) == ("failed", "ERR_TARGET_REFUSED")


def test_the_secret_is_sealed_kept_and_never_sent_to_another_address(store: Store, door: Gateway, client: Any):
    for header, secret in (("Host", "x"), ("X-A: b\r\nX-B", "x"), ("X-A", "x\r\nEvil: 1"), ("X-A", "x ")):
        with pytest.raises(InvalidInput):
            gateways.connect(store, url=door.url, header=header, secret=secret, actor=owner(store))
    connected(store, door)
    kept = SmsGateway.objects.get(store=store)
    assert b"s3cret" not in bytes(kept.secret)
    assert gateways.door(kept).secret == "s3cret-of-ours"
    gateways.connect(store, url=door.url, header="X-Other", secret="", actor=owner(store))
    with pytest.raises(InvalidInput) as refused:
        gateways.connect(store, url=door.url + "s", header="X-Other", secret="", actor=owner(store))
    assert [error.field for error in refused.value.errors] == ["secret"]
    client.force_login(make.owner_of(store))
    place = {"store": store.slug}
    text = client.get(reverse("coupons:gateway", kwargs=place)).content.decode()
    assert door.url in text
    assert "s3cret" not in text
    answer = client.post(reverse("coupons:gateway_test", kwargs=place), {"to": "+86 138 0000 0001", "text": "hi"})
    assert answer.status_code == 302
    assert door.told[-1]["to"] == "+8613800000001"
    assert door.headers[-1]["X-Other"] == "s3cret-of-ours"
    assert client.post(reverse("coupons:gateway_test", kwargs=place), {"to": "me", "text": "hi"}).status_code == 422
    assert not AuditEvent.objects.filter(store_id=store.pk, after__contains="s3cret").exists()


def test_no_header_is_smuggled_into_a_letter(store: Store, mailoutbox: list[Any]):
    coupon = held(store, "anna", "ben", name="Gift\r\nBcc: all@example.com")
    Store.objects.filter(pk=store.pk).update(name='Shop\r\nBcc: evil@example.com, "x')
    people = {"anna": "anna@example.com\r\nBcc: evil@example.com", "ben": "ben@example.com"}
    made = make.make_sending(coupon, people, subject_en="For you: {coupon}", text_en="{code}")
    assert send(store, made) == {"sent": 1, "skipped": 1}
    (letter,) = mailoutbox
    head = letter.message()
    assert head["Subject"] == "For you: Gift Bcc: all@example.com"
    assert letter.recipients() == ["ben@example.com"]
    assert (head["Bcc"], head["Cc"], head["To"]) == (None, None, "ben@example.com")
    assert head["Message-ID"].startswith(f"<send-{made.pk}-")
    plan = Plan(
        "email", Text(subject_en="a\nBcc: b@example.com", text_en="x"), [("anna", "a@example.com")], consent=True
    )
    with pytest.raises(InvalidInput):
        sending.prepare(store, coupon.code, plan, actor=owner(store))


def test_addresses_are_sealed_masked_and_dropped(store: Store, client: Any, settings: Any):
    settings.EMAIL_BACKEND = "django.core.mail.backends.dummy.EmailBackend"
    coupon = held(store, "anna")
    made = make.make_sending(coupon, {"anna": "anna@example.com"})
    row = Recipient.objects.get(sending=made)
    assert b"anna" not in bytes(row.address)
    with pytest.raises(sealed.SealBrokenError):
        sealed.unseal("coupons.sending.0", row.address)
    client.force_login(make.owner_of(store))
    page = reverse("coupons:sending", kwargs={"store": store.slug, "code": coupon.code, "number": made.pk})
    text = client.get(page).content.decode()
    assert "a•••@example.com" in text
    assert "anna@example.com" not in text
    assert send(store, made) == {"sent": 1}
    assert not Recipient.objects.exclude(address=b"").exists()
    assert "•••" not in client.get(page).content.decode()
    # A draft that nobody starts, and failures that nobody tries again, lose theirs with time.
    draft = make.make_sending(held(store, "ben"), {"ben": "ben@example.com"})
    assert sending_work.forget_addresses() == 0
    with clock.freeze(NOON + timedelta(hours=SendingRules().kept_hours, seconds=1)):
        assert sending_work.forget_addresses() == 1
    draft.refresh_from_db()
    assert (draft.state, draft.why) == ("stopped", "ERR_SENDING_LEFT")
    assert not Recipient.objects.exclude(address=b"").exists()
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT coalesce(string_agg(e::text, ' '), '') FROM audit_auditevent e WHERE store_id = %s", [store.pk]
        )
        assert "@example.com" not in cursor.fetchone()[0].replace(make.owner_of(store).email, "")


def test_the_page_prepares_from_a_file_and_sends(store: Store, client: Any, mailoutbox: list[Any]):
    client.force_login(make.owner_of(store))
    coupon = held(store, "买家一", "ben")
    places = {"store": store.slug, "code": coupon.code}
    url = reverse("coupons:sending_new", kwargs=places)
    assert client.get(url).status_code == 200
    given = {"channel": "email", "subject_zh": "{value}券", "text_zh": "券码{code}", "consent": "on"}
    file = SimpleUploadedFile("a.csv", "买家,邮箱\n买家一,one@example.com\nben,ben@example.com\n".encode("gb18030"))
    for broken in ({"consent": ""}, {"text_zh": "{oops}"}, {"subject_zh": ""}, {"text_zh": ""}):
        assert client.post(url, given | broken | {"pasted": "ben,b@example.com"}).status_code == 422
    assert client.post(url, given).status_code == 422, "no list"
    assert client.post(url, given | {"pasted": "ben"}).status_code == 422
    assert not Sending.objects.exists()
    answer = client.post(url, given | {"recipients": file})
    made = Sending.objects.get()
    assert answer.url == reverse("coupons:sending", kwargs={**places, "number": made.pk})
    text = client.get(answer.url).content.decode()
    assert f"券码{coupon.code}" in text
    assert client.post(reverse("coupons:sending_start", kwargs={**places, "number": made.pk})).status_code == 302
    assert client.post(reverse("coupons:sending_start", kwargs={**places, "number": made.pk})).status_code == 409
    assert work(made) == {"sent": 2}
    assert [one.subject for one in mailoutbox] == ["US$2.00券"] * 2
    for page in ("sendings", "sending"):
        kwargs = places | ({"number": made.pk} if page == "sending" else {})
        assert client.get(reverse(f"coupons:{page}", kwargs=kwargs)).status_code == 200
    assert AuditEvent.objects.filter(store_id=store.pk, action="coupon.send_finish", after__sent=2).exists()


def test_a_sending_of_another_coupon_or_store_is_not_found(store: Store):
    made = make.make_sending(held(store, "anna"), {"anna": "anna@example.com"})
    other = make.make_coupon(store)
    strange = make.make_store()
    for place, coupon in ((store, other), (strange, made.coupon)):
        with in_store(place.pk), pytest.raises(NotFound):
            sending.start(place, coupon.code, made.pk, actor=owner(place))
    made.refresh_from_db()
    assert made.state == "draft"
    assert not mail.outbox


def test_parts_of_an_sms_are_counted_as_the_standard_does():
    parts = sending_text.count
    assert [parts("a" * n).parts for n in (160, 161, 306, 307)] == [1, 2, 2, 3]
    assert [parts("券" * n).parts for n in (70, 71, 134, 135)] == [1, 2, 2, 3]
    assert parts("€" * 80).units == 160
    assert parts("🎁").units == 2


def test_lists_are_read_as_people_send_them():
    rules = SendingRules(recipients=3)
    read = sending_list.read_file
    assert read(b"\xef\xbb\xbfaddress;buyer\na@b.example;anna\n\n", rules) == ([("anna", "a@b.example")], [])
    assert read(b"anna\t+86138\nben\t+86139", rules)[0] == [("anna", "+86138"), ("ben", "+86139")]
    for raw in (b"\x00\x01", b"\xff\xfe\xff", b'"open'):
        assert read(raw, rules)[1], raw
    pairs, _ = read(b"a,1@b.example\nb,2@b.example\nc,3@b.example\nd,4@b.example\n", rules)
    assert sending_list.entries(pairs, "email", rules)[1]
    assert [sending_list.masked(one) for one in ("anna@x.example", "+8613800001234", "138001")] == [
        "a•••@x.example", "+86•••1234", "•••01",
    ]  # fmt: skip
    assert [sending_list.clean(one, "sms") for one in ("0086 (138) 0000-0001", "'+12025550100", "abc", "12")] == [
        "+8613800000001", "+12025550100", "", "",
    ]  # fmt: skip
