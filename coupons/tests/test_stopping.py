"""Stopping, letting go on, voiding and expiring: sets of coupons with their claims and stock, in a number of statements of its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.actors import system
from audit.models import AuditEvent
from core import clock
from core.models import OutboxMessage
from core.outbox import deliver_due
from core.scopes import in_store
from coupons import reserving, stopping, telling
from coupons.models import Claim, ClaimState, Coupon, CouponState, CouponTally, PausedBy, Reservation
from coupons.signals import coupon_event
from inbox.models import Message
from listings.models import Sku
from tests.factories import make_coupon, make_listing, make_store

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
ACTOR = system("system:test")


@pytest.fixture
def store():
    with clock.freeze(NOON):
        store = make_store()
        with in_store(store.pk):
            yield store


def _claims(coupon: Coupon, claimed: int, redeemed: int = 0) -> None:
    rows = [
        Claim(store_id=coupon.store_id, coupon=coupon, code=f"{coupon.code}-{n}", buyer=f"b-{n}", claimed_at=NOON)
        for n in range(claimed + redeemed)
    ]
    for row in rows[claimed:]:
        row.state, row.redeemed_at, row.order_code, row.amount = ClaimState.REDEEMED, NOON, f"O-{row.code}", "2.00"
    Claim.objects.bulk_create(rows)
    CouponTally.objects.filter(coupon=coupon).update(claimed=claimed + redeemed, redeemed=redeemed)


def _state(coupon: Coupon) -> Coupon:
    return Coupon.objects.get(pk=coupon.pk)


def test_a_stop_gives_the_stock_back_and_leaves_claimed_ones_usable(store):
    listing = make_listing(store, stock=30)
    coupon = make_coupon(store, [listing], quota=100)
    assert reserving.hold([coupon.pk], now=NOON) == {coupon.pk: 30}
    done = stopping.stop_issuing([coupon.pk], by=PausedBy.OPERATOR, actor=ACTOR, reason="Too dear", now=NOON)
    after = _state(coupon)
    assert (after.state, after.paused_by, after.freeze_claimed, after.reason) == (
        "paused",
        "operator",
        False,
        "Too dear",
    )
    assert (after.is_issued, after.is_usable) == (False, True)
    assert done.units == {coupon.pk: 30}
    assert not Reservation.objects.exists()
    assert Sku.objects.get(listing=listing).reserved == 0
    assert CouponTally.objects.get(coupon=coupon).issuing is False
    (event,) = AuditEvent.objects.filter(action="coupon.pause")
    assert (event.reason, event.after["units_released"]) == ("Too dear", 30)


def test_letting_go_on_lifts_only_its_own_stop_and_holds_what_there_is(store):
    listing = make_listing(store, stock=30)
    mine, other = make_coupon(store, [listing], quota=100), make_coupon(store, state="paused")
    over = make_coupon(store, [listing], quota=100, state="paused", paused_by="campaign", ends_at=NOON)
    stopping.stop_issuing([mine.pk], by=PausedBy.CAMPAIGN, actor=ACTOR, freeze=True, now=NOON)
    assert not _state(mine).is_usable
    Sku.objects.filter(listing=listing).update(stock=12)
    done = stopping.let_go_on([over.pk, mine.pk, other.pk], by=PausedBy.CAMPAIGN, actor=ACTOR, now=NOON)
    assert (done.ids, done.units) == ([mine.pk], {mine.pk: 12})
    assert (_state(mine).state, _state(mine).freeze_claimed) == ("active", False)
    assert (_state(other).state, _state(other).paused_by) == ("paused", "operator")


def test_a_freeze_reaches_coupons_that_somebody_else_stopped(store):
    theirs = make_coupon(store, state="paused")
    done = stopping.stop_issuing([theirs.pk], by=PausedBy.CAMPAIGN, actor=ACTOR, freeze=True, now=NOON)
    assert (done.moved, done.frozen) == ((), (theirs.pk,))
    assert (_state(theirs).paused_by, _state(theirs).is_usable) == ("operator", False)
    stopping.unfreeze(done.frozen, actor=ACTOR, now=NOON)
    assert (_state(theirs).state, _state(theirs).is_usable) == ("paused", True)


def test_a_void_ends_claimed_ones_keeps_redeemed_ones_and_tells_how_many(store):
    coupon = make_coupon(store)
    _claims(coupon, claimed=3, redeemed=2)
    done = stopping.void([coupon.pk], reason=telling.CAMPAIGN_ENDED, actor=ACTOR, now=NOON)
    assert done.claims == {coupon.pk: 3}
    after = _state(coupon)
    assert (after.state, after.closed_at, after.is_usable) == ("voided", NOON, False)
    voided = Claim.objects.filter(state="voided")
    assert [(one.voided_at, one.void_reason) for one in voided] == [(NOON, "campaign_ended")] * 3
    assert Claim.objects.filter(state="redeemed").count() == 2
    (message,) = Message.objects.all()
    assert (message.code, message.params["n"], message.object_id) == ("NOTE_COUPON_CAMPAIGN_ENDED", "3", coupon.code)
    assert stopping.void([coupon.pk], reason=telling.BY_HAND, actor=ACTOR, now=NOON).moved == ()


def test_each_coupon_of_a_batch_is_told_once_in_one_row_of_the_outbox(store):
    coupons = [make_coupon(store) for _ in range(4)]
    heard: list[dict] = []

    def hear(sender, **event):
        heard.append(event)

    coupon_event.connect(hear)
    try:
        stopping.void([one.pk for one in coupons], reason=telling.BY_HAND, note="A wrong price", actor=ACTOR, now=NOON)
        assert OutboxMessage.objects.filter(topic="coupon.event").count() == 1
        deliver_due(topics=["coupon.event"])
    finally:
        coupon_event.disconnect(hear)
    assert [event["code"] for event in heard] == [one.code for one in coupons]
    assert {event["event"] for event in heard} == {"coupon.voided"}
    assert {(event["data"]["claims_voided"], event["data"]["note"]) for event in heard} == {(0, "A wrong price")}
    assert len({event["key"] for event in heard}) == 4


@pytest.mark.parametrize("act", ["stop", "void", "expire"])
def test_the_number_of_statements_does_not_depend_on_the_number_of_coupons(store, act):
    def run(ids: list[int]) -> int:
        with CaptureQueriesContext(
            connection,
        ) as seen:
            if act == "stop":
                stopping.stop_issuing(ids, by=PausedBy.CAMPAIGN, actor=ACTOR, freeze=True, now=NOON)
                stopping.let_go_on(ids, by=PausedBy.CAMPAIGN, actor=ACTOR, now=NOON)
            elif act == "void":
                stopping.void(ids, reason=telling.CAMPAIGN_CANCELLED, actor=ACTOR, now=NOON)
            else:
                stopping.expire(ids, now=NOON)
        return len(seen)

    def some(n: int) -> list[int]:
        found = []
        for _ in range(n):
            coupon = make_coupon(store, [make_listing(store)])
            _claims(coupon, claimed=2)
            found.append(coupon.pk)
        reserving.hold(found, now=NOON)
        return found

    few, many = some(2), some(6)
    assert run(few) == run(many)


def test_many_that_die_at_once_are_told_in_one_message(store):
    coupons = [make_coupon(store) for _ in range(21)]
    _claims(coupons[0], claimed=2)
    stopping.void([one.pk for one in coupons], reason=telling.CAMPAIGN_CANCELLED, actor=ACTOR, now=NOON)
    (message,) = Message.objects.all()
    assert (message.code, message.params) == ("NOTE_COUPONS_VOIDED", {"coupons": "21", "n": "2"})


def test_the_sweep_expires_what_is_due_once_and_leaves_those_of_campaigns(store):
    due = make_coupon(store, ends_at=NOON - timedelta(seconds=1), starts_at=NOON - timedelta(days=2))
    stopped = make_coupon(store, state="paused", ends_at=NOON, starts_at=NOON - timedelta(days=2))
    bound = make_coupon(store, ends_at=NOON, starts_at=NOON - timedelta(days=2), bond="bound")
    later = make_coupon(store, ends_at=NOON + timedelta(seconds=1))
    _claims(due, claimed=2)
    assert stopping.expire_due() == 2
    assert stopping.expire_due() == 0
    assert [_state(one).state for one in (due, stopped, bound, later)] == ["expired", "expired", "active", "active"]
    assert Claim.objects.filter(coupon=due, state="claimed").count() == 2
    (message,) = Message.objects.all()
    assert (message.code, message.params["n"]) == ("NOTE_COUPON_EXPIRED", "2")


def test_one_that_waits_for_its_campaign_is_not_issued(store):
    coupon = make_coupon(store, bond="waits")
    assert (coupon.state, coupon.is_issued) == (CouponState.ACTIVE, False)
    assert CouponTally.objects.get(coupon=coupon).issuing is False
    Coupon.objects.filter(pk=coupon.pk).update(bond="bound")
    assert CouponTally.objects.get(coupon=coupon).issuing is True
