"""Segments: read with every fault, said in words, counted in one query, enforced, and issued to within the quota."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import translation

from accounts.models import Store
from core import clock
from core.errors import Conflict
from core.scopes import in_store
from coupons import audience, claiming, personal, segments
from coupons.models import Claim, Coupon, CouponTally, Refusal
from coupons.segments import Asked
from listings import jobs
from listings.models import Job, Sku
from tests import factories as make

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)
BOUGHT = {"kind": "bought", "category": "toys", "days": 30}
QUIET = {"kind": "quiet", "days": 10}
SPENT = {"kind": "spent", "amount": "40.00", "currency": "USD", "days": 90}
ABROAD = {"kind": "country", "countries": ["BR", "RU"]}


@pytest.fixture
def store(db: None) -> Iterator[Store]:
    found = make.make_store()
    with clock.freeze(NOON), in_store(found.pk):
        yield found


@pytest.fixture
def toy(store: Store) -> Sku:
    return make.make_listing(store, category="toys", price="24.00").skus.get()


@pytest.fixture
def people(store: Store, toy: Sku) -> None:
    """anna: a toy lately, RU · ben: a toy long ago, then a lamp, BR · carl: two lamps 20 days ago, US · dora: called off."""
    lamp = make.make_listing(store, category="home", price="24.00").skus.get()
    for buyer, sku, days, country, state in (
        ("anna", toy, 2, "RU", "paid"),
        ("ben", toy, 60, "US", "paid"),
        ("ben", lamp, 5, "BR", "paid"),
        ("carl", lamp, 20, "US", "paid"),
        ("carl", lamp, 21, "BR", "paid"),
        ("dora", toy, 1, "BR", "cancelled"),
    ):
        make.make_order(store, [sku], buyer=buyer, country=country, state=state, placed_at=NOON - days * DAY)
    make.make_order(store, [lamp], buyer="", country="BR", placed_at=NOON - DAY)


def who(store: Store, *rules: dict) -> tuple[int | None, set[str]]:
    """The count, and the buyers whom the claim's own question lets in: the two must say the same."""
    kept, faults = segments.read(store, {"rules": list(rules)})
    assert not faults
    known = ("anna", "ben", "carl", "dora", "zoe")
    let_in = {name for name in known if segments.judge(kept, Asked(store.pk, name, ""), now=NOON) is None}
    return segments.count(store, kept, now=NOON), let_in


@pytest.mark.usefixtures("people")
def test_each_rule_counts_and_judges_the_same_buyers(store: Store, django_assert_num_queries):
    assert who(store, BOUGHT) == (1, {"anna"})
    assert who(store, QUIET) == (1, {"carl"})
    assert who(store, SPENT) == (2, {"ben", "carl"})
    assert who(store, ABROAD) == (2, {"anna", "ben"})
    assert who(store, SPENT, ABROAD) == (1, {"ben"})
    assert who(store, {"kind": "named", "buyers": ["carl", "zoe"]}) == (2, {"carl", "zoe"})
    assert who(store, {"kind": "first_order"}) == (None, {"dora", "zoe"})
    assert who(store, {"kind": "first_order"}, {"kind": "named", "buyers": ["carl", "zoe"]}) == (1, {"zoe"})
    kept, _ = segments.read(store, {"rules": [BOUGHT, QUIET, SPENT, ABROAD]})
    with django_assert_num_queries(1):
        segments.count(store, kept, now=NOON)
    with django_assert_num_queries(1):
        refused = segments.judge(kept, Asked(store.pk, "zoe", "RU"), now=NOON)
    assert refused is not None
    assert refused.stored() == {"rules": ["bought", "quiet", "spent"]}


def test_rules_say_themselves_in_both_languages(store: Store):
    kept, faults = segments.read(
        store, {"rules": [BOUGHT, QUIET, SPENT, ABROAD, {"kind": "named", "buyers": ["anna"]}]}
    )
    assert not faults
    with translation.override("en"):
        assert segments.words(kept)[1] == "have ordered before, but not in the last 10 days"
        assert "Brazil" in segments.words(kept)[3]
    with translation.override("zh-hans"):
        assert "巴西" in segments.words(kept)[3]
        assert "10天" in segments.words(kept)[1]


