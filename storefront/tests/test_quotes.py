"""Quotes: every reason at once, every price explained, the same queries for any basket."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from accounts.rights import grantors
from campaigns.models import Campaign
from core import clock
from core.errors import InvalidInput, PermissionRefused
from core.scopes import in_store
from listings.models import Listing, LiveOffer, Sku
from publishing.tests.goods import NOON, make_goods, put_offers, stop_offers
from storefront.models import Quote
from storefront.quoting import document, forget_expired, make_quote
from tests.factories import actor_for, make_member, make_store, owner_of


@pytest.fixture
def shop(db):
    """A store with five listings of one SKU at 20.00, a running offer at 15.00 on the first two, and its storefront's actor."""
    store = make_store()
    with clock.freeze(NOON) as frozen, in_store(store.id):
        listings = make_goods(store, 5, skus=1)
        put_offers(listings[:2])
        skus = list(Sku.objects.order_by("id"))
        yield store, skus, actor_for(make_member(store, rights=["checkout.use"])), frozen


def basket(*lines, **more):
    return {"lines": [{"sku": sku, "quantity": quantity} for sku, quantity in lines], **more}


def refused(store, data, actor):
    with pytest.raises(InvalidInput) as caught:
        make_quote(store, data, actor=actor)
    assert not Quote.objects.exists()
    return {(error.field, error.code) for error in caught.value.errors}


def test_a_quote_prices_lines_and_says_why(shop) -> None:
    store, skus, actor, _ = shop
    quote = document(make_quote(store, basket((skus[0].code, 2), (skus[4].code, 1)), actor=actor))
    assert quote["quote"].startswith("Q-")
    assert quote["expires_at"] == NOON + timedelta(seconds=900)
    assert [(x["sku"], x["quantity"], x["list_price"], x["unit_price"], x["campaign"]) for x in quote["lines"]] == [
        (skus[0].code, 2, "20.00", "15.00", "C-7F3KQ"),
        (skus[4].code, 1, "20.00", "20.00", None),
    ]
    assert (quote["currency"], quote["subtotal"], quote["discount"], quote["total"]) == (
        "USD",
        "50.00",
        "0.00",
        "50.00",
    )
    assert quote["lines"][0]["why"] == ["The sale price is $20.00.", "C-7F3KQ sets $15.00."]
    assert quote["lines"][1]["why"] == ["The sale price is $20.00."]


def test_every_candidate_is_explained(shop) -> None:
    store, skus, actor, _ = shop
    put_offers([skus[0].listing], "C-LOWER", price="14.00")
    put_offers([skus[0].listing], "C-DEAR1", price="25.00")
    line = document(make_quote(store, basket((skus[0].code, 1)), actor=actor))["lines"][0]
    assert (line["unit_price"], line["campaign"]) == ("14.00", "C-LOWER")
    assert line["why"] == [
        "The sale price is $20.00.",
        "C-LOWER sets $14.00: the lowest of the campaigns that run now.",
        "C-7F3KQ asks $15.00: another campaign is lower or began earlier.",
        "C-DEAR1 asks $25.00, more than the sale price: not applied.",
    ]
    with translation.override("zh-hans"):
        line = document(make_quote(store, basket((skus[0].code, 1)), actor=actor))["lines"][0]
    assert line["why"][0] == "销售价为US$20.00。"


def test_a_stopped_or_closed_window_gives_no_promo_price(shop) -> None:
    store, skus, actor, frozen = shop

    def price() -> str:
        return str(document(make_quote(store, basket((skus[0].code, 1)), actor=actor))["lines"][0]["unit_price"])

    assert price() == "15.00"
    stop_offers()
    assert price() == "20.00"
    LiveOffer.objects.update(active=True)
    frozen.move_to(NOON + timedelta(days=1) - timedelta(microseconds=1))
    assert price() == "15.00"
    frozen.move_to(NOON + timedelta(days=1))
    assert price() == "20.00"


