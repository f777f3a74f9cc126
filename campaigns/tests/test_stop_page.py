"""What the stop page offers, by state: only what can be done, what stands in the way first, and a way on for everybody else."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from accounts.models import AccountState, Store
from campaigns.models import Campaign
from tests import factories as make


@pytest.fixture
def owner(client, shop):
    client.force_login(make.owner_of(shop.store))
    return client


def page(client, shop, campaign, where="stop/"):
    return client.get(f"/s/{shop.store.slug}/campaigns/{campaign.code}/{where}").content.decode()


def test_it_offers_what_can_be_done_in_each_state(owner, shop):
    running, paused, scheduled = (
        make.make_campaign(shop.store, shop.skus, state=state, stacks=True)
        for state in ("running", "paused", "scheduled")
    )
    pausing = 'class="bo-btn bo-btn-pause"'
    assert pausing in page(owner, shop, running).partition("<main")[2]
    for campaign, way in ((paused, "/resume/"), (scheduled, "/edit/")):
        main = page(owner, shop, campaign).partition("<main")[2]
        assert pausing not in main, f"{campaign.state}: nothing can be paused"
        assert f"{campaign.code}{way}" in main
        assert f"{campaign.code}/cancel/?via=" in main
    over = Campaign.objects.create(
        store=shop.store, code=make.new_code("C"), kind="limited_time_discount", name="Over", state="ended",
        starts_at=running.starts_at - timedelta(days=1), ends_at=running.starts_at, closed_at=running.starts_at,
    )  # fmt: skip
    main = page(owner, shop, over).partition("<main")[2]
    assert "There is nothing to stop" in main
    assert "/cancel/?via=" not in main


def test_what_stands_in_the_way_comes_first_and_what_passed_is_folded(owner, shop):
    Store.objects.filter(pk=shop.store.pk).update(account_state=AccountState.FROZEN)
    campaign = make.make_campaign(shop.store, shop.skus)
    html = page(owner, shop, campaign)
    told, _fold, folded = html.partition('<details class="bo-fold bo-fold-rest')
    assert 'id="guard-ERR_ACCOUNT_STATE"' in told
    assert 'id="guard-ERR_KYC"' in folded, "it passed"
    assert re.search(r"1 check\s+stands in its way now", told), "the pause says so beside its button"
    assert "The account of this store is" in owner.get(f"/s/{shop.store.slug}/").content.decode()


def test_what_the_platform_enforces_says_why_instead_of_offering_a_pause(owner, shop):
    campaign = make.make_campaign(shop.store, shop.skus, platform_enforced=True, enforced_reason="Venue contract")
    listed = (
        owner.get(f"/s/{shop.store.slug}/campaigns/").content.decode().partition("<tbody")[2].partition("</tbody>")[0]
    )
    assert campaign.code in listed
    assert "See why it goes on" in listed
    assert "Pause (can resume)" not in listed
