"""Who may do what: loans, their end, their caps, and who can grant what is missing."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts import rights
from accounts.models import Grant, Membership
from audit.actors import system
from core import clock
from core.errors import Conflict, PermissionRefused
from tests.factories import actor_for, make_member, make_staff, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db
NAMES = {
    "campaigns.view", "campaigns.pause", "campaigns.cancel", "campaigns.edit", "coupons.view", "coupons.manage", "listings.view",
    "listings.edit", "listings.price", "listings.delist", "compliance.view", "compliance.manage", "finance.view", "finance.manage",
    "orders.view", "orders.edit", "insights.view", "insights.export", "staff.manage", "audit.view", "audit.export",
    "settings.manage", "api.manage", "checkout.use",
}  # fmt: skip


def test_the_registry_is_the_design():
    assert set(rights.ALL_RIGHTS) == NAMES
    marketing = {name for name in NAMES if name.startswith(("campaigns.", "coupons."))}
    assert set(rights.BUNDLES["marketing"].rights) == marketing
    assert {right.room for right in rights.ALL_RIGHTS.values()} == set(rights.ROOMS)


def check(user, store, right="campaigns.pause", **caps):
    rights.check(actor_for(user), store, right, now=clock.now(), **caps)


def test_owner_has_all_member_only_what_was_lent_stranger_nothing():
    store = make_store()
    pauser = make_member(store, rights=["campaigns.pause"])
    for right in NAMES:
        check(owner_of(store), store, right)
    check(pauser, store)
    for person, right in (
        (pauser, "campaigns.cancel"),
        (make_user(), "campaigns.pause"),
        (make_staff(), "campaigns.pause"),
    ):
        with pytest.raises(PermissionRefused) as refused:
            check(person, store, right)
        assert refused.value.extra == {"right": right, "granted_by": [owner_of(store).label]}


def test_a_right_of_another_store_is_worth_nothing_here():
    here, there = make_store(), make_store()
    user = make_member(there, rights=NAMES)
    make_member(here, user)
    with pytest.raises(PermissionRefused):
        check(user, here)
    with pytest.raises(PermissionRefused):
        check(owner_of(there), here)


def test_one_query_when_held_two_when_refused():
    store = make_store()
    pauser = make_member(store, rights=["campaigns.pause"], max_listings=5)
    now = clock.now()
    with CaptureQueriesContext(connection) as queries:
        rights.check(actor_for(pauser), store, "campaigns.pause", now=now, listings=5)
    assert len(queries) == 1
    with CaptureQueriesContext(connection) as queries, pytest.raises(PermissionRefused):
        rights.check(actor_for(pauser), store, "campaigns.edit", now=now)
    assert len(queries) == 2
    with CaptureQueriesContext(connection) as queries:
        rights.check(system(), store, "campaigns.edit", now=now)
        assert rights.can(system(), store, "campaigns.edit", now)
    assert len(queries) == 0


def test_a_loan_ends_at_its_moment_exactly():
    store, now = make_store(), clock.now()
    user = make_member(store, rights=["campaigns.pause"], expires_at=now + timedelta(seconds=10))
    actor = actor_for(user)
    assert rights.can(actor, store, "campaigns.pause", now + timedelta(seconds=10, microseconds=-1))
    assert not rights.can(actor, store, "campaigns.pause", now + timedelta(seconds=10))


def test_caps_bind_members_and_not_the_owner():
    store = make_store()
    user = make_member(store, rights=["campaigns.edit"], max_listings=200, max_percent_off=30)
    check(user, store, "campaigns.edit", listings=200, percent_off=30)
    check(user, store, "campaigns.edit")
    check(owner_of(store), store, "campaigns.edit", listings=10**6, percent_off=99)
    with pytest.raises(Conflict) as refused:
        check(user, store, "campaigns.edit", listings=201)
    assert refused.value.code == "ERR_GRANT_CAP"
    assert refused.value.extra["limit"] == 200
    assert refused.value.extra["asked"] == 201
    with pytest.raises(Conflict, match="30%"):
        check(user, store, "campaigns.edit", percent_off=31)


@pytest.mark.parametrize("end", ["revoked", "removed", "inactive"])
def test_revocation_works_at_the_next_check(end):
    store = make_store()
    user = make_member(store, rights=["campaigns.pause"])
    check(user, store)
    if end == "revoked":
        Grant.objects.all().delete()
    elif end == "removed":
        Membership.objects.filter(user=user).update(is_active=False)
    else:
        type(user).objects.filter(pk=user.pk).update(is_active=False)
    with pytest.raises(PermissionRefused):
        check(user, store)


def test_rights_of_a_member_at_a_moment():
    store, now = make_store(), clock.now()
    user = make_member(store, rights=["campaigns.view"])
    membership = Membership.objects.get(user=user)
    Grant.objects.create(membership=membership, right="campaigns.edit", expires_at=now)
    Grant.objects.create(membership=membership, right="no.longer_known")
    assert rights.rights_of(membership, now) == {"campaigns.view"}
    assert rights.rights_of(Membership.objects.get(user=owner_of(store)), now) == NAMES


def test_an_unknown_right_is_a_mistake_of_ours():
    with pytest.raises(ValueError, match="no such right"):
        rights.can(system(), make_store(), "campaigns.paws", clock.now())
    with pytest.raises(KeyError):
        rights.requires("campaigns.paws")


def test_staff_is_read_from_the_database():
    staff = make_staff()
    actor = actor_for(staff)
    rights.check_staff(actor)
    rights.check_staff(system())
    type(staff).objects.filter(pk=staff.pk).update(is_platform_staff=False)
    with pytest.raises(PermissionRefused):
        rights.check_staff(actor)
    with pytest.raises(PermissionRefused):
        rights.check_staff(actor_for(make_user()))
