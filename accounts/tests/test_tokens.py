"""API tokens: their form, what they stand for, and when they die."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import tokens
from accounts.models import ApiToken, Membership
from audit.actors import ActorKind, system
from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput, NotFound, PermissionRefused
from tests.factories import actor_for, make_member, make_staff, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db


def end_of(token: ApiToken) -> datetime:
    assert token.expires_at is not None
    return token.expires_at


def test_form_and_checksum():
    raw = tokens.new_raw()
    assert tokens.well_formed(raw)
    assert len(raw) == 3 + 30 + 1 + 6
    swapped = raw[:5] + ("a" if raw[5] != "a" else "b") + raw[6:]
    assert not tokens.well_formed(swapped)
    for wrong in ("", "bo_", raw + "x", raw[:-1], raw.replace("bo_", "gh_"), "bo_" + "é" * 30 + "_000000"):
        assert not tokens.well_formed(wrong)


def test_only_the_hash_is_stored_and_the_answer_speaks_for_the_member():
    store = make_store()
    user = make_member(store, rights=["campaigns.view"])
    token, raw = tokens.issue(store, user, name="ERP", actor=system("test"))
    assert raw not in str(ApiToken.objects.values_list().get())
    bearer = tokens.authenticate(raw, ip="10.1.2.3")
    assert (bearer.user, bearer.store, bearer.token) == (user, store, token)
    assert bearer.actor.kind == ActorKind.TOKEN
    assert (bearer.actor.id, bearer.actor.token_id, bearer.actor.ip) == (user.pk, token.pk, "10.1.2.3")
    event = AuditEvent.objects.get(action="token.issue")
    assert raw not in str(event.after)


def test_one_query_and_last_use_noted_once_a_minute():
    store = make_store()
    _token, raw = tokens.issue(store, owner_of(store), actor=system("test"))
    with clock.freeze(clock.now()) as time:
        tokens.authenticate(raw)
        with CaptureQueriesContext(
            connection,
        ) as queries:
            tokens.authenticate(raw)
        assert len([q for q in queries if "policies" not in q["sql"]]) == 1
        first = ApiToken.objects.get().last_used_at
        time.tick(30)
        tokens.authenticate(raw)
        assert ApiToken.objects.get().last_used_at == first
        time.tick(31)
        tokens.authenticate(raw)
        assert ApiToken.objects.get().last_used_at == clock.now()


@pytest.mark.parametrize("end", ["revoked", "expired", "member_gone", "inactive", "unknown"])
def test_a_dead_token_is_refused(end):
    store = make_store()
    user = make_member(store, rights=["api.manage"])
    token, raw = tokens.issue(store, user, days=1, actor=system("test"))
    moment = clock.now()
    if end == "revoked":
        tokens.revoke(store, token.pk, actor=actor_for(user))
    elif end == "expired":
        moment = end_of(token)
    elif end == "member_gone":
        Membership.objects.filter(user=user).update(is_active=False)
    elif end == "inactive":
        user.is_active = False
        user.save()
    else:
        raw = tokens.new_raw()
    with pytest.raises(tokens.TokenRefused) as refused:
        tokens.authenticate(raw, now=moment)
    assert refused.value.status == 401


def test_expiry_is_half_open():
    store = make_store()
    token, raw = tokens.issue(store, owner_of(store), days=1, actor=system("test"))
    assert tokens.authenticate(raw, now=end_of(token) - timedelta(microseconds=1))


def test_people_make_tokens_for_themselves_only_and_with_the_right():
    store = make_store()
    maker = make_member(store, rights=["api.manage"])
    plain = make_member(store)
    assert tokens.issue(store, maker, actor=actor_for(maker))
    with pytest.raises(NotFound):
        tokens.issue(store, plain, actor=actor_for(maker))
    with pytest.raises(PermissionRefused):
        tokens.issue(store, plain, actor=actor_for(plain))
    with pytest.raises(NotFound):
        tokens.issue(store, make_user(), actor=system("test"))
    with pytest.raises(InvalidInput):
        tokens.issue(store, maker, days=100_000, actor=actor_for(maker))


def test_revoking_anothers_token_needs_staff_manage_and_only_in_this_store():
    store, other = make_store(), make_store()
    maker, manager = make_member(store, rights=["api.manage"]), make_member(store, rights=["staff.manage"])
    token, _raw = tokens.issue(store, maker, actor=actor_for(maker))
    with pytest.raises(PermissionRefused):
        tokens.revoke(store, token.pk, actor=actor_for(make_member(store, rights=["api.manage"])))
    with pytest.raises(NotFound):
        tokens.revoke(other, token.pk, actor=actor_for(owner_of(other)))
    tokens.revoke(store, token.pk, actor=actor_for(manager))
    tokens.revoke(store, token.pk, actor=actor_for(manager))
    assert AuditEvent.objects.filter(action="token.revoke", result="done").count() == 1


def test_staff_token_has_no_store_and_dies_with_the_role():
    staff = make_staff()
    _token, raw = tokens.issue_staff(staff, actor=system("test"))
    assert tokens.authenticate(raw).store is None
    assert tokens.authenticate(raw).actor.staff
    staff.is_platform_staff = False
    staff.save()
    with pytest.raises(tokens.TokenRefused):
        tokens.authenticate(raw)
    with pytest.raises(NotFound):
        tokens.issue_staff(make_user(), actor=system("test"))


def test_issue_token_prints_the_token_and_nothing_else(capsys):
    store = make_store("pinecone")
    owner = owner_of(store)
    call_command("issue_token", store="pinecone", user=owner.email.upper())
    out = capsys.readouterr().out
    assert tokens.authenticate(out.strip()).store == store
    assert out == out.strip() + "\n"
    staff = make_staff()
    call_command("issue_token", staff=True, user=staff.email)
    assert tokens.authenticate(capsys.readouterr().out.strip()).user == staff


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"store": "nowhere", "user": "{owner}"}, "No such store"),
        ({"store": "pinecone", "user": "nobody@shop.test"}, "No such user"),
        ({"store": "pinecone", "user": "{stranger}"}, "No such active member"),
        ({"staff": True, "user": "{owner}"}, "No such active platform staff"),
    ],
)
def test_issue_token_says_what_is_wrong(arguments, words, capsys):
    store, stranger = make_store("pinecone"), make_user("stranger@shop.test")
    arguments["user"] = arguments["user"].format(owner=owner_of(store).email, stranger=stranger.email)
    with pytest.raises(CommandError, match=words):
        call_command("issue_token", **arguments)
    assert capsys.readouterr().out == ""
    assert not ApiToken.objects.exists()
