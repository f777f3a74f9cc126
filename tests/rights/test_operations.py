"""Every operation of the API for every kind of token, and none that the matrix does not know (bench 24)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from accounts import tokens
from accounts.models import Grant, Membership, User
from accounts.rights import ALL_RIGHTS
from api.access import declared
from audit.actors import system
from core import clock
from tests.api.client import Api, member_api, staff_api
from tests.factories import make_member, make_staff
from tests.rights.discovery import fingerprint, operations
from tests.rights.matrix import OPERATIONS, SHARED, Op
from tests.rights.world import Things, World, make_world

BY_CALL = {row.call: row for row in OPERATIONS}
STORE_OPERATIONS = [row for row in OPERATIONS if row.kind == "store"]


def path_of(row: Op, samples: Things) -> str:
    """The path with its samples filled in."""
    template, values = row.call.partition(" ")[2], row.fill(samples)
    return re.sub(r"{(?:\w+:)?(\w+)}", lambda found: str(values[found[1]]), template) + row.query


def ask(api: Api, row: Op, samples: Things) -> int:
    """The status that a call answers; changes send an empty object."""
    method = row.call.partition(" ")[0]
    return int(api.call(method, path_of(row, samples), None if method == "GET" else {}).status_code)


@pytest.fixture
def world(db: None, settings, tmp_path) -> World:
    settings.AUDIT_CHECKPOINT_DIR = tmp_path
    return make_world()


def test_every_operation_is_in_the_matrix_with_its_right():
    found = {call: declared(operation.view_func) for call, operation in operations().items()}
    undeclared = sorted(call for call, needs in found.items() if needs is None)
    assert not undeclared, f"these operations declare no right and are closed: {undeclared}"
    assert not set(found) - set(BY_CALL), f"not in tests/rights/matrix.py: {sorted(set(found) - set(BY_CALL))}"
    assert not set(BY_CALL) - set(found), f"no such operation any more: {sorted(set(BY_CALL) - set(found))}"
    differ = {
        call: (needs.kind, needs.rights)
        for call, needs in found.items()
        if needs and (needs.kind, set(needs.rights)) != (BY_CALL[call].kind, set(BY_CALL[call].rights))
    }
    assert not differ, f"declared otherwise than in the matrix: {differ}"


@pytest.mark.parametrize("row", STORE_OPERATIONS, ids=lambda row: row.call)
def test_an_operation_for_members(row: Op, world: World):
    here, store = world.here, world.here.store
    path_of(row, here), path_of(row, world.there)
    rights = list(row.rights)
    lacking = member_api(store, make_member(store, rights=[right for right in ALL_RIGHTS if right not in rights]))
    lapsed = member_api(store, make_member(store, rights=rights, expires_at=clock.now() - timedelta(seconds=1)))
    refused: dict[str, tuple[Api, int]] = {
        "nobody": (Api(), 401),
        "a made-up token": (Api(tokens.new_raw()), 401),
        "platform staff": (staff_api(make_staff()), 403),
    }
    if rights:
        refused |= {"a member with every other right": (lacking, 403), "a member whose loan lapsed": (lapsed, 403)}
    stranger = member_api(world.there.store, world.there.owner)
    before = fingerprint()
    for who, (api, wanted) in refused.items():
        assert ask(api, row, here) == wanted, who
    if row.fill not in SHARED:
        assert ask(stranger, row, here) in {404, 422}, "another store's owner"
        assert ask(stranger, row, here) == 404 or row.call.split(" ")[0] != "GET", "another store's owner"
    assert fingerprint() == before, "a refused call changed something"

    inside = []
    for right in rights or [""]:
        user = make_member(store, rights=[right] if right else [])
        holder = member_api(store, user)
        answer = ask(holder, row, here)
        # Where any one of several rights opens the door, the verb behind it may ask for the one that the body needs.
        assert answer not in ({401, 404} if len(rights) > 1 else {401, 403, 404}), f"with {right}: {answer}"
        assert answer < 500
        inside.append(answer != 403)
        if right:
            Grant.objects.filter(membership__user=user).delete()
            assert ask(holder, row, here) == 403, "a revoked right works on"
    assert any(inside)


@pytest.mark.parametrize("end", ["token revoked", "member removed", "person switched off", "token expired"])
def test_a_dead_token_opens_nothing(end: str, world: World):
    user = make_member(world.here.store, rights=ALL_RIGHTS)
    token, raw = tokens.issue(world.here.store, user, days=1, actor=system("test"))
    row = BY_CALL["GET /store"]
    assert ask(Api(raw), row, world.here) == 200
    if end == "token revoked":
        tokens.revoke(world.here.store, token.pk, actor=system("test"))
    elif end == "member removed":
        Membership.objects.filter(user=user).update(is_active=False)
    elif end == "person switched off":
        User.objects.filter(pk=user.pk).update(is_active=False)
    else:
        type(token).objects.update(expires_at=clock.now())
    for row in OPERATIONS:
        assert ask(Api(raw), row, world.here) == 401, row.call


@pytest.mark.parametrize("row", [row for row in OPERATIONS if row.kind == "staff"], ids=lambda row: row.call)
def test_an_operation_for_staff(row: Op, world: World):
    path_of(row, world.here)
    member = member_api(world.here.store, world.here.owner)
    person = make_staff()
    staff = staff_api(person)
    before = fingerprint()
    assert ask(Api(), row, world.here) == 401
    assert ask(member, row, world.here) == 403
    assert fingerprint() == before, "a refused call changed something"
    answer = ask(staff, row, world.here)
    assert answer not in {401, 403, 404}, answer
    assert answer < 500
    User.objects.filter(pk=person.pk).update(is_platform_staff=False)
    assert ask(staff, row, world.here) == 401
