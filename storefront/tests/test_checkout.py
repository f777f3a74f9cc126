"""Orders: the terms of the quote, once, with the stock that is there, frozen (R13, R14, R15)."""

from __future__ import annotations

import threading
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import InternalError, connections, transaction
from django.db.utils import DatabaseError

from audit.models import AuditEvent
from campaigns.models import Campaign
from core import clock
from core.errors import Conflict, DomainError, InvalidInput, PermissionRefused
from core.scopes import across_stores, in_store
from listings.models import ChangeSource, Listing, LiveOffer, PriceHistory, Sku
from orders.models import Order, OrderLine
from policies.rules import StorefrontRules
from publishing.models import Publication
from publishing.tests.goods import NOON, make_goods, put_offers, stop_offers
from storefront import checkout
from storefront.checkout import place_order
from storefront.models import Quote
from storefront.quoting import make_quote
from tests.factories import actor_for, make_member, make_site, make_store


@pytest.fixture
def shop(db):
    store = make_store()
    with clock.freeze(NOON) as frozen, in_store(store.id):
        make_site(store)
        listings = make_goods(store, 3, skus=1)
        put_offers(listings[:2])
        yield store, list(Sku.objects.order_by("id")), actor_for(make_member(store, rights=["checkout.use"])), frozen


def quote_of(store, actor, *lines, **more) -> Quote:
    return make_quote(store, {"lines": [{"sku": s.code, "quantity": n} for s, n in lines], **more}, actor=actor)


def stock_of(sku) -> int:
    return Sku.objects.get(id=sku.id).stock


def test_an_order_by_quote_has_its_terms(shop) -> None:
    store, skus, actor, _ = shop
    quote = quote_of(store, actor, (skus[0], 2), (skus[2], 1), buyer="b-17", country="us", logistics="standard")
    order = place_order(store, {"order": "O-1", "quote": quote.code}, actor=actor)
    assert (order.code, order.placed_at, order.state, order.currency) == ("O-1", NOON, "unpaid", "USD")
    assert (order.subtotal, order.discount, order.total) == (Decimal("50"), Decimal("0"), Decimal("50"))
    assert (order.buyer, order.country, order.logistics) == ("b-17", "US", "standard")
    assert list(OrderLine.objects.values_list("sku", "quantity", "list_price", "unit_price", "campaign_code")) == [
        (skus[0].id, 2, Decimal("20"), Decimal("15"), "C-7F3KQ"),
        (skus[2].id, 1, Decimal("20"), Decimal("20"), ""),
    ]
    assert order.snapshot["discounts"] == [
        {"campaign": "C-7F3KQ", "label": "Limited-time discount", "kind": "item", "amount": "10.00"}
    ]
    assert order.snapshot["quote"] == quote.code
    assert {"free_shipping_threshold", "gifts"} <= set(order.snapshot)
    assert "b-17" not in str(order.snapshot)
    assert (stock_of(skus[0]), stock_of(skus[2])) == (48, 49)
    event = AuditEvent.objects.get(action="order.place")
    assert (event.object_id, event.right, event.after["total"]) == ("O-1", "checkout.use", "50.00")


def test_the_order_never_changes_whatever_becomes_of_the_campaign(shop) -> None:
    store, skus, actor, _ = shop
    order = place_order(store, {"order": "O-1", "quote": quote_of(store, actor, (skus[0], 1)).code}, actor=actor)
    stop_offers()
    LiveOffer.objects.all().delete()
    Sku.objects.update(sale_price=99)
    kept = Order.objects.get(id=order.id)
    assert (kept.snapshot, kept.total) == (order.snapshot, Decimal("15"))
    with pytest.raises((InternalError, DatabaseError)), transaction.atomic():
        Order.objects.filter(id=order.id).update(snapshot={})


def test_a_quote_is_honoured_for_its_life_after_pause_and_after_the_end(shop) -> None:
    store, skus, actor, frozen = shop
    before_pause, before_end = (quote_of(store, actor, (skus[0], 1)) for _ in range(2))
    stop_offers()
    order = place_order(store, {"order": "O-1", "quote": before_pause.code}, actor=actor)
    assert order.total == Decimal("15")
    frozen.tick(899)
    assert place_order(store, {"order": "O-2", "quote": before_end.code}, actor=actor).total == Decimal("15")


