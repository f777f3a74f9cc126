"""券效预警: stops by itself what does not redeem or what one address storms, reports, and looks back after a resume."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from audit.actors import system
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict
from core.scopes import in_store
from coupons import claiming, facts, joined, lifecycle, risk, stopping, tasks, telling, watch
from coupons.models import Claim, ClaimState, Coupon, CouponTally, Diagnosis, PausedBy
from inbox.models import Message
from listings.models import Sku
from tests import factories as make
from tests.coupon_rows import make_claims, make_refusal

pytestmark = pytest.mark.django_db
NOON = datetime.fromisoformat("2026-11-20T12:00:00+00:00")
DAY = timedelta(days=1)


@pytest.fixture
def store() -> Iterator[Store]:
    """A store; the clock stands at noon."""
    with clock.freeze(NOON):
        store = make.make_store()
        with in_store(store.pk):
            yield store


def _coupon(store: Store, claims: int, redeemed: int, **terms: object) -> Coupon:
    """A coupon issued for four days, with claims of the first of them."""
    given = {"quota": 5000, "activated_at": NOON - 4 * DAY, "starts_at": NOON - 4 * DAY} | terms
    coupon = make.make_coupon(store, **given)  # type: ignore[arg-type]  # fields by name, each test gives the few it is about
    make_claims(coupon, claims, redeemed=redeemed, at=NOON - 4 * DAY, who=coupon.code)
    return coupon


def _state(coupon: Coupon) -> tuple[str, str]:
    return Coupon.objects.values_list("state", "paused_by").get(pk=coupon.pk)


def test_too_little_redeemed_stops_the_issuing_and_only_that(store: Store) -> None:
    poor, fair, few, young, begun = (
        _coupon(store, 200, 22, code="EARBUD-LOW"),
        _coupon(store, 200, 30),
        _coupon(store, 99, 0),
        _coupon(store, 200, 0, activated_at=NOON - 2 * DAY),
        _coupon(store, 200, 0, starts_at=NOON - 2 * DAY),
    )
    tasks.effect_watch()
    assert _state(poor) == ("paused", "effect_watch")
    assert [_state(one)[0] for one in (fair, few, young, begun)] == ["active"] * 4, (
        "15 % is enough; a sample and an age are needed, counted from its start when it was issued before"
    )
    assert Claim.objects.filter(coupon=poor, state=ClaimState.CLAIMED).count() == 178, "claimed ones stay usable"
    assert not Coupon.objects.get(pk=poor.pk).freeze_claimed

    report = Diagnosis.objects.get()
    assert (report.coupon_id, report.signal, report.claimed, report.redeemed) == (poor.pk, "low_redemption", 200, 22)
    assert report.report["measured"] == "11.0"
    assert report.report["limit"] == "15"
    assert report.policy
    assert report.since == NOON - 4 * DAY
    assert report.examined_at
    message = Message.objects.get(code="ERR_COUPON_LOW_REDEMPTION")
    assert message.params["code"] == "EARBUD-LOW"
    assert message.params["report"] == report.pk
    entry = AuditEvent.objects.get(action="coupon.pause", store_id=store.pk)
    assert entry.actor_label == watch.ACTOR.label

    tasks.effect_watch()
    assert Diagnosis.objects.count() == 1
    assert Message.objects.filter(code="ERR_COUPON_LOW_REDEMPTION").count() == 1


def test_the_sweep_asks_as_much_for_many_coupons_as_for_one(store: Store) -> None:
    def queries(count: int) -> int:
        for _n in range(count):
            _coupon(store, 100, 1)
        with CaptureQueriesContext(connection) as asked:
            assert tasks.effect_watch()["stopped"] == count
        return len(asked)

    queries(1)  # warms what is read once a process
    assert queries(1) == queries(6)


def test_a_storm_from_one_address_stops_at_once(store: Store) -> None:
    coupon = _coupon(store, 5, 5)
    told = facts.VelocityFacts(claims=5, seconds=3600)
    row = make_refusal(coupon, told, buyer="storm", at=NOON)
    joined.on_refused.tell(
        joined.Refused(store, coupon.pk, coupon.code, row.pk, "claim", told.code, row.facts, "storm", "US", "", 1, system("test"), NOON)
    )  # fmt: skip
    assert _state(coupon) == ("paused", "effect_watch")
    report = Diagnosis.objects.get()
    assert (report.signal, report.report["measured"], report.report["limit"]) == ("address_storm", "5", "5")
    assert Message.objects.get().code == "ERR_COUPON_ADDRESS_STORM"


def test_the_sixth_claim_from_one_address_is_refused_and_stops_the_issuing(store: Store) -> None:
    coupon = make.make_coupon(store, [make.make_listing(store)], code="STORM-1")
    owner = make.actor_for(make.owner_of(store))

    def claim(n: int) -> None:
        told = {"buyer": f"buyer-{n}", "country": "US", "ip": "203.0.113.7", "channel": "push"}
        claiming.claim(store, "STORM-1", told, actor=owner)

    for n in range(5):
        claim(n)
    assert _state(coupon)[0] == "active"
    with pytest.raises(Conflict) as refused:
        claim(5)
    assert refused.value.code == "ERR_COUPON_VELOCITY"
    assert _state(coupon) == ("paused", "effect_watch")
    assert Diagnosis.objects.get().report["measured"] == "5"
    assert Claim.objects.filter(coupon=coupon, state=ClaimState.CLAIMED).count() == 5
    with pytest.raises(Conflict) as refused:
        claim(6)
    assert refused.value.code == "ERR_COUPON_STATE"


def test_the_sweep_finds_a_storm_that_nobody_reacted_to(store: Store) -> None:
    coupon, calm = _coupon(store, 5, 5), _coupon(store, 5, 5)
    make_refusal(coupon, facts.VelocityFacts(claims=5, seconds=3600), buyer="storm", at=NOON - timedelta(minutes=5))
    make_refusal(calm, facts.LimitFacts(), buyer="twice", at=NOON)
    tasks.effect_watch()
    assert (_state(coupon)[0], _state(calm)[0]) == ("paused", "active")


def test_a_storm_only_refuses_where_the_policy_says_so(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    coupon = _coupon(store, 5, 5)
    make_refusal(coupon, facts.VelocityFacts(claims=5, seconds=3600), buyer="storm", at=NOON)
    real = risk.policies.active
    monkeypatch.setattr(
        risk.policies, "active", lambda kind, now: real(kind, now).model_copy(update={"velocity_effect": "refuse"})
    )
    assert risk.AddressStorm().find(among=None, limit=10, now=NOON) == []
    assert _state(coupon)[0] == "active"


def test_a_resume_is_looked_back_at_and_leaves_seven_days_in_peace(store: Store) -> None:
    coupon = _coupon(store, 200, 10)
    tasks.effect_watch()
    owner = make.actor_for(make.owner_of(store))
    with clock.freeze(NOON + DAY) as now:
        lifecycle.resume(store, coupon.code, actor=owner)
        report = Diagnosis.objects.get()
        assert (report.resumed_at, report.follow_up_at) == (NOON + DAY, NOON + 8 * DAY)
        assert (report.claimed_before, report.redeemed_before) == (200, 10)
        assert not report.is_open
        make_claims(coupon, 150, redeemed=90, at=NOON + 2 * DAY, who="later")
        make_claims(coupon, 5, redeemed=5, at=NOON + 9 * DAY, who="too-late")
        now.move_to(NOON + 7 * DAY)
        assert tasks.effect_watch() | {"measured": 0} == tasks.effect_watch(), "neither judged nor measured yet"
        assert _state(coupon)[0] == "active"
        now.move_to(NOON + 8 * DAY)
        assert tasks.effect_watch()["measured"] == 1
        report.refresh_from_db()
        assert (report.after["claimed"], report.after["redeemed"], report.after["uses"]) == (150, 90, 90)
        assert report.after["again_at"] is None
        told = Message.objects.get(code="NOTE_COUPON_FOLLOW_UP").params
        assert (told["before"], told["after"], told["days"]) == ("5.0", "60.0", 7)
        assert tasks.effect_watch()["measured"] == 0
        assert _state(coupon)[0] == "active", "100 of 355 is above the line since the resume"


def test_after_the_look_back_only_what_came_since_is_judged(store: Store) -> None:
    coupon = _coupon(store, 200, 10)
    tasks.effect_watch()
    with clock.freeze(NOON + DAY) as now:
        lifecycle.resume(store, coupon.code, actor=make.actor_for(make.owner_of(store)))
        make_claims(coupon, 120, redeemed=2, at=NOON + 2 * DAY, who="later")
        now.move_to(NOON + 8 * DAY)
        assert tasks.effect_watch() | {"stopped": 0, "measured": 1} != {}
        tasks.effect_watch()
        assert _state(coupon) == ("paused", "effect_watch")
        again = Diagnosis.objects.latest("id")
        assert again.report["measured"] == "1.7"
        assert again.since == NOON + DAY


def test_a_stop_by_somebody_else_is_not_looked_back_at(store: Store) -> None:
    coupon = _coupon(store, 10, 0)
    actor = system("test")
    stopping.stop_issuing([coupon.pk], by=PausedBy.OPERATOR, actor=actor, now=NOON)
    stopping.let_go_on([coupon.pk], by=PausedBy.OPERATOR, actor=actor, now=NOON)
    assert not Diagnosis.objects.exists()


def test_a_report_of_a_coupon_that_is_over_is_closed(store: Store) -> None:
    coupon = _coupon(store, 200, 10)
    tasks.effect_watch()
    stopping.void([coupon.pk], reason=telling.BY_HAND, actor=system("test"), now=NOON + DAY)
    tasks.effect_watch()
    report = Diagnosis.objects.get()
    assert report.closed_at == NOON + DAY
    assert not report.is_open


def test_the_report_says_who_ordered_without_using_it_and_what_would_help(store: Store) -> None:
    pooled, other = make.make_listing(store, price="10.00"), make.make_listing(store, price="40.00")
    coupon = make.make_coupon(
        store, [pooled], quota=500, min_order="20.00", activated_at=NOON - 4 * DAY, starts_at=NOON - 4 * DAY, logistics=["standard"]
    )  # fmt: skip
    make_claims(coupon, 110, redeemed=2, at=NOON - 4 * DAY, every=timedelta(0), channel="email")
    sku, outside = (Sku.objects.get(listing=one) for one in (pooled, other))

    def order(buyer: int, good: Sku, quantity: int, logistics: str = "standard", **extra: object) -> None:
        given: dict[str, Any] = {"placed_at": NOON - DAY, "buyer": f"buyer-{buyer}", "logistics": logistics} | extra
        make.make_order(store, [good], quantity=quantity, **given)

    for buyer in (10, 11, 12):
        order(buyer, sku, 1)
    order(13, sku, 2, "epacket")
    order(14, sku, 3)
    order(15, outside, 1)
    order(16, sku, 2, placed_at=NOON - 5 * DAY)  # before the claim
    order(1, sku, 2)  # of a buyer who used it
    make_refusal(
        coupon, facts.MinOrderFacts(eligible=Decimal("18.70"), min_order=Decimal(20)), buyer="r-1", phase="order"
    )
    tasks.effect_watch()
    report = Diagnosis.objects.get().report
    assert dict(report["why"]) == {"below_min_order": 3, "logistics": 1, "not_entered": 1, "nothing_of_pool": 1}
    assert report["unused"] == 108
    assert report["channels"] == [["email", 110, 2]]
    assert report["refusals"] == [["ERR_COUPON_MIN_ORDER", 1, 1]]
    helps = [
        (one["kind"], one.get("value") or one.get("change", {}).get("value"), one.get("orders") or one.get("buyers"))
        for one in report["help"]
    ]
    assert helps[0] == ("min_order", "10.00", 3)
    assert ("remind", None, 1) in helps
    assert ("mirror", "18.50", 1) in helps


def test_a_signal_of_ones_own_joins_the_watch(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    coupon = _coupon(store, 3, 3)

    class TooGood:
        key: ClassVar[str] = "too_good"
        label: ClassVar[str] = "Too good"
        rule: ClassVar[str] = "All %(measured)s were redeemed."
        message: ClassVar[str] = "ERR_COUPON_LOW_REDEMPTION"

        def find(self, *, among: object, limit: int, now: datetime) -> list[risk.Finding]:
            rows = CouponTally.objects.filter(claimed__gt=0, coupon__state="active")
            return [
                risk.Finding(row.coupon_id, self.key, Decimal(row.redeemed), Decimal(0), now, row.claimed, row.redeemed, "own rule")
                for row in rows
            ]  # fmt: skip

    monkeypatch.setattr(risk, "_signals", dict(risk._signals))
    risk.register(TooGood())
    tasks.effect_watch()
    assert _state(coupon) == ("paused", "effect_watch")
    assert Diagnosis.objects.get().signal == "too_good"

    class Another(TooGood):
        pass

    with pytest.raises(ValueError, match="two signals"):
        risk.register(Another())
