"""People switched off and on again: at once, by whom it may be, and with nothing left that still works."""

from __future__ import annotations

import threading

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client

from accounts import rights, switching, tokens
from accounts.models import ApiToken, Grant, User
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, DomainError, InvalidInput, NotFound, PermissionRefused
from core.scopes import in_store
from inbox.models import Message
from tests.factories import actor_for, make_member, make_staff, make_store, make_user, owner_of

PASSWORD = "correct horse battery staple"
pytestmark = pytest.mark.django_db


def test_off_ends_sessions_tokens_and_rights_and_on_brings_back_the_rights_only(client):
    store = make_store("pinecone")
    operator = make_member(store, rights=["campaigns.view", "api.manage"])
    _token, raw = tokens.issue(store, operator, actor=actor_for(operator))
    session = Client()
    session.force_login(operator)
    assert session.get("/s/pinecone/campaigns/").status_code == 200
    assert session.get("/api/v1/store", headers={"authorization": f"Bearer {raw}"}).status_code == 200
    client.force_login(owner_of(store))
    path = f"/s/pinecone/staff/{operator.pk}/switch/"

    assert client.post(path, {"reason": " ", "to": "off"}).status_code == 422
    assert User.objects.get(pk=operator.pk).is_active
    done = client.post(path, {"reason": "Phone stolen", "to": "off"}, follow=True).content.decode()
    assert "every session ended" in done
    assert session.get("/s/pinecone/campaigns/").status_code == 302, "out at the next request"
    refused = Client().get("/api/v1/store", headers={"authorization": f"Bearer {raw}"})
    assert (refused.status_code, refused.json()["code"]) == (401, "ERR_TOKEN")
    assert not rights.can(actor_for(operator), store, "campaigns.view", clock.now())
    event = AuditEvent.objects.get(action="member.switch_off")
    assert (event.store_id, event.reason, event.right) == (store.pk, "Phone stolen", "owner")
    assert (event.before, event.after) == ({"switched_on": True}, {"switched_on": False, "tokens_revoked": 1})

    assert client.post(path, {"reason": "Found again", "to": "on"}).status_code == 302
    assert rights.can(actor_for(operator), store, "campaigns.view", clock.now()), "the loan was kept"
    assert session.get("/s/pinecone/campaigns/").status_code == 302, "an old session does not come back"
    with pytest.raises(tokens.TokenRefused):
        tokens.authenticate(raw)
    assert AuditEvent.objects.get(action="member.switch_on").after == {"switched_on": True}
    client.post(path, {"reason": "Again", "to": "on"})
    off = make_user("off@shop.test", is_active=False)
    told = client.post("/s/pinecone/staff/add/", {"email": off.email}, follow=True).content.decode()
    assert "the account is switched off" in told
    assert "invited by e-mail" not in told
    assert AuditEvent.objects.filter(action="member.switch_on").count() == 1, "what is on is not switched on"


def test_a_store_reaches_its_own_sub_accounts_only(client):
    store, other = make_store(), make_store()
    owner, second = owner_of(store), make_member(store, owner=True)
    manager = make_member(store, rights=rights.ALL_RIGHTS)
    shared, staff = make_member(store), make_staff()
    make_member(other, shared)
    make_member(store, staff)

    def refused(user: User, by: User) -> DomainError:
        with pytest.raises(DomainError) as caught:
            switching.switch_off_member(store, user.pk, reason="No", actor=actor_for(by))
        return caught.value

    assert refused(owner, owner).code == "ERR_SWITCH_SELF"
    assert refused(second, owner).code == "ERR_SWITCH_OWNER"
    assert refused(shared, owner).code == "ERR_SWITCH_BEYOND"
    assert refused(staff, owner).code == "ERR_SWITCH_BEYOND"
    for outsider in (manager, make_staff(), owner_of(other)):
        assert isinstance(refused(shared, outsider), PermissionRefused)
    assert isinstance(refused(owner_of(other), owner), NotFound)
    assert not User.objects.filter(is_active=False).exists()
    assert not ApiToken.objects.exclude(revoked_at=None).exists()
    client.force_login(owner)
    for user, words in (
        (owner, "Nobody switches their own"),
        (second, "A main account is not"),
        (shared, "where you are no main account"),
    ):
        page = client.get(f"/s/{store.slug}/staff/{user.pk}/switch/").content.decode()
        assert words in page
        assert 'name="reason"' not in page


def test_somebody_who_works_in_several_stores_of_one_main_account_is_off_in_all_of_them():
    first, second = make_store(), make_store()
    owner, user = owner_of(first), make_member(first, rights=["campaigns.view"])
    make_member(second, owner, owner=True)
    make_member(second, user)
    switching.switch_off_member(first, user.pk, reason="Leave", actor=actor_for(owner))
    switching.switch_on_member(second, user.pk, reason="Back", actor=actor_for(owner))
    told = AuditEvent.objects.filter(action__startswith="member.switch").values_list("action", "store_id")
    ways = ("member.switch_off", "member.switch_on")
    assert set(told) == {(way, store.pk) for way in ways for store in (first, second)}
    user.memberships.filter(store=second).update(is_owner=True)
    with pytest.raises(Conflict, match="ERR_SWITCH_BEYOND"):
        switching.switch_off_member(first, user.pk, reason="Leave", actor=actor_for(owner))


