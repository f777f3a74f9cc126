"""Claims counted by quarters of an hour: at any moment the figures are those of the rows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from core import clock
from core.scopes import in_store
from coupons import claiming, counting
from coupons.funnel import Funnel, funnel
from coupons.models import Claim, ClaimCount, ClaimNews, ClaimStage, Counted, Coupon
from orders import editing
from storefront import checkout, quoting
from tests import factories as make
from tests.coupon_rows import make_claims

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 10, 7, 12, 0, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@pytest.fixture
def hand() -> Iterator[clock.FrozenClock]:
    with clock.freeze(NOON) as frozen:
        yield frozen


@pytest.fixture
def store(hand: clock.FrozenClock) -> Iterator[Store]:
    made = make.make_store()
    with in_store(made.pk):
        yield made


def _count(now: datetime) -> int:
    total = 0
    while taken := counting.count_due(now=now):
        total += taken
    return total


def _read(coupon: Coupon, since: datetime, until: datetime, zone: str = "UTC") -> Funnel:
    return funnel(coupon, since=since, until=until, zone=zone)


def _agree(coupon: Coupon, *spans: tuple[datetime, datetime], zone: str = "UTC") -> Funnel:
    """The figures of these spans, which are the same without any counter; answers the last."""
    found = [_read(coupon, *span, zone) for span in spans]
    kept = list(Counted.objects.filter(coupon=coupon).values_list("pk", "until"))
    Counted.objects.filter(coupon=coupon).update(until=counting.EPOCH)
    assert [_read(coupon, *span, zone) for span in spans] == found
    for pk, until in kept:
        Counted.objects.filter(pk=pk).update(until=until)
    return found[-1]


def test_counted_and_counting_come_to_the_same_at_any_moment(store: Store, hand: clock.FrozenClock) -> None:
    actor, (sku,) = make.actor_for(make.owner_of(store)), make.make_skus(store, 1, price="20.00")
    coupon = make.make_coupon(
        store, [sku.listing], starts_at=NOON - 2 * HOUR, ends_at=NOON + 9 * HOUR, created_at=NOON - 2 * HOUR
    )
    make_claims(coupon, 40, redeemed=7, at=NOON - HOUR, every=timedelta(seconds=50), channel="push")
    make_claims(coupon, 20, redeemed=2, at=NOON - HOUR, every=timedelta(seconds=170), channel="", who="other")
    spans = [
        (NOON - 2 * HOUR, NOON + 8 * HOUR), (NOON - 47 * MINUTE, NOON - 3 * MINUTE), (NOON - 44 * MINUTE, NOON - 41 * MINUTE),
        (NOON - HOUR, NOON - 30 * MINUTE),
    ]  # fmt: skip
    spans.reverse()

    def total() -> tuple[int, int, int]:
        found = _agree(coupon, *spans).total
        return found.claims, found.orders, found.redemptions

    assert total() == (60, 9, 9)
    assert _count(NOON) == 1, "the news of rows made with a moment of the past is taken in"
    assert (_count(NOON), Counted.objects.get().until) == (0, NOON - 15 * MINUTE)
    assert not ClaimNews.objects.filter(claim__claimed_at__lt=NOON - 15 * MINUTE).exists()
    assert total() == (60, 9, 9)
    # Orders of two who claimed, one of them called off again; and one that uses the coupon, called off too.
    for code, buyer in (("A-1", "buyer-20"), ("A-2", "other-10")):
        body = {"buyer": buyer, "lines": [{"sku": sku.code, "quantity": 1}]}
        checkout.place_order(
            store, {"order": code, "quote": quoting.make_quote(store, body, actor=actor).code}, actor=actor
        )
    assert total() == (60, 11, 9)
    body = {"buyer": "buyer-30", "lines": [{"sku": sku.code, "quantity": 2}], "coupons": [coupon.code]}
    quote = quoting.make_quote(store, body, actor=actor)
    checkout.place_order(store, {"order": "A-3", "quote": quote.code}, actor=actor)
    assert total() == (60, 12, 10)
    hand.tick(40 * MINUTE)
    assert _count(clock.now()) == 1
    assert total() == (60, 12, 10)
    assert (ClaimStage.objects.count(), ClaimNews.objects.count()) == (12, 0)
    for code in ("A-1", "A-3"):
        editing.patch_order(store, code, {"state": "cancelled"}, actor=actor)
    assert total() == (60, 10, 9)
    assert _count(clock.now()) == 1
    assert total() == (60, 10, 9)
    assert ClaimStage.objects.count() == 10


def test_claims_that_come_late_and_go_on_coming_are_counted_once(store: Store, hand: clock.FrozenClock) -> None:
    coupon = make.make_coupon(store, starts_at=NOON - 9 * HOUR, ends_at=NOON + 9 * HOUR, created_at=NOON - 9 * HOUR)
    span = (NOON - 9 * HOUR, NOON + 9 * HOUR)
    for n in range(6):
        make_claims(coupon, 5, redeemed=1, at=clock.now() - 20 * MINUTE, every=5 * MINUTE, who=f"on time {n}")
        make_claims(coupon, 1, redeemed=1, at=clock.now() - 3 * HOUR, who=f"late {n}")
        assert _agree(coupon, span).total.claims == 6 * (n + 1)
        _count(clock.now())
        found = _agree(coupon, span)
        assert (found.total.claims, found.total.redemptions) == (6 * (n + 1), 2 * (n + 1))
        hand.tick(11 * MINUTE)
    assert Counted.objects.get().claims == sum(ClaimCount.objects.values_list("claims", flat=True))


def test_a_day_of_the_store_may_begin_at_three_quarters_of_an_hour(store: Store) -> None:
    coupon = make.make_coupon(store, starts_at=NOON - 48 * HOUR, ends_at=NOON, created_at=NOON - 48 * HOUR)
    midnight = datetime(2026, 10, 6, 18, 15, tzinfo=UTC)  # in Kathmandu
    make_claims(coupon, 6, at=midnight - 10 * MINUTE, every=4 * MINUTE)
    _count(NOON)
    found = _agree(coupon, (NOON - 48 * HOUR, NOON), zone="Asia/Kathmandu")
    assert [(one.day, one.claims) for one in found.days] == [(date(2026, 10, 6), 3), (date(2026, 10, 7), 3)]


def test_taking_a_claim_writes_nothing_for_the_counters(store: Store) -> None:
    listing = make.make_listing(store)
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")  # what the database itself holds for late
        (now,) = cursor.fetchone()
    coupon = make.make_coupon(store, [listing], starts_at=now - HOUR, ends_at=now + HOUR)
    given: dict[str, Any] = {"actor": make.system("test"), "now": now}
    claiming.claim(store, coupon.code, {"buyer": "first"}, **given)
    with CaptureQueriesContext(connection) as asked:
        claiming.claim(store, coupon.code, {"buyer": "second"}, **given)
    assert len(asked) == 2
    assert (Claim.objects.count(), ClaimNews.objects.count()) == (2, 0)
