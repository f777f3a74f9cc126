"""Items of a platform promotion close on their own, under the guards (R4, R21, R23)."""

from __future__ import annotations

import pytest

from audit.models import AuditEvent, Result
from campaigns import checks, hunting, lifecycle, page_copy, reviewing, stopping, subitems
from campaigns.evidence import evidence_of
from campaigns.impact import forecast
from campaigns.inputs import ItemInput
from campaigns.models import Campaign, CampaignItem, Check, Kind, Leftover
from campaigns.tests.conftest import NOON, days
from core import clock, outbox
from core.errors import Conflict, InvalidInput, PermissionRefused
from listings.models import Listing, LiveOffer
from publishing.desire import want
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


def publish(shop):
    want(shop.store.pk, [sku.listing_id for sku in shop.skus], now=clock.now())
    while outbox.deliver_due(topics=["publish.site"]):
        pass


def test_the_pages_of_an_ended_item_are_read_at_once_and_again_later_those_of_the_others_are_not(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    publish(shop)
    subitems.withdraw_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner)
    planned = list(Check.objects.filter(campaign=campaign).order_by("number"))
    assert [(check.occasion, check.skus) for check in planned] == [("items", [shop.skus[0].pk])] * 4
    publish(shop)
    assert checks.run_due() == 1
    first = Check.objects.get(campaign=campaign, number=0)
    assert (first.state, first.pages_done, first.pages_total) == ("passed", 2, 2)
    seen = evidence_of(campaign)
    assert (len(seen.checks), seen.check) == (4, None), "not taken for a look at the whole campaign"


