"""The cost ledger: insert-only, once each, taken back by an entry of its own; budgets never exceeded; figures by hand."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import translation

from accounts.models import Store
from core import clock
from core.errors import Conflict, InvalidInput, VersionConflict
from core.models import OutboxMessage
from core.outbox import deliver_due
from core.scopes import in_store
from coupons import budgets, cost_figures, costs, creating, lifecycle
from coupons.costs import Spent
from coupons.joined import Redeemed
from coupons.models import Claim, CostEntry, Coupon, CouponTally
from inbox import reading
from inbox.catalogue import lookup
from inbox.models import Message
from listings.models import Sku
from tests import factories as make

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def frozen() -> Iterator[clock.FrozenClock]:
    with clock.freeze(NOON) as moving:
        yield moving


@pytest.fixture
def store(db: None, frozen: clock.FrozenClock) -> Iterator[Store]:
    found = make.make_store()
    with in_store(found.pk):
        yield found


def claim_of(coupon: Coupon, buyer: str, *, at: datetime = NOON, order: str = "") -> Claim:
    used = {"state": "redeemed", "redeemed_at": at, "order_code": order, "amount": coupon.face_value} if order else {}
    claim = Claim.objects.create(
        store_id=coupon.store_id, coupon=coupon, code=f"K-{make.serial()}", buyer=buyer, claimed_at=at, **used
    )
    tally = CouponTally.objects.get(coupon=coupon)
    tally.claimed += 1
    tally.redeemed += bool(order)
    tally.save()
    return claim


def redeem(coupon: Coupon, sku: Sku, buyer: str, *, at: datetime = NOON, quantity: int = 1) -> Claim:
    order = make.make_order(make_store_of(coupon), [sku], buyer=buyer, placed_at=at, quantity=quantity)
    claim = claim_of(coupon, buyer, at=at, order=order.code)
    spent = [Spent(coupon.pk, claim.pk, coupon.face_value)]
    assert not costs.spend(coupon.store_id, spent, now=at)
    costs.note(coupon.store_id, order.code, spent, now=at)
    return claim


def make_store_of(coupon: Coupon) -> Store:
    return Store.objects.get(pk=coupon.store_id)


def good(store: Store, *, price: str = "24.00", cost: str | None = "14.00") -> Sku:
    return make.make_listing(store, price=price, cost=cost).skus.get()


def test_a_redemption_is_written_once_with_the_margin_of_its_order(store: Store):
    coupon = make.make_coupon(store, face_value="5.00")
    claim = redeem(coupon, good(store), "anna", quantity=2)
    costs.note(store.pk, claim.order_code, [Spent(coupon.pk, claim.pk, Decimal("5.00"))], now=NOON)
    entry = CostEntry.objects.get(coupon=coupon)
    assert (entry.amount, entry.goods_sales, entry.goods_margin, entry.lines_without_cost) == (
        Decimal(5), Decimal(48), Decimal(20), 0,
    )  # fmt: skip
    assert CouponTally.objects.get(coupon=coupon).spent == 5


def test_nothing_in_the_ledger_can_be_changed_or_deleted(store: Store):
    coupon = make.make_coupon(store)
    redeem(coupon, good(store), "anna")
    rows = CostEntry.objects.filter(coupon=coupon)
    with pytest.raises(IntegrityError, match="kept as it was written"), transaction.atomic():
        rows.update(amount=1)
    with pytest.raises(IntegrityError, match="kept as it was written"), transaction.atomic():
        rows.delete()


def test_what_comes_back_is_an_entry_of_its_own_and_returns_to_the_budget_once(store: Store):
    coupon = make.make_coupon(store, face_value="5.00", budget=Decimal(50))
    claim = redeem(coupon, good(store), "anna")
    for _ in range(2):
        costs.take_back(store.pk, claim.order_code, [claim.pk], now=NOON)
    assert list(CostEntry.objects.filter(coupon=coupon).order_by("id").values_list("kind", "amount")) == [
        ("redemption", Decimal(5)), ("reversal", Decimal(-5)),
    ]  # fmt: skip
    assert CouponTally.objects.get(coupon=coupon).spent == 0
    sums = cost_figures.totals(coupon)
    assert not any((sums.given, sums.redemptions, sums.sales, sums.margin))


def test_the_end_of_the_budget_is_told_and_what_it_does_not_bear_is_named(store: Store):
    coupon = make.make_coupon(store, face_value="5.00", budget=Decimal("12.00"))
    sku = good(store)
    redeem(coupon, sku, "anna")
    assert not OutboxMessage.objects.filter(topic=costs.SPENT_UP).exists()
    redeem(coupon, sku, "ben")
    assert OutboxMessage.objects.filter(topic=costs.SPENT_UP, payload={"coupon": coupon.pk}).count() == 1
    late = claim_of(coupon, "carl")
    assert costs.spend(store.pk, [Spent(coupon.pk, late.pk, Decimal(5))], now=NOON) == {coupon.pk}
    assert costs.spend(store.pk, [Spent(coupon.pk, late.pk, Decimal(2))], now=NOON) == frozenset()
    assert CouponTally.objects.get(coupon=coupon).spent == 12


@pytest.mark.django_db(transaction=True)
def test_sixteen_orders_at_once_never_pass_the_budget():
    """Also with the row's check gone, which would catch it: the write itself is conditional."""
    store = make.make_store()
    with in_store(store.pk):
        coupon = make.make_coupon(store, face_value="5.00", budget=Decimal("26.00"))
        claims = [claim_of(coupon, f"buyer-{n}") for n in range(16)]
    gate = threading.Barrier(16)
    refused: list[int] = []
    written: list[int] = []

    def order(claim: Claim) -> None:
        try:
            gate.wait()
            with transaction.atomic():
                over = costs.spend(store.pk, [Spent(coupon.pk, claim.pk, Decimal(5))], now=NOON)
            (refused if over else written).append(claim.pk)
        finally:
            connection.close()

    threads = [threading.Thread(target=order, args=(claim,)) for claim in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with in_store(store.pk):
        assert (len(written), len(refused)) == (5, 11)
        assert CouponTally.objects.get(coupon=coupon).spent == 25


def test_the_end_of_the_budget_stops_issuing_with_a_message_and_a_larger_one_lets_it_go_on(store: Store):
    owner = make.actor_for(make.owner_of(store))
    sku = good(store)
    coupon = make.make_coupon(store, [sku.listing], face_value="5.00", budget=Decimal("12.00"))
    for buyer in ("anna", "ben"):
        redeem(coupon, sku, buyer)
    deliver_due(topics=[costs.SPENT_UP])
    stopped = Coupon.objects.get(pk=coupon.pk)
    assert (stopped.state, stopped.paused_by) == ("paused", "budget")
    told = Message.objects.get(store=store, code="ERR_COUPON_BUDGET")
    assert (told.params["spent"], stopped.reason) == ("10.00", budgets.USED_UP)
    code = lookup(told.code)
    assert code is not None
    assert code.url(store.slug, told.params) == f"/s/{store.slug}/coupons/{coupon.code}/costs/"
    for language, words in (("en", "$10.00 of $12.00 are spent;"), ("zh-hans", "预算US$12.00已用US$10.00，")):
        with translation.override(language):
            assert reading.present(store, [told])[0].cause.startswith(words)
    with pytest.raises(Conflict, match="ERR_COUPON_BUDGET"):
        lifecycle.resume(store, coupon.code, actor=owner)  # nobody could claim it
    with pytest.raises(InvalidInput):
        budgets.set_budget(store, coupon.code, budget="9.99", actor=owner)
    with pytest.raises(VersionConflict):
        budgets.set_budget(store, coupon.code, budget="99", version=1, actor=owner)
    assert budgets.set_budget(store, coupon.code, budget="14.00", actor=owner).state == "paused"
    going = budgets.set_budget(store, coupon.code, budget="15.00", actor=owner)
    assert (going.state, going.paused_by) == ("active", "")
    assert going.tally.budget == 15
    redeem(coupon, sku, "clara")
    deliver_due(topics=[costs.SPENT_UP])
    assert Message.objects.filter(store=store, code="ERR_COUPON_BUDGET").count() == 2, "each stop is told"
    assert budgets.set_budget(store, coupon.code, budget=None, actor=owner).budget is None
    with pytest.raises(Conflict):
        budgets.set_budget(store, make.make_coupon(store, state="voided").code, budget="5", actor=owner)


def test_a_draft_has_no_clicks_and_can_be_deleted(store: Store):
    owner = make.actor_for(make.owner_of(store))
    draft = make.make_coupon(store, state="draft", cpc_cost=Decimal("0.28"))
    with pytest.raises(Conflict, match="ERR_COUPON_STATE"):
        costs.record_clicks(store, draft.code, clicks=10, actor=owner)
    creating.delete_draft(store, draft.code, actor=owner)
    assert not Coupon.objects.filter(pk=draft.pk).exists()


def test_a_redemption_that_the_budget_does_not_bear_is_refused_as_a_whole(store: Store):
    coupon = make.make_coupon(store, face_value="5.00", budget=Decimal("4.00"))
    order = make.make_order(store, [good(store)], buyer="anna")
    claim = claim_of(coupon, "anna", order=order.code)
    news = Redeemed(
        store,
        coupon.pk,
        coupon.code,
        claim.pk,
        order.code,
        Decimal(5),
        "USD",
        make.actor_for(make.owner_of(store)),
        NOON,
    )
    with pytest.raises(Conflict) as refused:
        costs.redeemed(news)
    assert refused.value.code == "ERR_COUPON_EXHAUSTED"
    assert not CostEntry.objects.filter(coupon=coupon).exists()


def test_clicks_cost_the_price_a_click_and_can_be_taken_back(store: Store):
    owner = make.actor_for(make.owner_of(store))
    coupon = make.make_coupon(store, cpc_cost=Decimal("0.28"))
    costs.record_clicks(store, coupon.code, clicks=100, actor=owner)
    costs.record_clicks(store, coupon.code, clicks=-50, actor=owner)
    costs.record_clicks(store, coupon.code, clicks=10, amount="4.00", actor=owner)
    sums = cost_figures.totals(coupon)
    assert (sums.clicks, sums.clicks_cost, sums.cost) == (60, Decimal("18.00"), Decimal("18.00"))
    free = make.make_coupon(store)
    for wrong in ({"clicks": 0}, {"clicks": 10}, {"clicks": 1, "amount": "-3"}):
        with pytest.raises(InvalidInput):
            costs.record_clicks(store, free.code, actor=owner, **wrong)


def test_cost_against_margin_and_the_four_effects_by_hand(store: Store, frozen: clock.FrozenClock):
    sku, dear = good(store), good(store, cost=None)
    coupon = make.make_coupon(store, face_value="3.00", starts_at=NOON - 20 * DAY, ends_at=NOON + DAY)
    redeem(coupon, sku, "anna", at=NOON - 12 * DAY)
    make.make_order(store, [sku], buyer="anna", placed_at=NOON - 8 * DAY)  # came again within 7 days
    redeem(coupon, sku, "ben", at=NOON - 10 * DAY)
    redeem(coupon, dear, "carl", at=NOON - DAY)  # too young to be judged
    claim_of(coupon, "dora", at=NOON - 5 * DAY)
    make.make_order(store, [sku], buyer="dora", placed_at=NOON - 6 * DAY)  # before her claim
    make.make_order(store, [sku], buyer="emil", placed_at=NOON - 15 * DAY)  # without the coupon, never again
    sums = cost_figures.totals(coupon)
    assert [sums.cost, sums.sales, sums.margin] == [9, 48, 20]
    assert sums.unknown_lines == 1
    assert (sums.margin_share, sums.net_margin) == (Decimal("45.0"), Decimal("22.9"))
    assert [one.good for one in cost_figures.verdicts(sums, now=NOON)] == [False, True]
    found = {rate.key: rate for rate in cost_figures.effects(Coupon.objects.get(pk=coupon.pk), now=NOON)}
    assert (found["redemption"].part, found["redemption"].whole) == (3, 4)
    assert (found["conversion"].part, found["conversion"].whole) == (3, 4)
    assert (found["repurchase"].part, found["repurchase"].whole, found["repurchase"].beside) == (1, 2, Decimal("0.0"))
    # 3 of 6 orders in its time, each 24.00
    assert (found["share"].part, found["share"].whole) == (Decimal(72), Decimal(144))


def test_the_tab_shows_ledger_chart_and_figures_in_few_queries(store: Store, client, django_assert_max_num_queries):
    client.force_login(make.owner_of(store))
    coupon = make.make_coupon(store, face_value="3.00", starts_at=NOON - 20 * DAY)
    sku = good(store)
    url = reverse("coupons:costs", kwargs={"store": store.slug, "code": coupon.code})
    assert "It has cost nothing yet" in client.get(url).content.decode()
    for n in range(12):
        redeem(coupon, sku, f"buyer-{n}", at=NOON - n * DAY)
    with django_assert_max_num_queries(24):
        text = client.get(url).content.decode()
    assert text.count("bo-chart-bar") == 12
    assert "36.00" in text
    posted = client.post(reverse("coupons:clicks", kwargs={"store": store.slug, "code": coupon.code}), {"clicks": "7"})
    assert posted.status_code == 422
    assert "no price per click" in posted.content.decode()
    set_it = reverse("coupons:budget", kwargs={"store": store.slug, "code": coupon.code})
    assert client.post(set_it, {"budget": "12", "version": coupon.version}).status_code == 422  # 36.00 is spent
    assert client.post(set_it, {"budget": "90", "version": coupon.version}).status_code == 302
    stale = client.post(set_it, {"budget": "95", "version": coupon.version})
    now = Coupon.objects.get(pk=coupon.pk).version
    assert (stale.status_code, f'name="version" value="{now}"' in stale.content.decode()) == (409, True)
    assert CouponTally.objects.get(coupon=coupon).budget == 90