def test_a_quote_lives_no_longer_than_the_grace_after_the_end_of_what_it_uses(shop, settings) -> None:
    store, skus, actor, _ = shop
    settings.CAMPAIGN_EXPIRY_GRACE = 60
    LiveOffer.objects.update(ends_at=NOON + timedelta(minutes=5))
    assert make_quote(store, basket((skus[0].code, 1)), actor=actor).expires_at == NOON + timedelta(minutes=6)
    assert make_quote(store, basket((skus[4].code, 1)), actor=actor).expires_at == NOON + timedelta(minutes=15)


def test_spend_and_save_is_split_over_its_lines(shop) -> None:
    store, skus, actor, _ = shop
    Campaign.objects.create(
        store=store, code="C-SAVE1", kind="spend_and_save", name="Save", starts_at=NOON, ends_at=NOON + timedelta(days=1),
        rules={"threshold": "50.00", "discount": "8.00", "free_shipping_threshold": "40", "gifts": ["Tote bag"]},
    )  # fmt: skip
    put_offers([skus[0].listing, skus[2].listing], "C-SAVE1", price=None, kind="spend_and_save", label="Save 8")
    quote = make_quote(store, basket((skus[0].code, 2), (skus[2].code, 1), (skus[4].code, 1)), actor=actor)
    terms = quote.terms
    assert (terms["subtotal"], terms["discount"], terms["total"]) == ("70.00", "8.00", "62.00")
    assert [line["order_discount"] for line in terms["lines"]] == ["4.80", "3.20", "0.00"]
    assert [line["unit_price"] for line in terms["lines"]] == ["15.00", "20.00", "20.00"]
    assert terms["discounts"] == [
        {"campaign": "C-7F3KQ", "label": "Limited-time discount", "kind": "item", "amount": "10.00"},
        {"campaign": "C-SAVE1", "label": "Save 8", "kind": "order", "amount": "8.00"},
    ]
    assert (terms["free_shipping_threshold"], terms["gifts"]) == (
        "40.00",
        [{"campaign": "C-SAVE1", "gift": "Tote bag"}],
    )
    below = make_quote(store, basket((skus[0].code, 1)), actor=actor).terms
    assert (below["discount"], below["gifts"], below["free_shipping_threshold"]) == ("0.00", [], None)
    Sku.objects.filter(pk__in=[skus[0].pk, skus[2].pk]).update(currency="EUR")
    euros = make_quote(store, basket((skus[0].code, 2), (skus[2].code, 1)), actor=actor).terms
    assert (euros["currency"], euros["discount"], euros["free_shipping_threshold"]) == ("EUR", "0.00", None), (
        "no dollars off euros"
    )


def test_all_that_is_wrong_comes_back_at_once(shop) -> None:
    store, skus, actor, _ = shop
    Listing.objects.filter(id=skus[1].listing_id).update(state="delisted")
    Sku.objects.filter(id=skus[2].id).update(stock=3, reserved=1)
    Sku.objects.filter(id=skus[3].id).update(currency="EUR")
    data = basket(
        (skus[0].code, 1), ("NO-SUCH", 1), (skus[1].code, 1), (skus[2].code, 3), (skus[3].code, 1), (skus[4].code, 0),
        (skus[4].code.lower(), 1), country="Utopia",
    )  # fmt: skip
    assert refused(store, data, actor) == {
        ("country", "ERR_COUNTRY"),
        ("lines.1.sku", "ERR_SKU_UNKNOWN"),
        ("lines.2.sku", "ERR_SKU_NOT_ON_SALE"),
        ("lines.3.quantity", "ERR_STOCK"),
        ("lines.4.sku", "ERR_ORDER_CURRENCY"),
        ("lines.5.quantity", "ERR_ORDER_QUANTITY"),
        ("lines.6.sku", "ERR_SKU_UNKNOWN"),
    }