def test_by_policy_a_quote_ends_with_the_stop_of_its_campaign(shop, monkeypatch) -> None:
    store, skus, actor, _ = shop
    Campaign.objects.create(
        store=store, code="C-7F3KQ", kind="limited_time_discount", name="X", state="paused", starts_at=NOON,
        ends_at=NOON + timedelta(days=1),
    )  # fmt: skip
    promo, plain = quote_of(store, actor, (skus[0], 1)), quote_of(store, actor, (skus[2], 1))
    real = checkout.policies.active
    monkeypatch.setattr(
        checkout.policies,
        "active",
        lambda model, now: StorefrontRules(quotes_survive_stop=False) if model is StorefrontRules else real(model, now),
    )
    with pytest.raises(Conflict) as refused:
        place_order(store, {"order": "O-1", "quote": promo.code}, actor=actor)
    assert refused.value.code == "ERR_QUOTE_STOPPED"
    assert place_order(store, {"order": "O-2", "quote": plain.code}, actor=actor).total == Decimal("20")


def test_a_quote_ends_at_its_expiry(shop) -> None:
    store, skus, actor, frozen = shop
    quote = quote_of(store, actor, (skus[0], 1))
    frozen.tick(900)
    with pytest.raises(Conflict) as refused:
        place_order(store, {"order": "O-1", "quote": quote.code, "placed_at": "2026-11-27T12:01:00Z"}, actor=actor)
    assert (refused.value.code, refused.value.status) == ("ERR_QUOTE_EXPIRED", 409)
    assert not Order.objects.exists()
    assert stock_of(skus[0]) == 50
    assert AuditEvent.objects.get(action="order.place").result == "refused"


def test_a_double_submit_answers_the_same_order_and_takes_stock_once(shop) -> None:
    store, skus, actor, frozen = shop
    data = {"order": "O-1", "quote": quote_of(store, actor, (skus[0], 3)).code}
    first = place_order(store, data, actor=actor)
    frozen.tick(5)
    assert place_order(store, data, actor=actor).id == first.id
    assert stock_of(skus[0]) == 47
    with pytest.raises(Conflict) as refused:
        place_order(store, data | {"order": "O-2"}, actor=actor)
    assert refused.value.code == "ERR_QUOTE_USED"


def test_a_code_that_is_taken_is_refused_and_takes_no_stock(shop) -> None:
    store, skus, actor, _ = shop
    place_order(store, {"order": "O-1", "quote": quote_of(store, actor, (skus[0], 1)).code}, actor=actor)
    other = quote_of(store, actor, (skus[2], 1))
    with pytest.raises(Conflict) as refused:
        place_order(store, {"order": "O-1", "quote": other.code}, actor=actor)
    assert (refused.value.code, stock_of(skus[2])) == ("ERR_ORDER_FROZEN", 50)
    assert Quote.objects.get(id=other.id).order_code == ""


def test_stock_and_sale_are_looked_at_again(shop) -> None:
    store, skus, actor, _ = shop
    quote = quote_of(store, actor, (skus[0], 5), (skus[2], 1))
    Sku.objects.filter(id=skus[0].id).update(stock=6, reserved=2)
    Listing.objects.filter(id=skus[2].listing_id).update(state="delisted")
    with pytest.raises(DomainError) as refused:
        place_order(store, {"order": "O-1", "quote": quote.code}, actor=actor)
    assert refused.value.status == 409
    assert {(e.field, e.code) for e in refused.value.errors} == {
        ("lines.0.quantity", "ERR_STOCK"),
        ("lines.1.sku", "ERR_SKU_NOT_ON_SALE"),
    }
    assert stock_of(skus[0]) == 6


def test_what_sells_out_is_wanted_on_the_sites_at_once_and_nothing_else(shop) -> None:
    store, skus, actor, _ = shop
    place_order(store, {"order": "O-1", "quote": quote_of(store, actor, (skus[0], 49)).code}, actor=actor)
    assert not Publication.objects.exists()
    place_order(store, {"order": "O-2", "quote": quote_of(store, actor, (skus[0], 1)).code}, actor=actor)
    assert Publication.objects.get().listing_id == skus[0].listing_id


