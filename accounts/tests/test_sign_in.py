"""Signing in, tries that are too many, sessions that end, passwords by mail."""

from __future__ import annotations

import re
import threading
from datetime import timedelta

import pytest
from django.contrib.auth import hashers
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts import limits, members, people, sessions, tokens
from accounts.models import RateCounter, User
from audit.actors import system
from audit.models import AuditEvent
from core import clock, outbox
from core.errors import InvalidInput, PermissionRefused
from core.models import OutboxMessage
from tests.factories import actor_for, make_member, make_staff, make_store, make_user, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("accounts.tests.urls")]
PASSWORD = "correct horse battery staple"
LIMIT = 5
NUMBERED = re.compile(r'"(?:_django_curs_|s)[\w]+"')


@pytest.fixture
def user():
    return make_user("owner@shop.test", password=PASSWORD)


@pytest.fixture
def hashed_tries(monkeypatch):
    """Counts the passwords that reach the hasher, right or wrong, known account or not."""
    seen: list[str] = []

    def counted(real):
        def call(self, raw):
            seen.append(raw)
            return real(self, raw)

        return call

    monkeypatch.setattr(User, "check_password", counted(User.check_password))
    monkeypatch.setattr(User, "set_password", counted(User.set_password))
    return seen


def sign_in(client, email="owner@shop.test", password=PASSWORD, address="10.0.0.1", **extra):
    return client.post("/account/login/", {"login": email, "password": password}, REMOTE_ADDR=address, **extra)


def test_e_mail_and_password_in_any_letter_case(client, user):
    response = sign_in(client, "OWNER@shop.test")
    assert (response.status_code, response["Location"]) == (302, "/")
    assert client.get("/person/").content == b"person"
    event = AuditEvent.objects.get(action="user.sign_in")
    assert event.actor_id == user.pk
    assert "10.0.0.1" not in str(event.commitments)


def test_the_way_back_stays_in_the_house(client, user):
    home = client.post("/account/login/?next=/person/", {"login": user.email, "password": PASSWORD})
    assert home["Location"] == "/person/"
    client.logout()
    for evil in ("https://evil.test/", "//evil.test/", "javascript:alert(1)", "/\\evil.test"):
        away = client.post("/account/login/", {"login": user.email, "password": PASSWORD, "next": evil})
        assert away["Location"] == "/"
        client.logout()


def test_unknown_and_wrong_look_the_same(client, user):
    wrong, unknown = sign_in(client, password="wrong"), sign_in(client, "nobody@shop.test", "wrong")
    assert wrong.status_code == unknown.status_code == 200

    def strip(page: HttpResponse) -> str:
        return re.sub(r'(name="csrfmiddlewaretoken" value|value|content)="[^"]*"', "", page.content.decode())

    assert strip(wrong) == strip(unknown)


def test_nobody_makes_an_account_here(client):
    for path in ("/account/signup/", "/account/email/", "/account/confirm-email/"):
        assert client.get(path).status_code == 404


def test_past_the_limit_nothing_reaches_the_hasher(client, user, hashed_tries):
    for _round in range(LIMIT):
        assert sign_in(client, password="wrong").status_code == 200
    before = len(hashed_tries)
    refused = sign_in(client)
    assert refused.status_code == 429
    assert 1 <= int(refused["Retry-After"]) <= 300
    assert len(hashed_tries) == before == LIMIT
    assert client.get("/person/").status_code == 302


def test_the_limit_ends_with_its_window(client, user):
    with clock.freeze(clock.now()) as time:
        for _round in range(LIMIT + 1):
            sign_in(client, password="wrong")
        wait = int(sign_in(client)["Retry-After"])
        time.tick(wait)
        assert sign_in(client).status_code == 302


def test_failed_tries_are_logged_without_naming_the_account(client, user, caplog):
    for _round in range(LIMIT + 1):
        sign_in(client, password="wrong guess")
    lines = [record.getMessage() for record in caplog.records if record.name == "accounts.security"]
    assert [line.partition(":")[0] for line in lines] == ["sign-in failed"] * LIMIT + ["sign-in held back"]
    assert all("10.0.0.1" in line for line in lines)
    assert not [line for line in lines if "owner@" in line or "guess" in line]


