"""No number of buyers at once gets more than there is (bench 15, 16); a hundred rounds of the same run in `benchmarks/coupon_races.py`."""

from __future__ import annotations

import pytest

from core import clock
from tests import coupon_racing as racing
from tests.factories import actor_for, make_store, owner_of
from tests.racing import NOON

pytestmark = pytest.mark.django_db(transaction=True)


def test_sixty_four_clients_get_exactly_what_there_is_and_more_without_the_lock() -> None:
    store = make_store()
    actor = actor_for(owner_of(store))
    with clock.freeze(NOON):
        with racing.unlocked():
            loose = racing.claims(store, actor, racing.CONTESTS[0], 20, until_broken=True)
        assert loose.over, "without its lock the race must give too many, or it proves nothing"
        for contest in racing.CONTESTS:
            tight = racing.claims(store, actor, contest, 3)
            assert not tight.broken, tight.broken


def test_one_claim_is_redeemed_by_one_of_many_orders() -> None:
    store = make_store()
    with clock.freeze(NOON):
        tally = racing.orders(store, actor_for(owner_of(store)), 2)
    assert not tally.broken, tally.broken
