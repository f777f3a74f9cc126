"""工作台 follows the clock: what can be done now, and nothing that cannot be done any more."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client

from accounts.models import AccountState, Store
from campaigns import parking, stopping, sweeps
from campaigns.tests.conftest import NOON, open_shop
from core import clock
from core.scopes import in_store
from tests import factories as make

pytestmark = pytest.mark.django_db


def _page(client: Client, store: Store, page: str = "") -> str:
    return client.get(f"/s/{store.slug}/{page}").content.decode()


@pytest.fixture
def place():
    with clock.freeze(NOON) as moving:
        shop = open_shop()
        with in_store(shop.store.pk):
            campaign = make.make_campaign(shop.store, shop.skus, name="Held one")
        client = Client()
        client.force_login(make.owner_of(shop.store))
        yield shop, campaign, client, moving


def test_a_take_back_is_offered_until_the_second_of_the_hold_whether_a_sweep_has_come_or_not(place):
    shop, campaign, client, moving = place
    with in_store(shop.store.pk):
        stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    pages = ("", "campaigns/", f"campaigns/{campaign.code}/", f"campaigns/{campaign.code}/closing/")
    door = f"/campaigns/{campaign.code}/take-back/"
    moving.move_to(NOON + timedelta(seconds=599))
    assert all(door in _page(client, shop.store, page) for page in pages)
    moving.move_to(NOON + timedelta(seconds=600))
    assert not any(door in _page(client, shop.store, page) for page in pages)
    assert "the cancel is final" in _page(client, shop.store, pages[3])


def test_a_stop_whose_way_is_clear_is_due(place):
    shop, campaign, client, moving = place
    Store.objects.filter(pk=shop.store.pk).update(account_state=AccountState.FROZEN)
    with in_store(shop.store.pk):
        parking.park(shop.store, campaign.code, action="pause", then="ask", reason="season", actor=shop.owner)
    assert "Nothing in its way" not in _page(client, shop.store)
    Store.objects.filter(pk=shop.store.pk).update(account_state=AccountState.NORMAL)
    moving.tick(15)
    sweeps.run()
    page = _page(client, shop.store)
    assert "Nothing in its way" in page
    assert "Held one" in page


def test_the_brake_of_the_whole_store_is_there_for_who_may_pull_it(place):
    shop, _campaign, client, _moving = place
    assert "/campaigns/stop-all/" in _page(client, shop.store)
    viewer = Client()
    viewer.force_login(make.make_member(shop.store, rights=["campaigns.view"]))
    assert "/campaigns/stop-all/" not in _page(viewer, shop.store)