def test_others_sign_in_while_one_account_is_attacked_from_the_same_address(client, user):
    make_user("colleague@shop.test", password=PASSWORD)
    for _round in range(40):
        sign_in(Client(), password="wrong")
    assert sign_in(client, "colleague@shop.test").status_code == 302


def test_the_owners_known_device_is_not_locked_out(client, user):
    assert sign_in(client).status_code == 302
    client.post("/account/logout/")
    for number in range(60):
        sign_in(Client(), password="wrong", address=f"10.9.{number}.1")
        sign_in(Client(), password="wrong")
    assert sign_in(Client(), address="10.77.0.1").status_code == 429
    assert sign_in(client).status_code == 302


def test_a_forged_or_foreign_device_is_unknown(client, user):
    make_user("thief@shop.test", password=PASSWORD)
    thief = Client()
    sign_in(thief, "thief@shop.test", address="10.6.6.6")
    thief.post("/account/logout/")
    for _round in range(LIMIT):
        sign_in(thief, password="wrong", address="10.6.6.6")
    assert sign_in(thief, address="10.6.6.6").status_code == 429
    thief.cookies[limits.device_cookie()] = "abc:def"
    assert sign_in(thief, address="10.6.6.6").status_code == 429


def test_one_address_cannot_try_many_accounts(client):
    tried = 0
    with clock.freeze(clock.now()) as time:
        for number in range(80):
            time.tick(10)
            tried += sign_in(Client(), f"person{number}@stuffing.test", "Spring2026!!").status_code == 200
    assert tried == 50


def test_honest_sign_ins_use_nothing_up(client, user):
    for _round in range(3 * LIMIT):
        assert sign_in(Client()).status_code == 302
    assert not RateCounter.objects.filter(taken__gt=0).exists()