def test_every_fault_is_named_under_its_field(store: Store):
    wrong = {
        "rules": [
            {"kind": "bought", "category": "nothing", "days": 3},
            {"kind": "quiet", "days": 100_000},
            {"kind": "country", "countries": ["XX"]},
            {"kind": "spent", "amount": "1", "currency": "ZZZ", "days": 1},
        ]
    }
    _, faults = segments.read(store, wrong)
    assert [fault.field for fault in faults] == [
        "segment.rules.0.category", "segment.rules.1.days", "segment.rules.2.countries", "segment.rules.3.currency",
    ]  # fmt: skip
    every: tuple[dict[str, Any], ...] = (
        {"rules": [{"kind": "magic"}]},
        {"rules": [{}]},
        {"rules": "x"},
        {"other": 1},
        {"rules": [{"kind": "quiet"}]},
        {"rules": [{"kind": "quiet", "days": True}]},
    )
    for garbage in every:
        kept, faults = segments.read(store, garbage)
        assert not kept
        assert faults
        assert all(fault.field.startswith("segment") for fault in faults)
    assert segments.read(store, {}) == ({}, [])


def test_named_buyers_are_kept_as_their_claims_name_them(store: Store):
    kept, faults = segments.read(store, {"rules": [{"kind": "named", "buyers": [" Zoe\u0301  Q ", "ben"]}]})
    assert (kept["rules"][0]["buyers"], faults) == (["Zo\u00e9 Q", "ben"], [])
    for wrong in ("", " ", "a\u0007b", "x" * 81):
        _, faults = segments.read(store, {"rules": [{"kind": "named", "buyers": ["ben", wrong]}]})
        assert [fault.field for fault in faults] == ["segment.rules.0.buyers.1"]


def test_the_field_of_the_form_goes_there_and_back(store: Store):
    keeper = audience.keeper()
    assert keeper is not None

    field = keeper.field(store)

    class Asking(forms.Form):
        segment = field

    given = {
        "segment_first_order": "", "segment_category": "toys", "segment_bought_days": "30", "segment_quiet_days": "10",
        "segment_amount": "40", "segment_spent_days": "90", "segment_countries": "br，RU", "segment_buyers": "anna\nben\nanna\n",
    }  # fmt: skip
    form = Asking(given)
    assert form.is_valid(), form.errors
    asked = keeper.from_form(form.cleaned_data["segment"])
    kept, faults = keeper.read(store, asked)
    assert not faults
    assert [rule["kind"] for rule in kept["rules"]] == ["bought", "quiet", "spent", "country", "named"]
    again = Asking(initial={"segment": keeper.to_form(kept)})
    text = str(again["segment"])
    assert 'value="toys" selected' in text
    assert "BR, RU" in text
    half = Asking({"segment_bought_days": "30"})
    assert half.is_valid()
    _, faults = keeper.read(store, keeper.from_form(half.cleaned_data["segment"]))
    assert faults
    empty = Asking({})
    assert empty.is_valid()
    assert keeper.from_form(empty.cleaned_data["segment"]) == {}


