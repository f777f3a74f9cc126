"""Pages of platform staff: the queue, a decision with its reason, enforcement, items that leave."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from accounts.models import Store
from campaigns.models import Campaign
from core.scopes import in_store
from tests.factories import decorate, make_campaign, make_skus, make_staff, make_store, owner_of


@pytest.fixture
def store(db: None) -> Store:
    store = make_store("shop")
    with in_store(store.pk):
        decorate(store)
    return store


@pytest.fixture
def staff(db: None) -> Client:
    client = Client()
    client.force_login(make_staff())
    return client


def enrolled(store: Store, state: str = "in_review") -> Campaign:
    with in_store(store.pk):
        rules = {"venue": "Black Friday main venue"}
        return make_campaign(
            store, make_skus(store, 3), state=state, kind="platform_promotion", rules=rules, name="Friday"
        )


def again(campaign: Campaign) -> Campaign:
    with in_store(campaign.store_id):
        return Campaign.objects.get(pk=campaign.pk)


def test_the_queue_shows_what_waits_in_every_store(store, staff):
    mine, other = enrolled(store), enrolled(make_store("second"))
    page = staff.get("/platform/campaigns/").content.decode()
    assert all(text in page for text in (mine.code, other.code, "Black Friday main venue"))
    live = enrolled(store, "running")
    assert live.code not in staff.get("/platform/campaigns/").content.decode()
    assert live.code in staff.get("/platform/campaigns/?tab=live").content.decode()
    client = Client()
    client.force_login(owner_of(store))
    assert client.get("/platform/campaigns/").status_code == 403


def test_staff_approve(store, staff):
    campaign = enrolled(store)
    path = f"/platform/campaigns/{campaign.code}/"
    assert "Decision" in staff.get(path).content.decode()
    answer = staff.post(f"{path}decide/", {"act": "approve", "note": "Fine", "version": campaign.version})
    assert (answer.status_code, again(campaign).state, again(campaign).review_note) == (302, "scheduled", "Fine")
    late = staff.post(f"{path}decide/", {"act": "approve", "version": campaign.version})
    assert late.status_code == 409
    stale = staff.post(f"{path}enforce/", {"enforced": "1", "reason": "Rule 7", "version": campaign.version})
    shown = set(re.findall(r'name="version" value="(\d+)"', stale.content.decode()))
    assert (stale.status_code, shown) == (409, {str(again(campaign).version)}), (
        "the next submit means what the page shows"
    )


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"reason": ""}, "Choose why it is rejected; the store reads it."),
        ({"reason": "other", "note": " "}, "Say why in words; the store reads it."),
        ({"reason": "zebra"}, "Select a valid choice"),
    ],
)
def test_a_rejection_needs_its_reason(store, staff, given, says):
    campaign = enrolled(store)
    answer = staff.post(f"/platform/campaigns/{campaign.code}/decide/", {"act": "reject", **given})
    assert (answer.status_code, says in answer.content.decode(), again(campaign).state) == (422, True, "in_review")


def test_the_merchant_reads_why_revises_and_hands_in_again(store, staff):
    campaign = enrolled(store)
    given = {"act": "reject", "reason": "price", "note": "At least 30 % off"}
    assert staff.post(f"/platform/campaigns/{campaign.code}/decide/", given).status_code == 302
    owner = Client()
    owner.force_login(owner_of(store))
    path = f"/s/shop/campaigns/{campaign.code}/"
    page = owner.get(path).content.decode()
    assert "Campaign price not low enough" in page
    assert "At least 30 % off" in page
    assert owner.post(f"{path}revise/").status_code == 302
    assert "At least 30 % off" in owner.get(path).content.decode()
    assert owner.post(f"{path}submit/").status_code == 302
    assert again(campaign).state == "in_review"
    assert owner.get(f"{path}edit/").status_code == 302


def test_giving_back_makes_a_draft(store, staff):
    campaign = enrolled(store)
    staff.post(f"/platform/campaigns/{campaign.code}/decide/", {"act": "return", "note": "Venue closed"})
    assert (again(campaign).state, again(campaign).review_note) == ("draft", "Venue closed")


def test_enforcement_is_switched_on_with_a_ground_and_off(store, staff):
    campaign = enrolled(store, "running")
    path = f"/platform/campaigns/{campaign.code}/enforce/"
    assert staff.post(path, {"enforced": "on", "reason": ""}).status_code == 422
    assert staff.post(path, {"enforced": "on", "reason": "Main slot"}).status_code == 302
    assert again(campaign).platform_enforced
    assert (
        "Main slot" in staff.get("/platform/campaigns/?tab=enforced").content.decode()
        or campaign.code in staff.get("/platform/campaigns/?tab=enforced").content.decode()
    )
    assert staff.post(path, {}).status_code == 302
    assert not again(campaign).platform_enforced


def test_items_leave_by_the_hand_of_staff(store, staff):
    campaign = enrolled(store, "running")
    with in_store(store.pk):
        sku = campaign.items.order_by("id")[0].sku.code
    path = f"/platform/campaigns/{campaign.code}/"
    assert f'value="{sku}"' in staff.get(path).content.decode()
    assert staff.post(f"{path}items/", {"sku": [sku], "reason": ""}).status_code == 422
    assert staff.post(f"{path}items/", {"sku": [], "reason": "Stock"}).status_code == 422
    assert staff.post(f"{path}items/", {"sku": [sku], "reason": "Stock"}).status_code == 302
    page = staff.get(path).content.decode()
    assert "Withdrawn" in page
    assert f'name="sku" value="{sku}"' not in page


def test_an_unknown_campaign_is_not_found(staff):
    for part in ("", "decide/", "enforce/", "items/"):
        address = f"/platform/campaigns/C-00000/{part}"
        assert (staff.post(address) if part else staff.get(address)).status_code == 404