def test_the_counters_name_no_account(client, user):
    sign_in(client, password="wrong")
    assert RateCounter.objects.exists()
    assert not RateCounter.objects.filter(key__contains="shop").exists()
    limits.tidy(clock.now() + timedelta(days=1))
    assert not RateCounter.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_of_parallel_tries_exactly_the_limit_passes(user, hashed_tries):
    gate, answers = threading.Barrier(20), list[int]()

    def storm():
        try:
            gate.wait(20)
            answers.extend(sign_in(Client(), password="wrong").status_code for _round in range(25))
        finally:
            connection.close()

    threads = [threading.Thread(target=storm) for _thread in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 500
    assert answers.count(200) == len(hashed_tries) == LIMIT
    assert answers.count(429) == 495
    assert sign_in(Client(), address="10.0.0.2").status_code == 302


# -- sessions ----------------------------------------------------------------------------------------------------------------


def test_a_cookie_with_a_nul_is_no_session_and_no_fault(client, settings):
    client.cookies[settings.SESSION_COOKIE_NAME] = "\0aaaaaaaaaaaa"
    assert client.get("/person/").status_code == 302


def test_signing_in_changes_the_session_and_hardens_its_cookie(client, user, settings):
    client.get("/account/login/")
    session = client.session
    session["before"] = 1
    session.save()
    client.cookies[settings.SESSION_COOKIE_NAME] = before = session.session_key
    sign_in(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie.value != before
    assert cookie["httponly"]
    assert cookie["samesite"] == "Lax"
    assert client.cookies[limits.device_cookie()]["httponly"]


@pytest.mark.parametrize(("step", "rounds", "in_the_end"), [(7200, 1, 302), (3600, 11, 200), (3600, 12, 302)])
def test_a_session_ends_idle_or_old(client, user, step, rounds, in_the_end):
    with clock.freeze(clock.now()) as time:
        sign_in(client)
        for _round in range(rounds):
            time.tick(step)
            answer = client.get("/person/")
        assert answer.status_code == in_the_end
        assert client.get("/person/").status_code == in_the_end


def test_a_session_that_ran_out_is_not_recorded_as_a_sign_out(client, user):
    with clock.freeze(clock.now()) as time:
        sign_in(client)
        time.tick(7200)
        client.get("/person/")
    assert not AuditEvent.objects.filter(action="user.sign_out").exists()
    assert AuditEvent.objects.get(action="user.session_end").object_id == str(user.pk)
    sign_in(client)
    client.post("/account/logout/")
    assert AuditEvent.objects.filter(action="user.sign_out").count() == 1


def test_a_new_password_ends_every_other_session(client, user):
    other = Client()
    sign_in(client)
    sign_in(other)
    changed = client.post(
        "/account/password/change/",
        {"oldpassword": PASSWORD, "password1": "another long pass phrase", "password2": "another long pass phrase"},
    )
    assert changed.status_code == 302
    assert client.get("/person/").status_code == 200
    assert other.get("/person/").status_code == 302
    assert AuditEvent.objects.filter(action="user.password_change", actor_id=user.pk).exists()


def test_sign_out_everywhere_else(client, user):
    other = Client()
    sign_in(client)
    sign_in(other)
    assert client.get("/account/sign-out-everywhere/").status_code == 405
    assert client.post("/account/sign-out-everywhere/").status_code == 302
    assert client.get("/person/").status_code == 200
    assert other.get("/person/").status_code == 302
    sessions.end_all(user, actor=system("test"))
    assert client.get("/person/").status_code == 302


def test_wrong_old_passwords_are_counted(client, user, hashed_tries):
    client.force_login(user)
    form = {"oldpassword": "wrong", "password1": "another long pass phrase", "password2": "another long pass phrase"}
    answers = [client.post("/account/password/change/", form).status_code for _round in range(LIMIT + 2)]
    assert answers == [200] * LIMIT + [429] * 2
    assert len(hashed_tries) == LIMIT


@pytest.mark.parametrize(
    "weak",
    ["short", "password1234", "owner@shop.test", "123456789012", "Password2026!!", "qwertyuiopas", "aaaaaabbbbbb"],
)
def test_weak_passwords_are_refused(client, user, weak):
    client.force_login(user)
    form = {"oldpassword": PASSWORD, "password1": weak, "password2": weak}
    assert client.post("/account/password/change/", form).status_code == 200
    user.refresh_from_db()
    assert user.check_password(PASSWORD)


# -- passwords by mail -------------------------------------------------------------------------------------------------------


def link_in(letter) -> str:
    found = re.search(r"http://[^/]+(/account/password/reset/key/\S+)", letter.body)
    assert found
    return found[1]


def test_a_password_by_mail_once(client, user):
    asked = client.post("/account/password/reset/", {"email": "OWNER@shop.test"})
    unknown = client.post("/account/password/reset/", {"email": "nobody@shop.test"})
    assert asked.status_code == unknown.status_code == 302
    assert asked["Location"] == unknown["Location"]
    outbox.deliver_due()
    (letter,) = mail.outbox
    assert letter.to == [user.email]
    path = link_in(letter)
    form_at = client.get(path)["Location"]
    assert client.get(form_at).status_code == 200
    new = {"password1": "another long pass phrase", "password2": "another long pass phrase"}
    assert client.post(form_at, new).status_code == 302
    user.refresh_from_db()
    assert user.check_password("another long pass phrase")
    again = Client().get(path)
    assert again.status_code == 200
    assert 'name="password1"' not in again.content.decode()


def test_mails_are_counted(client, user):
    answers = [client.post("/account/password/reset/", {"email": user.email}).status_code for _round in range(7)]
    assert answers == [302] * 5 + [429] * 2


def test_asking_for_a_mail_costs_the_same_for_an_unknown_address(client, user):
    """Neither the page nor the time it takes says whether somebody is known."""

    def work(email):
        with CaptureQueriesContext(connection) as done:
            Client().post("/account/password/reset/", {"email": email})
        return [NUMBERED.sub("", query["sql"])[:60] for query in done]

    work("first@shop.test")  # what is read once a process
    assert work(user.email) == work("nobody@shop.test")
    assert outbox.deliver_due() == 3
    assert [letter.to for letter in mail.outbox] == [[user.email]]


def test_mails_to_one_account_are_counted_wherever_they_are_asked_for(client, user):
    def ask(client, number):
        return client.post(
            "/account/password/reset/", {"email": user.email}, REMOTE_ADDR=f"10.1.{number}.1"
        ).status_code

    assert [ask(Client(), number) for number in range(7)] == [302] * 5 + [429] * 2
    assert OutboxMessage.objects.filter(topic="accounts.password_mail").count() == 5
    sign_in(client)
    client.post("/account/logout/")
    assert ask(client, 99) == 302, "the owner's own device is not locked out by others"


def test_an_invited_person_sets_a_first_password(client):
    store = make_store(name="Pinecone")
    manager = make_member(store, rights=["staff.manage"])
    members.add_member(store, "new@shop.test", name="Newcomer", actor=actor_for(manager))
    outbox.deliver_due()
    (letter,) = mail.outbox
    assert "Pinecone" in letter.subject
    form_at = client.get(link_in(letter))["Location"]
    new = {"password1": "another long pass phrase", "password2": "another long pass phrase"}
    client.post(form_at, new)
    assert sign_in(client, "new@shop.test", "another long pass phrase").status_code == 302


def test_an_invitation_speaks_the_language_of_the_page_it_was_sent_from(client):
    store = make_store("pinecone", name_zh="松果")
    with translation.override("zh-hans"):
        members.add_member(store, "new@shop.test", actor=actor_for(owner_of(store)))
    outbox.deliver_due()
    (letter,) = mail.outbox
    assert "松果" in letter.subject
    assert "设置" in letter.body


# -- the first admin ---------------------------------------------------------------------------------------------------------


def test_create_admin_prints_a_strong_password_alone(client, capsys):
    call_command("create_admin", email="Admin@shop.test", name="Admin")
    password = capsys.readouterr().out.strip()
    assert len(password) == 24
    user = User.objects.get(email="admin@shop.test")
    assert user.is_platform_staff
    assert sign_in(client, "admin@shop.test", password).status_code == 302
    call_command("create_admin", email="admin@shop.test")
    assert capsys.readouterr().out == ""
    call_command("create_admin", email="admin@shop.test", new_password=True)
    assert capsys.readouterr().out.strip() not in ("", password)
    assert password not in str(list(AuditEvent.objects.values_list()))
    with pytest.raises(CommandError, match="e-mail"):
        call_command("create_admin", email="admin")


def test_the_role_of_platform_staff_ends_with_its_sessions_and_tokens(client):
    staff = make_staff(email="admin@shop.test", password=PASSWORD)
    store = make_store()
    make_member(store, staff)
    (_row, for_staff), (_other, for_store) = (
        tokens.issue_staff(staff, actor=system("test")), tokens.issue(store, staff, actor=system("test")),
    )  # fmt: skip
    sign_in(client, staff.email)
    assert client.get("/platform/").status_code == 200
    call_command("end_admin", email="Admin@shop.test")
    assert client.get("/platform/").status_code == 302, "signed out"
    sign_in(client, staff.email)
    assert client.get("/platform/").status_code == 403
    with pytest.raises(tokens.TokenRefused):
        tokens.authenticate(for_staff)
    assert tokens.authenticate(for_store).store == store
    people.make_staff(staff.email, actor=system("test"))
    with pytest.raises(tokens.TokenRefused):
        tokens.authenticate(for_staff)
    event = AuditEvent.objects.get(action="user.end_staff")
    assert (event.object_id, event.after["tokens_revoked"]) == (str(staff.pk), 1)
    with pytest.raises(CommandError):
        call_command("end_admin", email="nobody@shop.test")
    with pytest.raises(PermissionRefused):
        people.end_staff(staff.email, actor=actor_for(make_user()))


def test_a_weak_password_makes_no_admin():
    with pytest.raises(InvalidInput):
        people.make_staff("admin@shop.test", password="admin1234567", actor=system("test"))
    assert not User.objects.filter(is_platform_staff=True).exists()
    assert people.make_staff("admin@shop.test", actor=actor_for(make_staff())).is_platform_staff


def test_the_shipped_hasher_is_slow_and_salted():
    from backoffice import settings as shipped

    assert shipped.PASSWORD_HASHERS[0].endswith("ScryptPasswordHasher")
    assert hashers.ScryptPasswordHasher().work_factor >= 2**14
