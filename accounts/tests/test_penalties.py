"""The penalty ledger (R28, R34): the block, the points, what they do and who may read them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts import penalties
from accounts.models import Penalty, Store
from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput, NotFound, PermissionRefused
from core.scopes import in_store
from inbox.models import Message
from tests import factories as make

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@pytest.fixture
def moving():
    with clock.freeze(NOON) as hand:
        yield hand


@pytest.fixture
def store(db, moving):
    found = make.make_store()
    with in_store(found.pk):
        yield found


@pytest.fixture
def staff(db):
    return make.actor_for(make.make_staff())


def issue(store, staff, kind="points", reason="Withdrew a third of the items", **given):
    return penalties.issue(store.slug, kind=kind, reason=reason, actor=staff, **given)


def test_a_block_lasts_seven_days_unless_staff_say_otherwise(store, staff, moving):
    issue(store, staff, "enrolment_block")
    assert penalties.standing_of(store, clock.now()).blocked_until == NOON + timedelta(days=7)
    issue(store, staff, "enrolment_block", days=2)
    assert penalties.standing_of(store, clock.now()).blocked_until == NOON + timedelta(days=7), "the longer one counts"
    moving.move_to(NOON + timedelta(days=7))
    assert penalties.standing_of(store, clock.now()).blocked_until is None, "half-open"
    assert [told.params["days"] for told in Message.objects.filter(code="ERR_PENALTY_BLOCK").order_by("id")] == [7, 2]


def test_six_points_make_a_serious_violation_however_they_come(store, staff):
    issue(store, staff, points=4)
    assert Store.objects.get(pk=store.pk).account_state == "normal"
    issue(store, staff, points=2)
    fresh = Store.objects.get(pk=store.pk)
    assert (fresh.account_state, fresh.version) == ("serious_violation", 2)
    assert penalties.standing_of(store, clock.now()).points == 6
    event = AuditEvent.objects.filter(action="penalty.issue").order_by("-id")[0]
    assert (event.before, event.after["points_total"]) == ({"account_state": "normal"}, 6)
    assert event.after["account_state"] == "serious_violation"
    assert Message.objects.filter(code="ERR_PENALTY_POINTS").count() == 2


@pytest.mark.parametrize(
    ("kind", "given", "fields"),
    [
        ("fine", {}, ["kind"]),
        ("points", {}, ["points"]),
        ("points", {"points": 0}, ["points"]),
        ("points", {"points": 49}, ["points"]),
        ("points", {"points": 2, "days": 3}, ["days"]),
        ("enrolment_block", {"days": 0}, ["days"]),
        ("enrolment_block", {"days": 366}, ["days"]),
        ("enrolment_block", {"points": 6}, ["points"]),
        ("enrolment_block", {"reason": "  "}, ["reason"]),
    ],
)
def test_a_wrong_penalty_is_none(store, staff, kind, given, fields):
    with pytest.raises(InvalidInput) as refusal:
        issue(store, staff, kind, **given)
    assert [error.field for error in refusal.value.errors] == fields
    assert not Penalty.objects.exists()
    assert Store.objects.get(pk=store.pk).account_state == "normal"


def test_only_platform_staff_punish(store, staff):
    with pytest.raises(PermissionRefused):
        issue(store, make.actor_for(make.owner_of(store)), points=6)
    with pytest.raises(NotFound):
        penalties.issue("nobody", kind="points", points=1, reason="x", actor=staff)


@pytest.mark.parametrize("change", ["UPDATE accounts_penalty SET points = 0", "DELETE FROM accounts_penalty"])
def test_the_ledger_cannot_be_changed(store, staff, change):
    issue(store, staff, points=1)
    with (
        pytest.raises(IntegrityError, match="kept as it was written"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(change)
