"""The door: who passes, into which store, and what the others are told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import visitors
from accounts.models import Grant, Membership
from accounts.rights import ALL_RIGHTS
from core import clock
from core.scopes import in_store
from listings.models import Brand
from tests.factories import make_member, make_staff, make_store, make_user, owner_of

pytestmark = [pytest.mark.django_db, pytest.mark.urls("accounts.tests.urls")]


@pytest.fixture
def store():
    return make_store("pinecone")


def signed_in(client, user):
    client.force_login(user)
    return client


@pytest.mark.parametrize("path", ["/forgotten/", "/forgotten-class/"])
def test_a_view_that_declares_nothing_is_closed_to_everybody(client, store, path):
    for person in (None, owner_of(store), make_staff()):
        if person:
            client.force_login(person)
        response = client.get(path)
        assert response.status_code == 403
        assert b"must never be seen" not in response.content


def test_a_stranger_is_sent_to_sign_in_and_back(client, store):
    response = client.get("/s/pinecone/pause/?page=2")
    assert response.status_code == 302
    assert response["Location"] == "/account/login/?next=%2Fs%2Fpinecone%2Fpause%2F%3Fpage%3D2"
    assert client.get("/s/nowhere/pause/").status_code == 302
    assert client.get("/platform/").status_code == 302
    sent = client.post("/s/pinecone/pause/", HTTP_REFERER="https://evil.test/x")
    assert sent["Location"] == "/account/login/?next=%2F"
    assert client.get("/public/").content == b"public"


def test_a_stranger_with_htmx_gets_the_address_in_a_header(client, store):
    response = client.get(
        "/s/pinecone/pause/", headers={"HX-Request": "true", "HX-Current-URL": "http://testserver/s/pinecone/"}
    )
    assert response.status_code == 401
    assert response["HX-Redirect"] == "/account/login/?next=%2Fs%2Fpinecone%2F"


def test_another_stores_pages_look_as_if_they_were_not_there(client, store):
    make_store("riverlamp")
    for person in (owner_of(make_store()), make_staff(), make_member(store, rights=["campaigns.pause"])):
        client.force_login(person)
        assert client.get("/s/riverlamp/pause/").status_code == 404
        assert client.get("/s/nowhere/pause/").status_code == 404


def test_a_missing_right_says_who_can_grant_it(client, store):
    signed_in(client, make_member(store, rights=["campaigns.pause"]))
    assert client.get("/s/pinecone/pause/").status_code == 200
    refused = client.get("/s/pinecone/view/")
    assert refused.status_code == 403
    assert owner_of(store).name in refused.content.decode()
    assert "ERR_PERMISSION" in refused.content.decode()
    assert client.get("/s/pinecone/any/").content == b"member"


@pytest.mark.parametrize("end", ["lapsed", "revoked", "removed", "inactive"])
def test_what_ends_ends_at_the_next_request(client, store, end):
    user = make_member(store, rights=["campaigns.pause"])
    signed_in(client, user)
    assert client.get("/s/pinecone/pause/").status_code == 200
    if end == "lapsed":
        Grant.objects.update(expires_at=clock.now() - timedelta(seconds=1))
    elif end == "revoked":
        Grant.objects.all().delete()
    elif end == "removed":
        Membership.objects.filter(user=user).update(is_active=False)
    else:
        type(user).objects.filter(pk=user.pk).update(is_active=False)
    wanted = {"lapsed": 403, "revoked": 403, "removed": 404, "inactive": 302}[end]
    assert client.get("/s/pinecone/pause/").status_code == wanted


def test_staff_pages_are_for_staff(client, store):
    signed_in(client, owner_of(store))
    assert client.get("/platform/").status_code == 403
    signed_in(client, make_staff())
    assert client.get("/platform/").content == b"staff"
    assert client.get("/s/pinecone/any/").status_code == 404


def test_the_page_runs_in_its_stores_scope_as_its_member(client, store):
    other = make_store()
    for owner, name in ((store, "ours"), (other, "theirs")):
        with in_store(owner.pk):
            Brand.objects.create(store=owner, name=name)
    user = signed_in(client, owner_of(store)) and owner_of(store)
    assert client.get("/s/pinecone/pause/").content.decode() == f"pinecone {user.pk} 127.0.0.1 ours"


def test_the_door_costs_two_queries_the_clock_included(client, store):
    """One finds the session and the moment, one the person with stores and rights; both are planned once."""
    signed_in(client, make_member(store, rights=["campaigns.view"]))
    client.get("/s/pinecone/view/")
    with CaptureQueriesContext(connection) as queries:
        client.get("/s/pinecone/view/")
    assert [query["sql"].split()[0] for query in queries] == ["EXECUTE", "EXECUTE"], queries.captured_queries


def test_the_person_of_a_session_comes_with_all_stores_and_what_is_held_in_each(client, store):
    other, third = make_store("riverlamp"), make_store("newleaf")
    user = make_member(store, rights=["campaigns.view", "orders.view"])
    make_member(other, user, rights=["orders.view"])
    Membership.objects.create(store=third, user=user, is_active=False)
    Grant.objects.filter(right="orders.view", membership__store=store).update(expires_at=clock.now())
    found = visitors.read(user.pk)
    assert found == user
    held = {slug: rights for slug, (_membership, rights) in visitors.held_by(found).items()}
    assert held == {"pinecone": {"campaigns.view"}, "riverlamp": {"orders.view"}}
    assert [one.slug for one in visitors.stores_of(found)] == ["pinecone", "riverlamp"]
    assert visitors.membership_of(owner_of(store), "pinecone")[1] == frozenset(ALL_RIGHTS)
    assert visitors.read(0) is None
    with CaptureQueriesContext(connection) as queries:
        membership, _rights = visitors.membership_of(found, "riverlamp")
        assert (membership.user, membership.store.currency) == (user, other.currency)
    assert not queries.captured_queries


def test_a_session_whose_time_is_over_is_nobodys(client, store):
    signed_in(client, owner_of(store))
    assert client.get("/person/").content == b"person"
    Session.objects.update(expire_date=clock.now())
    assert client.get("/person/").status_code == 302


def test_the_last_store_is_remembered(client, store):
    other = make_store("riverlamp")
    user = make_user()
    make_member(store, user)
    make_member(other, user)
    signed_in(client, user)
    client.get("/s/riverlamp/any/")
    user.refresh_from_db()
    assert user.last_store == other
    client.get("/s/pinecone/any/", headers={"HX-Request": "true"})
    user.refresh_from_db()
    assert user.last_store == other


@pytest.mark.parametrize(("proxies", "forwarded", "seen"), [
    (0, "1.2.3.4", "127.0.0.1"),
    (1, "6.6.6.6, 1.2.3.4", "1.2.3.4"),
    (2, "6.6.6.6, 1.2.3.4, 5.6.7.8", "1.2.3.4"),
    (1, "", "127.0.0.1"),
    (1, "nonsense", ""),
])  # fmt: skip
def test_the_clients_address_is_what_our_own_proxies_saw(client, store, settings, proxies, forwarded, seen):
    settings.TRUSTED_PROXIES = proxies
    signed_in(client, owner_of(store))
    answer = client.get("/s/pinecone/pause/", HTTP_X_FORWARDED_FOR=forwarded).content.decode()
    assert answer.split(" ")[2] == seen


def test_a_domain_error_in_a_page_is_its_problem_page(client, store):
    signed_in(client, owner_of(store))
    refused = client.get("/s/pinecone/refusing/")
    assert refused.status_code == 409
    assert "because of the example" in refused.content.decode()
    locked = client.get("/s/pinecone/refusing/?how=locked")
    assert (locked.status_code, locked["Retry-After"]) == (423, "8")
    part = client.get("/s/pinecone/refusing/", headers={"HX-Request": "true"})
    assert (part.status_code, part["HX-Retarget"]) == (409, "#bo-alerts")
    assert "<html" not in part.content.decode()
