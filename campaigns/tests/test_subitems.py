"""Items of a platform promotion close on their own, under the guards (R4, R21, R23)."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent, Result
from campaigns import lifecycle, subitems
from campaigns.impact import forecast
from campaigns.models import Campaign, CampaignItem, Kind
from campaigns.tests.conftest import NOON, days
from core.errors import Conflict, InvalidInput, PermissionRefused
from listings.models import LiveOffer
from tests import factories as make


@pytest.fixture
def promotion(shop) -> Campaign:
    return make.make_campaign(shop.store, shop.skus, kind=Kind.PLATFORM_PROMOTION, rules={"venue": "Main venue"})


def staff():
    return make.actor_for(make.make_staff())


def shown(campaign):
    return set(LiveOffer.objects.filter(campaign_code=campaign.code, active=True).values_list("sku__code", flat=True))


def test_the_store_meets_the_platforms_lock_and_nothing_changes(shop, promotion):
    with pytest.raises(Conflict) as refusal:
        subitems.end_items(shop.store, promotion.code, [shop.skus[0].code], reason="stock", actor=shop.owner)
    assert refusal.value.code == "ERR_CLOSE_PLATFORM_LOCKED"
    assert refusal.value.extra["blockers"][0]["evidence"]["venue"] == "Main venue"
    assert len(shown(promotion)) == 3
    assert AuditEvent.objects.filter(action="campaign.end_items", result=Result.REFUSED).count() == 1


def test_staff_end_one_item_and_the_others_go_on(shop, promotion):
    gone, *rest = [sku.code for sku in shop.skus]
    left = subitems.release_items(shop.store, promotion.code, [gone], reason="Sold out", actor=staff())
    assert (left.state, left.version) == ("running", promotion.version + 1)
    assert shown(promotion) == set(rest)
    item = CampaignItem.objects.get(campaign=promotion, sku__code=gone)
    assert (item.ended_at, item.end_reason) == (NOON, "Sold out")
    assert forecast([left])[left.pk].listings == 2
    entry = AuditEvent.objects.get(action="campaign.release_items")
    assert (entry.after["removed"], entry.reason, entry.right) == ([gone], "Sold out", "")
    with pytest.raises(InvalidInput):
        subitems.release_items(shop.store, promotion.code, [gone], reason="Again", actor=staff())


def test_what_has_left_is_not_in_a_copy_nor_in_conflicts(shop, promotion):
    gone = shop.skus[0]
    subitems.release_items(shop.store, promotion.code, [gone.code], reason="Sold out", actor=staff())
    draft = make.make_campaign(shop.store, shop.skus, state="draft")
    saved = lifecycle.edit_campaign(shop.store, draft.code, {"name": "Other"}, actor=shop.owner)
    (overlap,) = [one for one in saved.warnings if one.code == "WARN_OVERLAP"]
    assert (overlap.count, gone.code in overlap.skus) == (2, False)
    copied = lifecycle.copy_as_draft(shop.store, promotion.code, actor=shop.owner).campaign
    assert copied.item_count == 2


def test_a_promise_to_buyers_binds_staff_too_item_by_item(shop, promotion):
    Campaign.objects.filter(pk=promotion.pk).update(price_protected=True)
    make.make_order(shop.store, shop.skus[:1], placed_at=NOON - days(3))
    dear, other = shop.skus[0].code, shop.skus[1].code
    with pytest.raises(Conflict) as refusal:
        subitems.release_items(shop.store, promotion.code, [dear], reason="Stock", actor=staff())
    assert refusal.value.code == "ERR_CLOSE_PRICE_PROTECTED"
    subitems.release_items(shop.store, promotion.code, [other], reason="Stock", actor=staff())
    assert shown(promotion) == {dear, shop.skus[2].code}


@pytest.mark.parametrize(
    ("skus", "wrong"),
    [
        ([], {("skus", "ERR_REQUIRED")}),
        (["NOPE"], {("skus.0", "ERR_SKU_UNKNOWN")}),
        (None, {("skus", "ERR_MIN_ITEMS")}),
    ],
)
def test_wrong_items_are_named_and_one_has_to_stay(shop, promotion, skus, wrong):
    chosen, person = [sku.code for sku in shop.skus] if skus is None else skus, staff()
    with pytest.raises(InvalidInput) as refusal:
        subitems.release_items(shop.store, promotion.code, chosen, reason="Stock", actor=person)
    assert {(error.field, error.code) for error in refusal.value.errors} == wrong


def test_other_kinds_and_other_people_are_refused(shop, promotion):
    discount = make.make_campaign(shop.store, shop.skus)
    with pytest.raises(Conflict) as refusal:
        subitems.end_items(shop.store, discount.code, [shop.skus[0].code], actor=shop.owner)
    assert refusal.value.code == "ERR_ITEMS_STAY"
    with pytest.raises(PermissionRefused):
        subitems.release_items(shop.store, promotion.code, [shop.skus[0].code], reason="x", actor=shop.owner)
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.view"]))
    with pytest.raises(PermissionRefused):
        subitems.end_items(shop.store, promotion.code, [shop.skus[0].code], actor=viewer)
    with pytest.raises(InvalidInput):
        subitems.release_items(shop.store, promotion.code, [shop.skus[0].code], reason=" ", actor=staff())