def test_what_is_left_of_an_ended_item_is_cleared_while_the_others_stay_on(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    gone = shop.skus[0]
    subitems.withdraw_items(shop.store, campaign.code, [gone.code], actor=shop.owner)
    LiveOffer.objects.filter(sku=gone).update(active=True)
    publish(shop)
    checks.run_due()
    left = Leftover.objects.filter(campaign=campaign, cleared_at=None)
    assert Check.objects.get(campaign=campaign, number=0).state == "leftover"
    assert set(left.values_list("listing_id", "what")) == {(gone.listing_id, "tag"), (gone.listing_id, "price")}
    assert shown(campaign) == {sku.code for sku in shop.skus[1:]}
    again = Check.objects.get(campaign=campaign, occasion="cleanup")
    assert again.skus == [gone.pk]
    LiveOffer.objects.filter(sku=gone).update(active=True)
    assert hunting.clear_leftovers(shop.store, [left.order_by("pk")[0].pk], actor=shop.owner).campaigns == 1
    assert shown(campaign) == {sku.code for sku in shop.skus[1:]}
    publish(shop)
    frozen.tick(5)
    checks.run_due()
    assert not Leftover.objects.filter(cleared_at=None).exists()


def test_the_tag_of_a_listing_stays_right_while_another_of_its_items_takes_part(shop):
    listing = make.make_listing(shop.store, ["RED", "BLUE"])
    red, blue = listing.skus.order_by("code")[::-1]
    campaign = make.make_campaign(shop.store, [red, blue], price="18.90")
    subitems.withdraw_items(shop.store, campaign.code, [red.code], actor=shop.owner)
    want(shop.store.pk, [listing.pk], now=clock.now())
    publish(shop)
    checks.run_due()
    assert Check.objects.get(campaign=campaign, number=0).state == "passed"
    LiveOffer.objects.filter(sku=red).update(active=True)
    want(shop.store.pk, [listing.pk], now=clock.now())
    publish(shop)
    Check.objects.filter(campaign=campaign, number=1).update(due_at=clock.now())
    checks.run_due()
    assert set(Leftover.objects.values_list("what", flat=True)) == {"price"}


def test_a_resume_keeps_the_checks_of_ended_items_and_drops_those_of_the_pause(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    subitems.withdraw_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner)
    stopping.pause(shop.store, campaign.code, actor=shop.owner)
    stopping.resume(shop.store, campaign.code, actor=shop.owner)
    planned = Check.objects.filter(campaign=campaign, state="pending")
    assert set(planned.values_list("occasion", flat=True)) == {"items"}
    assert planned.count() == 4


def test_an_item_that_left_and_is_added_again_takes_part_again(shop, frozen):
    campaign = make.make_campaign(shop.store, shop.skus)
    gone = shop.skus[0]
    subitems.withdraw_items(shop.store, campaign.code, [gone.code], actor=shop.owner)
    LiveOffer.objects.filter(sku=gone).update(active=True)
    publish(shop)
    checks.run_due()
    assert Leftover.objects.filter(cleared_at=None).exists()
    with pytest.raises(InvalidInput, match="ERR_PRICE_FIXED"):
        lifecycle.add_items(shop.store, campaign.code, [ItemInput(gone.code, "17.00")], actor=shop.owner)
    lifecycle.add_items(shop.store, campaign.code, [ItemInput(gone.code, "18.90")], actor=shop.owner)
    assert shown(campaign) == {sku.code for sku in shop.skus}
    item = CampaignItem.objects.get(campaign=campaign, sku=gone)
    assert (item.ended_at, item.end_reason) == (None, "")
    assert not Leftover.objects.filter(cleared_at=None).exists(), "an offer again, and no leftover"
    publish(shop)
    frozen.tick(900)
    checks.run_due()
    assert shown(campaign) == {sku.code for sku in shop.skus}, "the looks that were planned take nothing off"


def test_what_left_in_review_counts_for_no_least_number_and_comes_back_with_the_draft(shop):
    person = staff()
    waiting = make.make_campaign(
        shop.store,
        shop.skus,
        state="in_review",
        kind=Kind.PLATFORM_PROMOTION,
        rules={"venue": "Main venue"},
        min_items=2,
    )
    gone, *rest = [sku.code for sku in shop.skus]
    subitems.release_items(shop.store, waiting.code, [gone], reason="Stock", actor=person)
    reviewing.withdraw_enrolment(shop.store, waiting.code, actor=person)
    lifecycle.edit_campaign(shop.store, waiting.code, {"min_items": 3}, actor=shop.owner)
    with pytest.raises(InvalidInput, match="ERR_MIN_ITEMS"):
        lifecycle.submit(shop.store, waiting.code, actor=shop.owner)
    items = [ItemInput(code, "18.00") for code in (gone, *rest)]
    lifecycle.edit_campaign(shop.store, waiting.code, {"items": items}, actor=shop.owner)
    assert lifecycle.submit(shop.store, waiting.code, actor=shop.owner).state == "in_review"
    assert forecast([waiting])[waiting.pk].listings == 3


def test_the_text_of_the_campaign_page_waits_until_somebody_says_that_it_was_rewritten(shop, frozen):
    campaign = make.make_campaign(shop.store, make.make_skus(shop.store, 5), name="Clear-out", name_zh="清仓")
    assert page_copy.task_of(campaign) is None
    codes = list(campaign.items.order_by("id").values_list("sku__code", flat=True))
    titles = list(campaign.items.order_by("id").values_list("listing__title", flat=True))
    Listing.objects.filter(title=titles[0]).update(titles={"zh": "围巾"})
    for code in codes[:2]:
        subitems.withdraw_items(shop.store, campaign.code, [code], actor=shop.owner)
    task = page_copy.task_of(campaign)
    assert task is not None
    assert task.total == 2
    assert task.words["en"] == f"No longer part of Clear-out: {titles[0]}, {titles[1]}. The other products stay in it."
    assert task.words["zh"].startswith("围巾")
    assert "清仓" in task.words["zh"]
    viewer = make.actor_for(make.make_member(shop.store, rights=["campaigns.view"]))
    with pytest.raises(PermissionRefused):
        page_copy.confirm(shop.store, campaign.code, actor=viewer)
    page_copy.confirm(shop.store, campaign.code, actor=shop.owner)
    assert page_copy.task_of(campaign) is None
    entry = AuditEvent.objects.get(action="campaign.page_text", result=Result.DONE)
    assert (entry.after["removed"], entry.after["count"]) == (codes[:2], 2)
    with pytest.raises(Conflict) as refusal:
        page_copy.confirm(shop.store, campaign.code, actor=shop.owner)
    assert refusal.value.code == "ERR_NOTHING_OPEN"


def test_what_nobody_could_read_yet_needs_no_new_text(shop):
    draft = make.make_campaign(shop.store, shop.skus, state="draft")
    scheduled = make.make_campaign(shop.store, shop.skus, state="scheduled")
    for campaign in (draft, scheduled):
        lifecycle.remove_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner)
    assert page_copy.task_of(draft) is None
    task = page_copy.task_of(scheduled)
    assert task is not None
    assert [item["sku"] for copy in task.copies for item in copy.items] == [shop.skus[0].code]


def test_the_task_on_the_pages_and_at_the_dashboard(shop, client):
    client.force_login(make.owner_of(shop.store))
    campaign = make.make_campaign(shop.store, shop.skus)
    subitems.withdraw_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner)
    here = f"/s/{shop.store.slug}/campaigns/{campaign.code}/"
    for address in (here, f"{here}items/"):
        text = client.get(address).content.decode()
        assert "Rewrite the text of the campaign page" in text
        assert "the pages of 1 item that left" in text, "the looks at its pages are shown where checks are shown"
    assert client.get(f"{here}items/").content.decode().count("Left the campaign") == 1
    assert "#page-text" in client.get(f"/s/{shop.store.slug}/").content.decode()
    answer = client.post(f"{here}items/page-text/", follow=True)
    assert "Confirmed: the text" in answer.content.decode()
    assert "Rewrite the text" not in client.get(here).content.decode()
