"""Lending and taking back, coming and going; the last owner stays."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connection

from accounts import members, tokens
from accounts.members import Loan
from accounts.models import ApiToken, Grant, Membership, User
from audit.actors import system
from audit.models import AuditEvent, PersonalValue
from core import clock
from core.errors import Conflict, DomainError, InvalidInput, NotFound, PermissionRefused, VersionConflict
from core.models import OutboxMessage
from core.scopes import in_store
from inbox.models import Message
from tests.factories import actor_for, make_member, make_staff, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db


def test_only_the_owner_lends():
    store = make_store()
    operator = make_member(store)
    manager = make_member(store, rights=["staff.manage", "campaigns.cancel"])
    until = clock.now() + timedelta(days=7)
    grant = members.lend_right(
        store, operator.pk, "campaigns.cancel", expires_at=until, max_listings=200, actor=actor_for(owner_of(store))
    )
    assert (grant.expires_at, grant.max_listings, grant.granted_by) == (until, 200, owner_of(store))
    for lender in (manager, operator, make_staff(), owner_of(make_store())):
        with pytest.raises(PermissionRefused):
            members.lend_right(store, operator.pk, "campaigns.edit", actor=actor_for(lender))
    assert Grant.objects.filter(membership__user=operator).count() == 1
    event = AuditEvent.objects.get(action="right.lend", result="done")
    assert event.after["max_listings"] == 200
    assert event.object_label == operator.name
    assert AuditEvent.objects.filter(action="right.lend", result="refused", code="ERR_PERMISSION").count() == 4


def test_lending_again_changes_the_terms_and_the_same_terms_change_nothing():
    store = make_store()
    user, owner = make_member(store, rights=["campaigns.edit"]), actor_for(owner_of(store))
    members.lend_right(store, user.pk, "campaigns.edit", max_percent_off=20, actor=owner)
    members.lend_right(store, user.pk, "campaigns.edit", max_percent_off=20, actor=owner)
    event = AuditEvent.objects.get(action="right.lend")
    assert "max_percent_off" not in event.before
    assert event.after["max_percent_off"] == 20


@pytest.mark.parametrize(
    ("loan", "field"),
    [
        (Loan("campaigns.paws"), "right"),
        (Loan("campaigns.pause", max_percent_off=5), "max_percent_off"),
        (Loan("campaigns.pause", max_listings=0), "max_listings"),
        (Loan("campaigns.edit", max_percent_off=101), "max_percent_off"),
    ],
)
def test_absurd_terms_are_refused_by_field(loan, field):
    store = make_store()
    user = make_member(store)
    with pytest.raises(InvalidInput) as refused:
        members.set_rights(store, user.pk, [loan], actor=actor_for(owner_of(store)))
    assert [error.field for error in refused.value.errors] == [field]
    assert not Grant.objects.exists()


def test_a_loan_cannot_end_in_the_past():
    store = make_store()
    with pytest.raises(InvalidInput) as refused:
        members.lend_right(
            store, make_member(store).pk, "campaigns.edit", expires_at=clock.now(), actor=actor_for(owner_of(store))
        )
    assert refused.value.errors[0].code == "ERR_GRANT_EXPIRY"


def test_set_rights_is_all_or_nothing_and_staff_manage_may_only_take_back():
    store = make_store()
    user = make_member(store, rights=["campaigns.view", "campaigns.edit"])
    manager = actor_for(make_member(store, rights=["staff.manage"]))
    with pytest.raises(PermissionRefused):
        members.set_rights(store, user.pk, [Loan("campaigns.view"), Loan("campaigns.pause")], actor=manager)
    assert set(Grant.objects.filter(membership__user=user).values_list("right", flat=True)) == {
        "campaigns.view",
        "campaigns.edit",
    }
    assert members.set_rights(store, user.pk, [Loan("campaigns.view")], actor=manager) == (0, 1)
    owner = actor_for(owner_of(store))
    assert members.set_rights(store, user.pk, [Loan("campaigns.view"), Loan("campaigns.pause")], actor=owner) == (1, 0)


def test_what_somebody_else_changed_meanwhile_is_not_overwritten():
    store = make_store()
    user, owner = make_member(store, rights=["campaigns.view", "campaigns.cancel"]), actor_for(owner_of(store))
    seen = members.mark_of(Grant.objects.filter(membership__user=user))
    members.revoke_right(store, user.pk, "campaigns.cancel", actor=owner)
    with pytest.raises(VersionConflict):
        members.set_rights(store, user.pk, [Loan("campaigns.view"), Loan("campaigns.cancel")], seen=seen, actor=owner)
    assert [grant.right for grant in Grant.objects.filter(membership__user=user)] == ["campaigns.view"]


def test_adding_by_e_mail_makes_the_person_and_invites():
    store = make_store()
    membership = members.add_member(store, " New.Person@Shop.test ", name="Newcomer", actor=actor_for(owner_of(store)))
    user = User.objects.get(email="new.person@shop.test")
    assert membership.user == user
    assert not user.has_usable_password()
    assert not membership.grants.exists()
    assert OutboxMessage.objects.get(topic="accounts.invitation").payload == {
        "store": store.pk, "user": user.pk, "language": "en",
    }  # fmt: skip
    assert "new.person" not in str(list(AuditEvent.objects.values_list()))
    assert PersonalValue.objects.filter(value="new.person@shop.test").exists()
    members.add_member(store, "second@shop.test", name=" second@shop.test", actor=actor_for(owner_of(store)))
    assert "second@" not in str(list(AuditEvent.objects.values_list())), "an address typed as the name is no name"
    with pytest.raises(Conflict, match="already"):
        members.add_member(store, "new.person@shop.test", actor=actor_for(owner_of(store)))
    with pytest.raises(InvalidInput):
        members.add_member(store, "no address", actor=actor_for(owner_of(store)))


def test_removal_ends_rights_and_tokens_and_coming_back_brings_none():
    store = make_store()
    user = make_member(store, rights=["campaigns.edit"])
    tokens.issue(store, user, actor=system("test"))
    manager = actor_for(make_member(store, rights=["staff.manage"]))
    members.remove_member(store, user.pk, actor=manager)
    assert not Grant.objects.filter(membership__user=user).exists()
    assert ApiToken.objects.get().revoked_at is not None
    assert AuditEvent.objects.get(action="member.remove").before == {"owner": False, "rights": ["campaigns.edit"]}
    with pytest.raises(NotFound):
        members.remove_member(store, user.pk, actor=manager)
    back = members.add_member(store, user.email, actor=manager)
    assert back.is_active
    assert not back.grants.exists()


def test_the_last_owner_stays_and_an_owner_goes_only_by_an_owner():
    store = make_store()
    owner = owner_of(store)
    manager = actor_for(make_member(store, rights=["staff.manage"]))
    with pytest.raises(PermissionRefused):
        members.remove_member(store, owner.pk, actor=manager)
    for leave in (members.remove_member, lambda *a, **k: members.set_owner(*a, False, **k)):
        with pytest.raises(Conflict) as refused:
            leave(store, owner.pk, actor=actor_for(owner))
        assert refused.value.code == "ERR_LAST_OWNER"
    second = make_member(store, rights=["campaigns.view"])
    members.set_owner(store, second.pk, True, actor=actor_for(owner))
    members.remove_member(store, owner.pk, actor=actor_for(second))
    assert Membership.objects.get(store=store, is_owner=True).user == second


def test_an_owner_who_may_not_sign_in_does_not_count():
    store = make_store()
    make_member(store, make_user(is_active=False), owner=True)
    with pytest.raises(Conflict):
        members.remove_member(store, owner_of(store).pk, actor=actor_for(owner_of(store)))


def test_staff_name_an_owner_only_where_none_is_left_and_a_manager_never():
    store, staff = make_store(), make_staff()
    user = make_member(store, rights=["staff.manage"])
    make_member(store, staff, rights=["campaigns.view"])
    for person in (user, staff, make_staff()):
        for who, owns in ((user.pk, True), (owner_of(store).pk, False)):
            with pytest.raises(PermissionRefused):
                members.set_owner(store, who, owns, actor=actor_for(person))
    User.objects.filter(pk=owner_of(store).pk).update(is_active=False)
    off = make_member(store, make_user(is_active=False))
    for whom, reason, code in (
        (user, " ", "ERR_INVALID"),
        (off, "Lost", "ERR_OWNER_OFF"),
        (staff, "Lost", "ERR_OWNER_SELF"),
    ):
        with pytest.raises(DomainError, match=code):
            members.set_owner(store, whom.pk, True, reason=reason, actor=actor_for(staff))
    members.set_owner(store, user.pk, True, reason="The owner left", actor=actor_for(staff))
    assert Membership.objects.get(user=user).is_owner
    event = AuditEvent.objects.get(action="member.set_owner", result="done")
    assert (event.right, event.reason) == ("platform_staff", "The owner left")
    with in_store(store.pk):
        assert Message.objects.get(code="NOTE_MAIN_ACCOUNT").params["reason"] == "The owner left"


def test_an_owner_who_is_platform_staff_too_acts_as_the_owner():
    store = make_store(owner=make_staff())
    user = make_member(store)
    members.set_owner(store, user.pk, True, actor=actor_for(owner_of(store)))
    assert AuditEvent.objects.get(action="member.set_owner").right == "owner"


def test_a_member_of_another_store_is_unknown_here():
    store, other = make_store(), make_store()
    stranger, owner = make_member(other), actor_for(owner_of(store))
    for act in (
        lambda: members.lend_right(store, stranger.pk, "campaigns.view", actor=owner),
        lambda: members.remove_member(store, stranger.pk, actor=owner),
        lambda: members.revoke_right(store, stranger.pk, "campaigns.view", actor=owner),
    ):
        with pytest.raises(NotFound):
            act()


@pytest.mark.django_db(transaction=True)
def test_two_owners_removing_each_other_leave_one():
    store = make_store()
    first, second = owner_of(store), make_member(store, owner=True)
    gate, codes = threading.Barrier(2), []

    def leave(user):
        try:
            gate.wait(60)
            members.remove_member(store, user.pk, actor=actor_for(user))
            codes.append("gone")
        except DomainError as error:
            codes.append(error.code)
        finally:
            connection.close()

    threads = [threading.Thread(target=leave, args=(user,)) for user in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(codes) == ["ERR_LAST_OWNER", "gone"]
    assert Membership.objects.filter(store=store, is_owner=True, is_active=True).count() == 1
