"""Claims and their refusals (R55, R65, R66, R69, R71-R73, R141)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.models import Store
from audit.actors import Actor
from audit.models import AuditEvent
from core import clock
from core.errors import InvalidInput, NotFound, PermissionRefused
from core.scopes import in_store
from coupons import addresses, claiming, facts, joined
from coupons.claiming import ClaimAsk, claim
from coupons.models import Claim, ClaimAddress, Coupon, CouponTally, PoolCategory, Refusal
from coupons.refusing import CouponRefused
from listings.models import Listing, Sku
from tests import factories as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 27, 8, 0, tzinfo=UTC)


@pytest.fixture
def frozen() -> Iterator[clock.FrozenClock]:
    with clock.freeze(NOW) as hand:
        yield hand


@pytest.fixture
def store(frozen: clock.FrozenClock) -> Iterator[Store]:
    made = make.make_store()
    with in_store(made.pk):
        yield made


@pytest.fixture
def actor(store: Store) -> Actor:
    return make.actor_for(make.make_member(store, rights=["checkout.use"]))


def _ask(buyer: str = "anna", **more: Any) -> dict[str, Any]:
    return {"buyer": buyer, "country": "RU", **more}


def _refused(store: Store, coupon: Coupon, actor: Actor, **more: Any) -> CouponRefused:
    with pytest.raises(CouponRefused) as refused:
        claim(store, coupon.code, _ask(**more), actor=actor)
    return refused.value


def test_a_claim_is_counted_and_kept_and_no_second_one_is_given(store: Store, actor: Actor) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store)], quota=2)
    events = AuditEvent.objects.count()
    made = claim(store, coupon.code.lower(), _ask(channel="push"), actor=actor)
    kept = Claim.objects.get()
    assert (kept.pk, kept.code, kept.coupon_id) == (made.pk, made.code, coupon.pk)
    assert (kept.buyer, kept.country, kept.channel, kept.state) == ("anna", "RU", "push", "claimed")
    assert made.expires_at == kept.expires_at == coupon.ends_at
    again = _refused(store, coupon, actor)
    assert (again.code, again.status) == ("ERR_COUPON_LIMIT", 409)
    claim(store, coupon.code, _ask("boris"), actor=actor)
    assert _refused(store, coupon, actor, buyer="clara").code == "ERR_COUPON_EXHAUSTED"
    tally = CouponTally.objects.get(coupon=coupon)
    assert (tally.claimed, Claim.objects.count()) == (2, 2)
    assert AuditEvent.objects.count() == events, "a claim is its own record, a refusal too"


def test_two_statements_for_any_pool(store: Store, actor: Actor) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store) for _ in range(30)])
    claim(store, coupon.code, _ask("first", ip="203.0.113.7"), actor=actor)
    with CaptureQueriesContext(connection) as captured:
        claim(store, coupon.code, _ask("second", ip="203.0.113.7"), actor=actor)
    assert len(captured) == 2, [query["sql"][:80] for query in captured]


def test_each_reason_has_its_code(store: Store, actor: Actor, frozen: clock.FrozenClock) -> None:
    goods = [make.make_listing(store)]
    far: dict[str, Any] = {"starts_at": NOW - timedelta(days=9)}
    cases: list[tuple[Coupon, dict[str, Any], str]] = [
        (make.make_coupon(store, goods, regions=["RU"]), {"country": "PL"}, "ERR_COUPON_REGION"),
        (make.make_coupon(store, goods, regions=["RU"]), {"country": ""}, "ERR_COUPON_REGION"),
        (make.make_coupon(store, goods, channels=["email"]), {"channel": "push"}, "ERR_COUPON_CHANNEL"),
        (make.make_coupon(store, goods, logistics=["standard"]), {"logistics": "epacket"}, "ERR_COUPON_LOGISTICS"),
        (make.make_coupon(store, goods, starts_at=NOW + timedelta(seconds=1)), {}, "ERR_COUPON_WINDOW"),
        (make.make_coupon(store, goods, ends_at=NOW, **far), {}, "ERR_COUPON_WINDOW"),
        (make.make_coupon(store, goods, ends_at=NOW, state="expired", **far), {}, "ERR_COUPON_WINDOW"),
        (make.make_coupon(store, goods, state="paused"), {}, "ERR_COUPON_STATE"),
        (make.make_coupon(store, goods, state="voided"), {}, "ERR_COUPON_STATE"),
        (make.make_coupon(store, goods, state="draft"), {}, "ERR_COUPON_STATE"),
        (make.make_coupon(store, goods, bond="waits"), {}, "ERR_COUPON_STATE"),
        (make.make_coupon(store, [make.make_listing(store, stock=0)]), {}, "ERR_STOCK_SYNC_FAIL"),
        (make.make_coupon(store, [make.make_listing(store, state="delisted")]), {}, "ERR_STOCK_SYNC_FAIL"),
        (make.make_coupon(store, []), {}, "ERR_STOCK_SYNC_FAIL"),
    ]
    for coupon, more, code in cases:
        refused = _refused(store, coupon, actor, **more)
        row = Refusal.objects.get(coupon=coupon)
        assert (refused.code, row.code, row.phase, row.buyer, row.times) == (code, code, "claim", "anna", 1)
        assert facts.of(row.code, row.facts) is not None
        assert str(refused.detail) != code
        assert refused.extra["coupon"] == coupon.code
    assert not Claim.objects.exists()


def test_the_reason_is_told_in_the_readers_language_and_the_same_one_is_counted(
    store: Store, actor: Actor, frozen: clock.FrozenClock
) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store)], regions=["RU"], state="paused")
    assert "RU" not in str(_refused(store, coupon, actor, country="PL").detail)
    coupon = make.make_coupon(store, [make.make_listing(store)], regions=["RU"], channels=["push"])
    with translation.override("en"):
        assert str(_refused(store, coupon, actor, country="PL").detail) == "This coupon is only for buyers in: RU."
    frozen.tick(59 * 60)
    with translation.override("zh-hans"):
        assert str(_refused(store, coupon, actor, country="PL").detail) == "这张优惠券仅限以下国家或地区的买家：RU。"
    row = Refusal.objects.get(coupon=coupon)
    assert (row.times, row.at, row.last_at, row.hour) == (2, NOW, NOW + timedelta(minutes=59), NOW)
    assert row.facts == {"regions": ["RU"], "also": ["ERR_COUPON_CHANNEL"]}
    frozen.tick(60)
    _refused(store, coupon, actor, country="PL")
    assert Refusal.objects.filter(coupon=coupon).count() == 2


def test_first_orders_and_disputes_are_those_of_this_buyer(store: Store, actor: Actor) -> None:
    listing = make.make_listing(store)
    goods = [Sku.objects.get(listing=listing)]
    first = make.make_coupon(store, [listing], first_order_only=True)
    plain = make.make_coupon(store, [listing])
    make.make_order(store, goods, buyer="anna", state="cancelled", dispute="arbitration")
    claim(store, first.code, _ask(), actor=actor)
    make.make_order(store, goods, buyer="boris", dispute="arbitration")
    assert _refused(store, first, actor, buyer="boris").code == "ERR_COUPON_FIRST_ORDER"
    claim(store, plain.code, _ask("boris"), actor=actor)
    for days in (1, 29):
        make.make_order(store, goods, buyer="clara", dispute="arbitration", placed_at=NOW - timedelta(days=days))
    for days in (31, 40):
        make.make_order(store, goods, buyer="dora", dispute="arbitration", placed_at=NOW - timedelta(days=days))
    assert _refused(store, plain, actor, buyer="clara").code == "ERR_COUPON_DISPUTES"
    claim(store, plain.code, _ask("dora"), actor=actor)


def test_synced_stock_must_be_fresh_and_counted_stock_is_trusted(
    store: Store, actor: Actor, frozen: clock.FrozenClock
) -> None:
    listing = make.make_listing(store)
    coupon = make.make_coupon(store, [listing])
    rows = Sku.objects.filter(listing=listing)
    frozen.tick(timedelta(days=3))
    claim(store, coupon.code, _ask("by hand"), actor=actor)
    synced = clock.now()
    rows.update(stock_as_of=synced, stock_synced_at=synced)
    frozen.move_to(synced + timedelta(minutes=18))
    claim(store, coupon.code, _ask("in time"), actor=actor)
    frozen.tick(1)
    late = _refused(store, coupon, actor)
    assert late.code == "ERR_STOCK_SYNC_FAIL"
    assert Refusal.objects.get().facts["reason"] == "stale"
    rows.update(stock_as_of=clock.now() - timedelta(minutes=4), stock_synced_at=clock.now())
    assert _refused(store, coupon, actor).code == "ERR_STOCK_SYNC_FAIL", "the news itself came four minutes late"
    rows.update(stock_as_of=clock.now(), stock_synced_at=clock.now())
    claim(store, coupon.code, _ask(), actor=actor)


def test_a_pool_by_category_counts_what_is_below_it(store: Store, actor: Actor) -> None:
    listing = make.make_listing(store)
    coupon = make.make_coupon(store, [])
    PoolCategory.objects.create(store=store, coupon=coupon, category=listing.category)
    claim(store, coupon.code, _ask(), actor=actor)
    Listing.objects.filter(pk=listing.pk).update(state="taken_down")
    assert _refused(store, coupon, actor, buyer="boris").code == "ERR_STOCK_SYNC_FAIL"


@pytest.mark.parametrize(("sixth", "allowed"), [("203.0.113.7", False), ("203.0.113.8", True), ("", True)])
def test_the_sixth_claim_of_an_address_within_the_hour_is_refused(
    store: Store, actor: Actor, frozen: clock.FrozenClock, monkeypatch: pytest.MonkeyPatch, sixth: str, allowed: bool
) -> None:
    told: list[joined.Refused] = []
    coupon = make.make_coupon(store, [make.make_listing(store)])
    for number in range(5):
        claim(store, coupon.code, _ask(f"buyer {number}", ip="203.0.113.7"), actor=actor)
        _refused(store, coupon, actor, buyer=f"buyer {number}", ip="203.0.113.7")
        frozen.tick(60)
    if allowed:
        claim(store, coupon.code, _ask("sixth", ip=sixth), actor=actor)
        return
    monkeypatch.setattr(joined.on_refused, "receivers", [told.append])
    assert _refused(store, coupon, actor, buyer="sixth", ip=sixth).code == "ERR_COUPON_VELOCITY"
    assert [(news.code, news.phase, news.facts) for news in told] == [
        ("ERR_COUPON_VELOCITY", "claim", {"claims": 5, "seconds": 3600})
    ]
    claim(store, coupon.code, _ask("elsewhere", ip="198.51.100.1"), actor=actor)
    frozen.move_to(NOW + timedelta(hours=1, seconds=1))
    claim(store, coupon.code, _ask("sixth", ip=sixth), actor=actor)


def test_addresses_are_hashes_and_go_after_a_day(store: Store, actor: Actor, frozen: clock.FrozenClock) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store)])
    claim(store, coupon.code, _ask(ip="2001:db8:1:2:aaaa::1"), actor=actor)
    claim(store, coupon.code, _ask("boris", ip="2001:db8:1:2:bbbb::9"), actor=actor)
    claim(store, coupon.code, _ask("clara", ip="::ffff:203.0.113.7"), actor=actor)
    claim(store, coupon.code, _ask("dora", ip="203.0.113.7"), actor=actor)
    digests = [bytes(row.digest) for row in ClaimAddress.objects.order_by("id")]
    assert digests[0] == digests[1] != digests[2] == digests[3], "one network is one address, however it is written"
    assert all(len(one) == 32 and b"203.0.113.7" not in one for one in digests)
    frozen.tick(timedelta(hours=24))
    assert addresses.drop_old(now=clock.now()) == 0
    frozen.tick(1)
    assert addresses.drop_old(now=clock.now()) == 4
    assert not ClaimAddress.objects.exists()


def test_further_conditions_and_codes_join(store: Store, actor: Actor, monkeypatch: pytest.MonkeyPatch) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store)], segment={"name": "regulars"})
    seen: list[ClaimAsk] = []

    def only_anna(ask: ClaimAsk) -> facts.Facts | None:
        seen.append(ask)
        return None if ask.buyer == "anna" else facts.FirstOrderFacts(orders=9)

    told: list[joined.Claimed] = []
    monkeypatch.setattr(claiming, "conditions", [only_anna])
    monkeypatch.setattr(claiming, "readers", [lambda _store, _codes, _buyer: {"SINGLE-1": coupon.pk}])
    monkeypatch.setattr(joined.on_led, "receivers", [told.append])
    claim(store, "single-1", _ask(), actor=actor)
    assert _refused(store, coupon, actor, buyer="boris").code == "ERR_COUPON_FIRST_ORDER"
    assert seen[0].segment == {"name": "regulars"}
    assert [(one.entered, one.coupon_code, one.buyer) for one in told] == [("SINGLE-1", coupon.code, "anna")]


def test_a_receiver_that_refuses_takes_the_claim_back(
    store: Store, actor: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store)])

    def refuse(news: joined.Claimed) -> None:
        raise CouponRefused(news.coupon_id, news.coupon_code, claiming.Why(facts.LimitFacts()))

    monkeypatch.setattr(joined.on_claimed, "receivers", [refuse])
    assert _refused(store, coupon, actor).code == "ERR_COUPON_LIMIT"
    assert not Claim.objects.exists()
    assert CouponTally.objects.get(coupon=coupon).claimed == 0
    assert Refusal.objects.count() == 1


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        ({}, "buyer", "ERR_BUYER_MISSING"),
        ({"buyer": "a", "country": "Poland"}, "country", "ERR_COUNTRY"),
        ({"buyer": "a", "ip": "999.1.1.1"}, "ip", "ERR_FORMAT"),
        ({"buyer": "a", "ip": 7}, "ip", "ERR_FORMAT"),
        ({"buyer": ["a"]}, "buyer", "ERR_TYPE"),
        ({"buyer": "a\x00b"}, "buyer", "ERR_TEXT_CHARACTER"),
        ({"buyer": "a", "shoe_size": 43}, "shoe_size", "ERR_FIELD_UNKNOWN"),
    ],
)
def test_bad_input_is_told_by_field(store: Store, actor: Actor, data: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(InvalidInput) as wrong:
        claim(store, "X", data, actor=actor)
    assert [(one.field, one.code) for one in wrong.value.errors] == [(field, code)]


def test_who_may_and_what_is_there(store: Store, actor: Actor) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store)])
    stranger = make.actor_for(make.make_member(store, rights=["coupons.view"]))
    for code in (coupon.code, "NO-SUCH"):
        with pytest.raises(PermissionRefused):
            claim(store, code, _ask(), actor=stranger)
    with pytest.raises(NotFound):
        claim(store, "NO-SUCH", _ask(), actor=actor)
    other = make.make_store()
    with in_store(other.pk), pytest.raises(NotFound):
        claim(other, coupon.code, _ask(), actor=make.actor_for(make.owner_of(other)))
    assert not Refusal.objects.exists()


def test_the_database_itself_holds_the_quota(store: Store) -> None:
    coupon = make.make_coupon(store, [], quota=1)
    with pytest.raises(IntegrityError, match="coupon_never_over_quota"):
        CouponTally.objects.filter(coupon=coupon).update(claimed=2)