def test_a_store_takes_back_only_what_it_did_itself():
    store = make_store()
    owner, staff = actor_for(owner_of(store)), actor_for(make_staff())
    user = make_member(store)
    switching.switch_off_member(store, user.pk, reason="Leave", actor=owner)
    switching.switch_off(user.pk, reason="Fraud", actor=staff)
    with pytest.raises(Conflict) as caught:
        switching.switch_on_member(store, user.pk, reason="Back", actor=owner)
    assert caught.value.code == "ERR_SWITCH_FOREIGN"
    switching.switch_on(user.pk, reason="Cleared", actor=staff)
    user.refresh_from_db()
    assert (user.is_active, user.switched_off_in) == (True, None)
    with in_store(store.pk):
        told = list(Message.objects.order_by("id").values_list("code", "params__reason"))
    assert told == [("NOTE_PERSON_OFF", "Fraud"), ("NOTE_PERSON_ON", "Cleared")]


def test_platform_staff_switch_anybody_but_themselves_and_the_last_of_them(client):
    store, staff = make_store("pinecone"), make_staff(name="Stella")
    owner = owner_of(store)
    client.force_login(staff)
    listed = client.get("/platform/people/?q=Stella%00").content.decode()
    assert f"/platform/people/{staff.pk}/" in listed
    assert f"/platform/people/{owner.pk}/" not in listed
    asked = client.get(f"/platform/people/{owner.pk}/switch/").content.decode()
    assert "No other main account works in" in asked
    assert client.post(f"/platform/people/{owner.pk}/switch/", {"reason": "Fraud", "to": "off"}).status_code == 302
    assert not User.objects.get(pk=owner.pk).is_active
    event = AuditEvent.objects.get(action="user.switch_off")
    assert (event.store_id, event.reason, event.right) == (None, "Fraud", "platform_staff")
    assert "Switched off" in client.get(f"/platform/people/{owner.pk}/").content.decode()
    assert (
        "ERR_SWITCH_SELF"
        in client.post(f"/platform/people/{staff.pk}/switch/", {"reason": "x", "to": "off"}).content.decode()
    )
    assert client.get("/platform/people/0/").status_code == 404
    with pytest.raises(CommandError, match="ERR_SWITCH_LAST_STAFF"):
        call_command("switch_person", "--email", staff.email, "--off", "--reason", "Gone")
    call_command("switch_person", "--email", owner.email, "--on", "--reason", "Cleared")
    assert User.objects.get(pk=owner.pk).is_active
    assert Grant.objects.count() == 0
    for wrong in ("", " ", "x" * 301):
        with pytest.raises(InvalidInput):
            switching.switch_off(owner.pk, reason=wrong, actor=actor_for(staff))


def test_platform_staff_name_a_main_account_on_a_page_once_none_is_left(client):
    store = make_store("pinecone")
    user, boss = make_member(store, make_user(name="Nadia")), make_staff(email="boss@shop.test", password=PASSWORD)
    path = "/platform/pinecone/main-account/"
    client.post("/account/login/", {"login": boss.email, "password": PASSWORD})
    assert client.get(path)["Location"].startswith("/account/reauthenticate/")
    client.post(f"/account/reauthenticate/?next={path}", {"password": PASSWORD})
    data = {"person": str(user.pk), "reason": "The owner left"}
    assert "Only a main account makes another one" in client.get(path).content.decode()
    assert client.post(path, data).status_code == 403
    assert path not in client.get("/platform/pinecone/").content.decode()
    switching.switch_off(owner_of(store).pk, reason="Left", actor=actor_for(boss))
    assert path in client.get("/platform/pinecone/").content.decode()
    asked = client.get(path).content.decode()
    assert "Nadia" in asked
    for wrong in ({"person": str(owner_of(store).pk)}, {"person": "x"}, {"reason": ""}):
        assert client.post(path, data | wrong).status_code == 422
    assert client.post(path, data)["Location"] == "/platform/pinecone/"
    assert user.memberships.get().is_owner


def test_the_list_costs_the_same_for_two_and_for_eight(client, django_assert_num_queries):
    client.force_login(make_staff())
    store = make_store()
    client.get("/platform/people/")
    with django_assert_num_queries(5):
        client.get("/platform/people/")
    for _person in range(6):
        make_member(store)
    with django_assert_num_queries(5):
        client.get("/platform/people/")


@pytest.mark.django_db(transaction=True)
def test_two_staff_who_switch_each_other_off_leave_one():
    first, second = make_staff(), make_staff()
    start, ended = threading.Barrier(2), []

    def act(by: User, whom: User) -> None:
        start.wait()
        try:
            switching.switch_off(whom.pk, reason="Other", actor=actor_for(by))
            ended.append("done")
        except DomainError as error:
            ended.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=act, args=pair) for pair in ((first, second), (second, first))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["ERR_PERMISSION", "done"]
    assert User.objects.filter(is_platform_staff=True, is_active=True).count() == 1