def priced(code: str, *lines, **more) -> dict:
    rows = [{"sku": s.code, "quantity": n, "unit_price": p} for s, n, p in lines]
    return {"order": code, "lines": rows, **more}


def test_an_order_at_prices_given(shop) -> None:
    store, skus, actor, _ = shop
    order = place_order(store, priced("O-1", (skus[0], 2, "17.50"), buyer="b", country="RU"), actor=actor)
    assert (order.total, order.snapshot["lines"][0]["unit_price"], stock_of(skus[0])) == (Decimal("35"), "17.50", 48)
    assert place_order(store, priced("O-1", (skus[0], 2, "17.50")), actor=actor).id == order.id
    assert stock_of(skus[0]) == 48
    with pytest.raises(Conflict) as refused:
        place_order(store, priced("O-1", (skus[0], 2, "17.00")), actor=actor)
    assert refused.value.code == "ERR_ORDER_FROZEN"


def test_history_takes_no_stock_and_has_the_prices_of_its_time(shop) -> None:
    store, skus, actor, _ = shop
    for days, before, after in [(20, "26.00", "24.00"), (10, "24.00", "20.00")]:
        PriceHistory.objects.create(
            store=store, sku=skus[0], at=NOON - timedelta(days=days), before=Decimal(before), after=Decimal(after),
            source=ChangeSource.MANUAL, actor_label="x",
        )  # fmt: skip
    Listing.objects.filter(id=skus[0].listing_id).update(state="delisted")
    found = []
    for days in (30, 15, 5):
        placed = (NOON - timedelta(days=days)).isoformat()
        order = place_order(store, priced(f"O-{days}", (skus[0], 60, "19.00"), placed_at=placed), actor=actor)
        found.append(OrderLine.objects.get(order=order).list_price)
    assert found == [Decimal("26"), Decimal("24"), Decimal("20")]
    assert stock_of(skus[0]) == 50


@pytest.mark.parametrize(
    ("placed_at", "good"),
    [
        ("2026-11-27T12:05:00Z", True),
        ("2026-11-27T12:05:01Z", False),
        ("2026-11-27T20:05:00+08:00", True),
        ("2026-11-27T12:00:00", False),
        ("1889-01-01T00:00:00Z", False),
        ("yesterday", False),
        ("2026-13-45T00:00:00Z", False),
        (17, False),
        (None, True),
    ],
)
def test_when_an_order_may_have_been_placed(shop, placed_at, good) -> None:
    store, skus, actor, _ = shop
    data = priced("O-1", (skus[0], 1, "15.00"), placed_at=placed_at)
    if good:
        assert place_order(store, data, actor=actor)
    else:
        with pytest.raises(InvalidInput) as refused:
            place_order(store, data, actor=actor)
        assert [(e.field, e.code) for e in refused.value.errors] == [("placed_at", "ERR_ORDER_TIME")]


def test_an_order_cannot_be_older_than_its_quote(shop) -> None:
    store, skus, actor, _ = shop
    data = {"order": "O-1", "quote": quote_of(store, actor, (skus[0], 1)).code, "placed_at": "2026-11-20T00:00:00Z"}
    with pytest.raises(InvalidInput):
        place_order(store, data, actor=actor)


