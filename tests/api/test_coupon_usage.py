"""`GET /coupons/{code}/usage`, and the events that storefronts send about coupons."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from core import clock
from core.scopes import in_store
from coupons import facts
from coupons.funnel import funnel
from coupons.models import ExposureHour
from tests import factories as make
from tests.api.client import ok, problem
from tests.coupon_rows import make_claims, make_refusal


def test_usage_lists_what_happened_with_code_and_explanation(store, owner):
    with in_store(store.pk):
        coupon = make.make_coupon(store, code="RU-ONLY-3", regions=["RU"])
        make_claims(coupon, 3, redeemed=1, channel="push", country="RU")
        make_refusal(coupon, facts.RegionFacts(regions=("RU",)), buyer="pole", country="PL", times=2)
    rows = ok(owner.get("/coupons/RU-ONLY-3/usage"))["items"]
    assert sorted(row["status"] for row in rows) == ["claimed", "claimed", "redeemed", "refused"]
    assert [row["at"] for row in rows] == sorted((row["at"] for row in rows), reverse=True)
    (refused,) = ok(owner.get("/coupons/RU-ONLY-3/usage?status=refused"))["items"]
    assert refused["code"] == "ERR_COUPON_REGION"
    assert refused["message"] == "The buyer is in Poland; the coupon is for Russia only."
    assert (refused["fix"], refused["times"]) == ("Create a coupon whose regions include Poland.", 2)
    (redeemed,) = ok(owner.get("/coupons/RU-ONLY-3/usage?status=redeemed&channel=push"))["items"]
    assert (redeemed["amount"], redeemed["currency"]) == ("2.00", "USD")
    assert redeemed["order"]
    assert "pole" not in str(rows), "no buyer is in it"
    first = ok(owner.get("/coupons/RU-ONLY-3/usage?limit=3"))
    rest = ok(owner.get(f"/coupons/RU-ONLY-3/usage?limit=3&cursor={first['next_cursor']}"))
    assert first["items"] + rest["items"] == rows
    assert rest["next_cursor"] is None


def test_bad_questions_about_usage_are_answered_clearly(store, owner, nobody, stranger):
    with in_store(store.pk):
        make.make_coupon(store, code="ANY")
    problem(owner.get("/coupons/ANY/usage?status=lost"), 422)
    problem(owner.get("/coupons/ANY/usage?cursor=nonsense"), 422, "ERR_CURSOR")
    problem(owner.get("/coupons/ANY/usage?from=yesterday"), 422)
    problem(owner.get("/coupons/ANY/usage?channel=%00"), 422)
    problem(owner.get("/coupons/NONE/usage"), 404)
    problem(nobody.get("/coupons/ANY/usage"), 403, "ERR_PERMISSION")
    problem(stranger.get("/coupons/ANY/usage"), 404)
    assert ok(owner.get("/coupons/ANY/usage"))["items"] == []


def test_events_about_a_coupon_become_the_first_stage_of_its_funnel(store, owner):
    now = clock.now()
    with in_store(store.pk):
        coupon = make.make_coupon(store, code="KNIT-2-50", starts_at=now - timedelta(days=1))
        make.make_coupon(store, code="DRAFT-1", state="draft")
        make_claims(coupon, 4, redeemed=1, channel="push", at=now - timedelta(hours=2), every=timedelta(0))
        sku = make.make_skus(store, 1)[0]
        make.make_order(store, [sku], buyer="buyer-3", placed_at=now - timedelta(hours=1))

    def event(**told):
        return {"kind": "impression", "coupon": "knit-2-50", "channel": "push"} | told

    taken = ok(
        owner.post(
            "/events",
            {
                "events": [
                    event(count=100),
                    event(count=20),
                    event(kind="click", count=30),
                    event(channel="email", count=10),
                    {"kind": "click", "coupon": "KNIT-2-50"},
                    event(coupon="NOBODY"),
                    event(coupon="DRAFT-1"),
                    event(campaign="C-7F3KQ"),
                    event(channel="Ünknown"),
                    event(at="2020-01-01T00:00:00Z"),
                    {"kind": "click"},
                ]
            },
        ),
        202,
    )
    assert taken["accepted"] == 5
    assert [(row["index"], row["field"], row["code"]) for row in taken["rejected"]] == [
        (5, "coupon", "ERR_EVENT_COUPON"),
        (6, "at", "ERR_EVENT_WINDOW"),
        (7, "coupon", "ERR_EVENT_COUPON"),
        (8, "channel", "ERR_EVENT_CHANNEL"),
        (9, "at", "ERR_EVENT_WINDOW"),
        (10, "campaign", "ERR_EVENT_CAMPAIGN"),
    ]
    with in_store(store.pk):
        assert ExposureHour.objects.count() == 3
        found = funnel(coupon, since=now - timedelta(days=2), until=now + timedelta(hours=2), zone="UTC")
    total = found.total
    assert (total.impressions, total.clicks, total.claims, total.orders, total.redemptions) == (130, 31, 4, 2, 1)
    push = found.channels[0]
    assert (push.channel, push.impressions, push.click_rate, push.redemption_rate) == ("push", 120, 0.25, 0.25)
    assert sum(day.claims for day in found.days) == 4
    assert Decimal(found.days[0].redemptions) == 1
