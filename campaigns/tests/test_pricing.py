"""The precedence of promotions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from campaigns.pricing import ItemOffer, OrderOffer, item_price, order_discounts

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def offer(code: str, price: str | None, *, hours: int = 0, stacks: bool = False) -> ItemOffer:
    starts = NOON + timedelta(hours=hours)
    return ItemOffer(
        code, code, "limited_time_discount", None if price is None else Decimal(price), starts, NOON, stacks
    )


def test_without_an_offer_the_sale_price_stands() -> None:
    found = item_price(Decimal("20.00"), [], "USD")
    assert (found.unit_price, found.campaign, found.candidates) == (Decimal("20.00"), "", ())


def test_the_lowest_of_those_that_do_not_stack_wins() -> None:
    found = item_price(Decimal("20.00"), [offer("C-A", "16.00"), offer("C-B", "15.00"), offer("C-C", None)], "USD")
    assert (found.unit_price, found.campaign) == (Decimal("15.00"), "C-B")
    assert [candidate.price for candidate in found.candidates] == [Decimal("15.00"), Decimal("16.00")]


def test_ties_go_to_the_earlier_start() -> None:
    found = item_price(Decimal("20"), [offer("C-A", "15", hours=2), offer("C-B", "15", hours=1)], "USD")
    assert found.campaign == "C-B"


def test_nobody_pays_more_than_the_sale_price() -> None:
    found = item_price(Decimal("14.00"), [offer("C-A", "15.00")], "USD")
    assert (found.unit_price, found.campaign) == (Decimal("14.00"), "")


def test_stacking_offers_reduce_one_after_another() -> None:
    found = item_price(
        Decimal("100.00"), [offer("C-A", "90.00", stacks=True), offer("C-B", "90.00", stacks=True)], "USD"
    )
    assert found.winner is not None
    assert (found.unit_price, [o.campaign for o in found.winner.offers]) == (Decimal("81.00"), ["C-A", "C-B"])


def test_a_stacking_offer_does_not_stack_with_one_that_did_not_agree() -> None:
    both = [offer("C-A", "90.00", stacks=True), offer("C-B", "80.00")]
    assert item_price(Decimal("100.00"), both, "USD").unit_price == Decimal("80.00")


def test_a_stacking_offer_above_the_sale_price_takes_nothing_from_the_others() -> None:
    """The sale price fell to 5 while two campaigns run: 8 gives nothing any more, 4 still counts."""
    both = [offer("C-A", "8.00", stacks=True), offer("C-B", "4.00", stacks=True)]
    found = item_price(Decimal("5.00"), both, "USD")
    assert (found.unit_price, found.campaign) == (Decimal("4.00"), "C-B")
    assert [candidate.price for candidate in found.candidates] == [Decimal("4.00"), Decimal("8.00")]


def test_stacking_offers_on_goods_that_cost_nothing_change_nothing() -> None:
    both = [offer("C-A", "8.00", stacks=True), offer("C-B", "4.00", stacks=True)]
    assert item_price(Decimal("0.00"), both, "USD").unit_price == Decimal("0.00")


def test_stacked_prices_keep_at_least_the_smallest_unit() -> None:
    tiny = [offer("C-A", "1", stacks=True), offer("C-B", "1", stacks=True)]
    assert item_price(Decimal("1000"), tiny, "JPY").unit_price == Decimal("1")


@given(
    sale=st.integers(1, 10_000_00),
    cuts=st.lists(st.integers(1, 10_000_00), min_size=1, max_size=4),
    currency=st.sampled_from(["USD", "JPY"]),
)
def test_the_steps_of_a_price_add_up_to_what_was_taken_off(sale: int, cuts: list[int], currency: str) -> None:
    """Whatever is rounded: no step takes less than nothing, and no cent is counted twice or lost."""
    places = Decimal("0.01") if currency == "USD" else Decimal(1)
    offers = [offer(f"C-{n}", str(cut * places), hours=n, stacks=True) for n, cut in enumerate(cuts)]
    found = item_price(sale * places, offers, currency)
    chain = found.chain(currency)
    assert [step.offer for step in chain] == list(found.winner.offers if found.winner else ())
    assert all(step.taken >= 0 for step in chain)
    assert sum((step.taken for step in chain), Decimal(0)) == found.sale_price - found.unit_price
    assert not chain or chain[-1].price == found.unit_price


def save(code: str, threshold: str, discount: str, lines, *, hours: int = 0, stacks: bool = False) -> OrderOffer:
    starts = NOON + timedelta(hours=hours)
    return OrderOffer(code, code, Decimal(threshold), Decimal(discount), starts, NOON, frozenset(lines), stacks)


def test_spend_and_save_counts_its_own_lines_only() -> None:
    amounts = [Decimal("40.00"), Decimal("30.00")]
    assert order_discounts(amounts, [save("C-S", "60", "8", {0})], "USD") == []
    (found,) = order_discounts(amounts, [save("C-S", "60", "8", {0, 1})], "USD")
    assert (found.amount, found.shares) == (Decimal("8"), (Decimal("4.57"), Decimal("3.43")))


def test_the_best_of_those_that_do_not_stack_is_taken_once() -> None:
    found = order_discounts([Decimal("200")], [save("C-A", "60", "8", {0}), save("C-B", "100", "15", {0})], "USD")
    assert [(d.campaign, d.amount) for d in found] == [("C-B", Decimal("15"))]


def test_all_that_stack_are_taken_when_together_they_give_more() -> None:
    stacking = [save("C-A", "60", "8", {0}, stacks=True), save("C-B", "60", "9", {0}, stacks=True)]
    assert [
        d.campaign for d in order_discounts([Decimal("200")], [*stacking, save("C-C", "60", "16", {0})], "USD")
    ] == [
        "C-B",
        "C-A",
    ]
    assert [
        d.campaign for d in order_discounts([Decimal("200")], [*stacking, save("C-C", "60", "17", {0})], "USD")
    ] == ["C-C"]


def test_a_discount_never_exceeds_what_its_lines_cost() -> None:
    (found,) = order_discounts([Decimal("5.00"), Decimal("50.00")], [save("C-A", "1", "8", {0})], "USD")
    assert (found.amount, found.shares) == (Decimal("5.00"), (Decimal("5.00"), Decimal("0.00")))


cents = st.integers(min_value=1, max_value=10_000_00).map(lambda n: Decimal(n).scaleb(-2))


@given(amounts=st.lists(cents, min_size=1, max_size=12), discounts=st.lists(cents, min_size=1, max_size=3))
def test_shares_add_up_and_no_line_goes_below_zero(amounts, discounts) -> None:
    offers = [save(f"C-{n}", "0.01", str(d), range(len(amounts)), stacks=True) for n, d in enumerate(discounts)]
    found = order_discounts(amounts, offers, "USD")
    for discount in found:
        assert sum(discount.shares) == discount.amount
    for n, amount in enumerate(amounts):
        assert 0 <= sum(d.shares[n] for d in found) <= amount


@pytest.mark.parametrize(("currency", "expected"), [("JPY", "333"), ("USD", "333.33"), ("KWD", "333.333")])
def test_places_follow_the_currency(currency: str, expected: str) -> None:
    two = [offer("C-A", "500", stacks=True), offer("C-B", "666.666", stacks=True)]
    assert str(item_price(Decimal("1000"), two, currency).unit_price) == expected