def test_lines_of_one_sku_share_its_stock(shop) -> None:
    store, skus, actor, _ = shop
    assert refused(store, basket((skus[0].code, 30), (skus[0].code, 21)), actor) == {
        ("lines.0.quantity", "ERR_STOCK"),
        ("lines.1.quantity", "ERR_STOCK"),
    }


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ({}, {("lines", "ERR_BASKET_EMPTY")}),
        ({"lines": []}, {("lines", "ERR_BASKET_EMPTY")}),
        ({"lines": "A"}, {("lines", "ERR_BASKET_EMPTY")}),
        ({"lines": [1]}, {("lines.0", "ERR_TYPE")}),
        ({"lines": [{}]}, {("lines.0.sku", "ERR_SKU_MISSING"), ("lines.0.quantity", "ERR_ORDER_QUANTITY")}),
        ({"lines": [{"sku": "X", "quantity": 10**400}]}, {("lines.0.sku", "ERR_SKU_UNKNOWN"), ("lines.0.quantity", "ERR_ORDER_QUANTITY")}),
        ({"lines": [{"sku": "a\x00b", "quantity": 1}]}, {("lines.0.sku", "ERR_TEXT_CHARACTER")}),
        ({"lines": [{"sku": "X", "quantity": 1}] * 201}, {("lines", "ERR_BASKET_SIZE")}),
        ({"lines": [{"sku": "X", "quantity": True}]}, {("lines.0.sku", "ERR_SKU_UNKNOWN"), ("lines.0.quantity", "ERR_ORDER_QUANTITY")}),
        ({"lines": [{"sku": "X", "quantity": 1}], "buyer": 7}, {("buyer", "ERR_TYPE"), ("lines.0.sku", "ERR_SKU_UNKNOWN")}),
        ({"lines": [{"sku": "X", "quantity": 1}], "coupons": "SAVE"}, {("coupons", "ERR_TYPE"), ("lines.0.sku", "ERR_SKU_UNKNOWN")}),
    ],
)  # fmt: skip
def test_malformed_baskets_are_refused_by_name(shop, data, expected) -> None:
    store, _, actor, _ = shop
    assert refused(store, data, actor) == expected


def test_another_stores_sku_is_unknown(shop) -> None:
    store, _, actor, _ = shop
    other = make_store()
    with in_store(other.id):
        make_goods(other, 1, skus=1)
        foreign = Sku.objects.get().code
    assert refused(store, basket((foreign, 1)), actor) == {("lines.0.sku", "ERR_SKU_UNKNOWN")}


def test_a_coupon_that_is_not_there_is_said_and_stops_nothing(shop) -> None:
    store, skus, actor, _ = shop
    (coupon,) = document(make_quote(store, basket((skus[0].code, 1), coupons=["SAVE5"]), actor=actor))["coupons"]
    assert (coupon["code"], coupon["applied"], coupon["amount"]) == ("SAVE5", False, "0.00")
    assert coupon["refusal"]["code"] == "ERR_COUPON_UNKNOWN"


def test_a_storefront_needs_the_right(shop) -> None:
    store, skus, _, _ = shop
    with pytest.raises(PermissionRefused) as caught:
        make_quote(store, basket((skus[0].code, 1)), actor=actor_for(make_member(store, rights=["orders.view"])))
    assert caught.value.extra["granted_by"] == grantors(store)


def test_five_lines_and_twenty_take_the_same_queries(shop) -> None:
    store, _, _, _ = shop
    actor = actor_for(owner_of(store))
    listings = make_goods(store, 20, skus=1)
    put_offers(listings, "C-MANY1")
    put_offers(listings[::2], "C-MANY2", price="16.00")
    codes = [sku.code for sku in Sku.objects.filter(listing__in=listings)]
    make_quote(store, basket((codes[0], 1)), actor=actor)
    counts = []
    for size in (5, 20):
        with CaptureQueriesContext(
            connection,
        ) as queries:
            make_quote(store, basket(*[(code, 1) for code in codes[:size]]), actor=actor)
        counts.append(len(queries))
    assert counts[0] == counts[1] <= 9


def test_expired_quotes_are_forgotten_in_time_and_used_ones_kept(shop) -> None:
    store, skus, actor, frozen = shop
    unused = make_quote(store, basket((skus[0].code, 1)), actor=actor)
    used = make_quote(store, basket((skus[0].code, 1)), actor=actor)
    Quote.objects.filter(id=used.id).update(order_code="O-1")
    frozen.tick(timedelta(days=29))
    assert forget_expired(now=clock.now()) == 0
    frozen.tick(timedelta(days=2))
    assert forget_expired(now=clock.now()) == 1
    assert not Quote.objects.filter(id=unused.id).exists()