@pytest.mark.usefixtures("people")
def test_issuing_reaches_each_buyer_of_the_segment_once_within_the_quota(store: Store, toy: Sku):
    owner = make.actor_for(make.owner_of(store))
    for n in range(5):
        make.make_order(store, [toy], buyer=f"fan-{n}", country="US", placed_at=NOON - DAY)
    for n in range(2):
        make.make_order(store, [toy], buyer="fan-0", dispute="arbitration", placed_at=NOON - n * DAY)
    coupon = make.make_coupon(store, quota=5, segment={"rules": [BOUGHT]})
    Claim.objects.create(store=store, coupon=coupon, code="K-HELD", buyer="fan-1", claimed_at=NOON)
    CouponTally.objects.filter(coupon=coupon).update(claimed=1)
    personal.issue(store, coupon.code, actor=owner)
    jobs.run_due()
    assert set(Claim.objects.filter(coupon=coupon).values_list("buyer", flat=True)) == {
        "anna", "fan-1", "fan-2", "fan-3", "fan-4",
    }  # fmt: skip
    assert CouponTally.objects.get(coupon=coupon).claimed == 5
    job = Job.objects.get(store=store, kind=personal.KIND)
    assert (job.state, job.total) == ("done", 4)
    personal.issue(store, coupon.code, actor=owner)
    jobs.run_due()
    assert CouponTally.objects.get(coupon=coupon).claimed == 5


@pytest.mark.usefixtures("people")
def test_a_claim_of_somebody_outside_is_refused_with_the_code(store: Store, toy: Sku):
    owner = make.actor_for(make.owner_of(store))
    coupon = make.make_coupon(store, [toy.listing], segment={"rules": [BOUGHT]})
    assert claiming.claim(store, coupon.code, {"buyer": "anna"}, actor=owner).buyer == "anna"
    with pytest.raises(Conflict) as refused:
        claiming.claim(store, coupon.code, {"buyer": "carl"}, actor=owner)
    assert refused.value.code == "ERR_COUPON_SEGMENT"
    assert Refusal.objects.get(coupon=coupon).facts == {"rules": ["bought"]}


def test_a_coupon_of_one_site_is_not_claimed_on_another(store: Store, toy: Sku):
    owner = make.actor_for(make.owner_of(store))
    coupon = make.make_coupon(store, [toy.listing], sites=["ru", "en"])
    for buyer, site in (("anna", "ru"), ("ben", "")):
        assert claiming.claim(store, coupon.code, {"buyer": buyer, "site": site}, actor=owner).buyer == buyer
    with pytest.raises(Conflict) as refused:
        claiming.claim(store, coupon.code, {"buyer": "carl", "site": "zh"}, actor=owner)
    assert refused.value.code == "ERR_COUPON_SITE"


def test_what_cannot_be_issued_says_why(store: Store):
    owner = make.actor_for(make.owner_of(store))
    quiet = {"segment": {"rules": [QUIET]}}
    cases: tuple[tuple[str, dict[str, Any]], ...] = (
        (segments.CODE, {}),
        (segments.CODE, {"segment": {"rules": [{"kind": "first_order"}]}}),
        ("ERR_COUPON_STATE", {**quiet, "state": "paused"}),
        ("ERR_COUPON_STATE", {**quiet, "bond": "waits"}),
        ("ERR_COUPON_CODE_NEEDED", {**quiet, "codes_only": True}),
    )
    for code, extra in cases:
        with pytest.raises(Conflict, match=code):
            personal.issue(store, make.make_coupon(store, **extra).code, actor=owner)


@pytest.mark.usefixtures("people")
def test_the_overview_says_who_may_claim_and_issues(store: Store, client):
    client.force_login(make.owner_of(store))
    coupon = make.make_coupon(store, segment={"rules": [ABROAD]})
    places = {"store": store.slug, "code": coupon.code}
    counted = reverse("coupons:segment_count", kwargs=places)
    with CaptureQueriesContext(connection) as asked:
        text = client.get(reverse("coupons:detail", kwargs=places)).content.decode()
    assert not any("DISTINCT o.buyer" in query["sql"] for query in asked), "the page does not wait for the count"
    assert f'hx-get="{counted}"' in text
    for address in (counted, reverse("coupons:detail", kwargs=places) + "?count=1"):
        assert "2 buyers match now" in client.get(address).content.decode()
    assert "Brazil" in text
    assert client.get(reverse("coupons:issue", kwargs=places)).status_code == 200
    assert client.post(reverse("coupons:issue", kwargs=places)).status_code == 302
    jobs.run_due()
    assert Coupon.objects.get(pk=coupon.pk).tally.claimed == 2
