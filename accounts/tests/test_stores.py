"""Opening stores and setting their state."""

from __future__ import annotations

import pytest

from accounts import signals, stores, tokens
from accounts.models import Membership, Store, User
from accounts.signals import SiteDraft, StoreFact
from audit.actors import system
from audit.models import AuditEvent
from core.errors import InvalidInput, NotFound, PermissionRefused, VersionConflict
from tests.factories import actor_for, make_member, make_staff, make_store, make_user, owner_of

pytestmark = pytest.mark.django_db
WANTED = {"slug": "plumtree", "name": "Plum Tree", "owner_email": "Plum@Shop.test"}


@pytest.fixture
def staff():
    return actor_for(make_staff())


@pytest.fixture
def told():
    seen = []

    def receive(sender, **news):
        seen.append(news)

    signals.store_created.connect(receive, weak=False)
    yield seen
    signals.store_created.disconnect(receive)


def test_opening_makes_the_owner_who_can_have_a_token_at_once(staff, told):
    sites = [SiteDraft("en", "en", "USD"), SiteDraft("zh", "zh-hans", "USD")]
    store = stores.create_store(**WANTED, entity="sole_trader", sites=sites, actor=staff)
    owner = owner_of(store)
    assert owner.email == "plum@shop.test"
    assert not owner.has_usable_password()
    assert (store.entity, store.kyc, store.account_state, store.currency) == ("sole_trader", "none", "normal", "USD")
    assert told[0]["sites"] == sites
    _token, raw = tokens.issue(store, owner, actor=system("test"))
    assert tokens.authenticate(raw).store == store
    event = AuditEvent.objects.get(action="store.create")
    assert event.after["sites"] == ["en", "zh"]
    assert "plum@" not in str(event.after)


def test_a_known_owner_is_not_made_twice(staff):
    known = make_user("plum@shop.test", name="Plum")
    store = stores.create_store(**WANTED, actor=staff)
    assert owner_of(store) == known
    assert User.objects.filter(email__iexact="plum@shop.test").count() == 1


def test_every_broken_field_comes_back_at_once(staff):
    make_store("plumtree")
    with pytest.raises(InvalidInput) as refused:
        stores.create_store(
            slug="plumtree",
            name=" ",
            owner_email="plum",
            entity="club",
            time_zone="Mars/Base",
            currency="XYZZ",
            actor=staff,
        )
    assert {error.field for error in refused.value.errors} == {
        "slug", "name", "owner_email", "entity", "time_zone", "currency",
    }  # fmt: skip
    for slug in ("", "x", "A b", "-ab", "ab-", "a" * 41, "../x", "ä"):
        with pytest.raises(InvalidInput):
            stores.create_store(**{**WANTED, "slug": slug}, actor=staff)
    assert Store.objects.count() == 1
    assert not User.objects.filter(email__startswith="plum").exists()


def test_a_receiver_that_refuses_leaves_nothing(staff):
    def refuse(sender, **news):
        raise InvalidInput("no such language")

    signals.store_created.connect(refuse, weak=False)
    try:
        with pytest.raises(InvalidInput):
            stores.create_store(**WANTED, actor=staff)
    finally:
        signals.store_created.disconnect(refuse)
    assert not Store.objects.exists()
    assert not Membership.objects.exists()


def test_only_staff_open_stores_and_set_their_state():
    store = make_store()
    for person in (owner_of(store), make_user()):
        with pytest.raises(PermissionRefused):
            stores.create_store(**WANTED, actor=actor_for(person))
        with pytest.raises(PermissionRefused):
            stores.edit_store_state(store.slug, {"kyc": "verified"}, actor=actor_for(person))


def test_state_is_set_with_version_and_record(staff):
    store = make_store(kyc="none")
    changed = stores.edit_store_state(
        store.slug, {"kyc": "verified", "account_state": "frozen"}, version=1, actor=staff
    )
    assert (changed.kyc, changed.account_state, changed.version) == ("verified", "frozen", 2)
    event = AuditEvent.objects.get(action="store.set_state")
    assert event.before == {"kyc": "none", "account_state": "normal"}
    assert event.store_id == store.pk
    stores.edit_store_state(store.slug, {"kyc": "verified"}, actor=staff)
    assert AuditEvent.objects.filter(action="store.set_state").count() == 1
    with pytest.raises(VersionConflict) as stale:
        stores.edit_store_state(store.slug, {"kyc": "none"}, version=1, actor=staff)
    assert stale.value.extra["current"]["kyc"] == "verified"
    with pytest.raises(NotFound):
        stores.edit_store_state("nowhere", {"kyc": "none"}, actor=staff)
    for wrong in ({"kyc": "maybe"}, {"name": "x"}, {"kyc": None}, {"entity": ["company"]}):
        with pytest.raises(InvalidInput):
            stores.edit_store_state(store.slug, wrong, actor=staff)


def test_facts_of_upper_rooms_are_set_and_read_with_the_state(staff, monkeypatch):
    shelf: dict[int, bool] = {}
    fact = StoreFact(
        "waved", lambda store: shelf.get(store.pk, False), lambda store, value, now: shelf.update({store.pk: value})
    )
    monkeypatch.setitem(signals._facts, "waved", fact)
    store = make_store()
    assert stores.state_of(store)["waved"] is False
    stores.edit_store_state(store.slug, {"waved": True}, actor=staff)
    assert stores.state_of(store)["waved"] is True
    assert AuditEvent.objects.get(action="store.set_state").after == {"waved": True}


def test_settings_need_their_right():
    store = make_store()
    with pytest.raises(PermissionRefused):
        stores.edit_store(store, {"name": "New"}, actor=actor_for(make_member(store, rights=["campaigns.edit"])))
    changed = stores.edit_store(store, {"time_zone": "America/Los_Angeles"}, actor=actor_for(owner_of(store)))
    assert changed.time_zone == "America/Los_Angeles"
    with pytest.raises(InvalidInput):
        stores.edit_store(store, {"slug": "other"}, actor=actor_for(owner_of(store)))
