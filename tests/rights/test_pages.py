"""Every page for every kind of visitor, and no page that the matrix does not know (bench 24)."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, User
from accounts.rights import ALL_RIGHTS
from core import clock
from tests.factories import make_member, make_staff, make_user
from tests.rights.discovery import addresses, fingerprint
from tests.rights.matrix import PAGES, SHARED, Page
from tests.rights.world import Things, World, make_world

BY_NAME = {row.name: row for row in PAGES}
STORE_PAGES = [row for row in PAGES if row.kind in {"store", "owner"}]
OTHER_PAGES = [row for row in PAGES if row not in STORE_PAGES]
DOORS = {401, 403, 404}


def url(row: Page, store: Things, samples: Things | None = None) -> str:
    """The row's address in a store, with the samples of that store or of another."""
    place = {"store": store.store.slug} if row in STORE_PAGES else {}
    return reverse(row.name, kwargs=place | row.fill(samples or store))


def ask(user: User | None, path: str, method: str = "get", **extra: Any) -> Any:
    """One request by a person, or by a stranger."""
    client = Client(raise_request_exception=False)
    if user is not None:
        client.force_login(user)
    return getattr(client, method)(path, **extra)


@pytest.fixture
def world(db: None, settings, tmp_path) -> World:
    settings.AUDIT_CHECKPOINT_DIR = tmp_path
    return make_world()


def test_every_address_is_in_the_matrix_with_its_right():
    found = {
        address.name: address.access for address in addresses() if not address.access or address.access.kind != "api"
    }
    undeclared = sorted(name for name, access in found.items() if access is None)
    assert not undeclared, f"these views declare no access and are closed to everybody: {undeclared}"
    assert not set(found) - set(BY_NAME), f"not in tests/rights/matrix.py: {sorted(set(found) - set(BY_NAME))}"
    assert not set(BY_NAME) - set(found), f"no such page any more: {sorted(set(BY_NAME) - set(found))}"
    differ = {
        name: (access.kind, access.right)
        for name, access in found.items()
        if access and (access.kind, access.right) != (BY_NAME[name].kind, BY_NAME[name].right)
    }
    assert not differ, f"declared otherwise than in the matrix: {differ}"


def test_names_are_unique_and_api_addresses_lie_below_the_api():
    every = list(addresses())
    names = [address.name for address in every]
    assert len(names) == len(set(names)), sorted(name for name in names if names.count(name) > 1)
    assert all(
        address.route.startswith("api/v1/") for address in every if address.access and address.access.kind == "api"
    )
    assert all(
        address.route.startswith("s/<slug:store>/")
        for address in every
        if address.access and address.access.kind == "store"
    )


@pytest.mark.parametrize("row", STORE_PAGES, ids=lambda row: row.name)
def test_a_page_of_a_store(row: Page, world: World):
    path, right = url(row, world.here), row.right
    plain = make_member(world.here.store)
    rights = [name for name in (right, row.also) if name]
    holder = make_member(world.here.store, rights=rights, owner=row.kind == "owner")
    others = [other for other in ALL_RIGHTS if other != right]
    lacking = make_member(world.here.store, rights=others)
    lapsed = make_member(
        world.here.store, rights=[right] if right else [], expires_at=clock.now() - timedelta(seconds=1)
    )
    removed = make_member(world.here.store, rights=[right] if right else [])
    Membership.objects.filter(user=removed).update(is_active=False)
    switched_off = make_member(world.here.store, rights=[right] if right else [])
    visitors: dict[str, tuple[User | None, int]] = {
        "a stranger": (None, 302),
        "another store's owner": (world.there.owner, 404),
        "another store's member with every right": (make_member(world.there.store, rights=ALL_RIGHTS), 404),
        "platform staff": (make_staff(), 404),
        "a removed member": (removed, 404),
    }
    if right or row.kind == "owner":
        visitors |= {"a member without rights": (plain, 403), "a member with every other right": (lacking, 403)}
    if right:
        visitors["a member whose loan lapsed"] = (lapsed, 403)
    before = fingerprint()
    for who, (user, wanted) in visitors.items():
        for method in ("get", "post"):
            answer = ask(user, path, method)
            assert answer.status_code == wanted, f"{who}: {method} {path} answered {answer.status_code}"
    assert fingerprint() == before, "a refused request changed something"

    sessions = {}
    for name, user in (("holder", holder), ("switched off", switched_off)):
        sessions[name] = Client(raise_request_exception=False)
        sessions[name].force_login(user)
    User.objects.filter(pk=switched_off.pk).update(is_active=False)
    assert sessions["switched off"].get(path).status_code == 302
    for method in ("get", "post"):
        answer = getattr(sessions["holder"], method)(path)
        assert answer.status_code not in DOORS, f"who has the right: {method} {path} answered {answer.status_code}"
        assert answer.status_code < 500, answer.content[:2000]
    Membership.objects.filter(user=holder).update(is_active=False)
    assert sessions["holder"].get(path).status_code == 404
    assert ask(world.here.owner, url(row, world.here)).status_code not in DOORS - {404}


@pytest.mark.parametrize("row", [row for row in STORE_PAGES if row.fill not in SHARED], ids=lambda row: row.name)
def test_another_stores_object_is_not_found(row: Page, world: World):
    path = url(row, world.here, samples=world.there)
    before = fingerprint()
    for method in ("get", "post"):
        answer = ask(world.here.owner, path, method)
        wanted = {404, 405}
        assert answer.status_code in wanted, f"{method} {path} answered {answer.status_code}"
    assert fingerprint() == before, "a request for another store's object changed something"


@pytest.mark.parametrize("row", OTHER_PAGES, ids=lambda row: row.name)
def test_a_page_of_no_store(row: Page, world: World):
    path = url(row, world.here)
    person, staff = make_user(password="correct horse battery"), make_staff()
    stranger = ask(None, path)
    assert stranger.status_code < 500, stranger.content[:2000]
    if row.kind in {"public", "anonymous"}:
        assert stranger.status_code not in {401, 403}, path
        return
    before = fingerprint()
    for method in ("get", "post"):
        assert ask(None, path, method).status_code == 302
        if row.kind == "staff":
            assert ask(person, path, method).status_code == 403
            assert ask(world.here.owner, path, method).status_code == 403
    assert fingerprint() == before
    visitor = ask(staff if row.kind == "staff" else person, path)
    assert visitor.status_code not in DOORS
    assert visitor.status_code < 500, visitor.content[:2000]