@pytest.mark.parametrize(
    ("data", "field", "code"),
    [
        ({}, "order", "ERR_ORDER_CODE"),
        ({"order": "x" * 65}, "order", "ERR_LENGTH"),
        ({"order": "a\x07"}, "order", "ERR_TEXT_CHARACTER"),
        ({"order": "O", "quote": "Q-NONE"}, "quote", "ERR_QUOTE_UNKNOWN"),
        ({"order": "O"}, "lines", "ERR_BASKET_EMPTY"),
        ({"order": "O", "lines": [{"sku": "NO", "quantity": 1, "unit_price": "1"}]}, "lines.0.sku", "ERR_SKU_UNKNOWN"),
        ({"order": "O", "lines": [{"sku": "{sku}", "quantity": 1}]}, "lines.0.unit_price", "ERR_UNIT_PRICE"),
        ({"order": "O", "lines": [{"sku": "{sku}", "quantity": 1, "unit_price": "1.005"}]}, "lines.0.unit_price", "ERR_MONEY_PLACES"),
        ({"order": "O", "lines": [{"sku": "{sku}", "quantity": 1, "unit_price": "-1"}]}, "lines.0.unit_price", "ERR_MONEY_RANGE"),
        ({"order": "O", "lines": [{"sku": "{sku}", "quantity": 1, "unit_price": "x"}]}, "lines.0.unit_price", "ERR_MONEY_FORMAT"),
        ({"order": "O", "lines": [{"sku": "{sku}", "quantity": 9, "unit_price": "9999999999"}]}, "lines", "ERR_MONEY_RANGE"),
        ({"order": "O", "lines": [{"sku": "{sku}", "quantity": 1, "unit_price": "1"}], "coupons": ["A"]}, "coupons", "ERR_COUPON_UNKNOWN"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(shop, data, field, code) -> None:
    store, skus, actor, _ = shop
    for row in data.get("lines", []):
        row["sku"] = row["sku"].replace("{sku}", skus[0].code)
    with pytest.raises(InvalidInput) as refused:
        place_order(store, data, actor=actor)
    assert (field, code) in {(e.field, e.code) for e in refused.value.errors}
    assert not Order.objects.exists()


def test_a_quote_of_another_store_is_unknown(shop) -> None:
    store, skus, actor, _ = shop
    quote = quote_of(store, actor, (skus[0], 1))
    other = make_store()
    with in_store(other.id), pytest.raises(InvalidInput):
        place_order(
            other, {"order": "O-1", "quote": quote.code}, actor=actor_for(make_member(other, rights=["checkout.use"]))
        )


def test_ordering_needs_the_right(shop) -> None:
    store, skus, _, _ = shop
    with pytest.raises(PermissionRefused):
        place_order(
            store, priced("O-1", (skus[0], 1, "15.00")), actor=actor_for(make_member(store, rights=["orders.edit"]))
        )


# -- at once -----------------------------------------------------------------------------------------------------------------


def _at_once(works):
    answers: list[object] = [None] * len(works)
    start = threading.Barrier(len(works))

    def run(n, work):
        try:
            with across_stores("test"):
                start.wait(20)
                answers[n] = work()
        except DomainError as error:
            answers[n] = error.code
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(n, work)) for n, work in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.django_db(transaction=True)
def test_sixteen_buyers_of_the_last_five_units() -> None:
    store = make_store()
    with in_store(store.id):
        make_goods(store, 2, skus=1, stock=5)
        a, b = Sku.objects.order_by("id")
        actor = actor_for(make_member(store, rights=["checkout.use"]))
        pairs = [(a, b), (b, a)]

        def buy(n):
            lines = [(sku, 1, "15.00") for sku in pairs[n % 2]]
            return lambda: place_order(store, priced(f"O-{n}", *lines), actor=actor).code

        answers = _at_once([buy(n) for n in range(16)])
        assert sorted(str(answer).startswith("O-") for answer in answers) == [False] * 11 + [True] * 5
        assert answers.count("ERR_STOCK") == 11
        assert (stock_of(a), stock_of(b), Order.objects.count()) == (0, 0, 5)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("by_quote", [True, False])
def test_eight_submissions_of_one_order_make_one(by_quote) -> None:
    store = make_store()
    with in_store(store.id):
        make_goods(store, 1, skus=1)
        sku = Sku.objects.get()
        actor = actor_for(make_member(store, rights=["checkout.use"]))
        data = priced("O-1", (sku, 1, "15.00"))
        if by_quote:
            data = {"order": "O-1", "quote": quote_of(store, actor, (sku, 1)).code}
        answers = _at_once([lambda: place_order(store, data, actor=actor).id] * 8)
        assert len(set(answers)) == 1
        assert (stock_of(sku), Order.objects.count()) == (49, 1)
