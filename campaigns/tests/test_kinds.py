"""Every kind from draft to order: its terms, what it allows, what its orders keep (R4, R14, R21, R25, R127)."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from audit.models import AuditEvent
from campaigns import lifecycle, report, reviewing, stopping, sweeps
from campaigns.guards import close_check
from campaigns.inputs import CampaignInput, ItemInput
from campaigns.kind_rules import Terms
from campaigns.models import Campaign, Closing, Kind
from campaigns.tests.conftest import NOON, days
from core.errors import Conflict, InvalidInput
from inbox.models import Message
from listings.models import Listing, LiveOffer, Management
from orders.models import Order
from storefront.checkout import place_order
from storefront.quoting import make_quote
from tests import factories as make

SAVE = {"threshold": "60", "discount": "8.0"}


def create(shop, kind, rules=None, *, priced=True, submit=True, **extra):
    items = [ItemInput(sku.code, "19.90" if priced else None) for sku in shop.skus]
    given = {"name": "Trial", "starts_at": NOON - days(1), "ends_at": NOON + days(2), "items": items, **extra}
    saved = lifecycle.create_campaign(
        shop.store, CampaignInput(kind=kind, rules=rules or {}, **given), actor=shop.owner
    )
    return lifecycle.submit(shop.store, saved.campaign.code, actor=shop.owner) if submit else saved.campaign


def faults(refusal):
    return {(error.field, error.code) for error in refusal.value.errors}


def staff():
    return make.actor_for(make.make_staff())


def test_terms_are_kept_in_the_places_of_the_currency(shop):
    campaign = create(
        shop, Kind.SPEND_AND_SAVE,
        SAVE | {"steps": [{"threshold": 120, "discount": "20"}], "free_shipping_threshold": "30", "gifts": [" Tote "]},
        priced=False,
    )  # fmt: skip
    assert campaign.rules == {
        "threshold": "60.00", "discount": "8.00", "steps": [{"threshold": "120.00", "discount": "20.00"}],
        "free_shipping_threshold": "30.00", "gifts": ["Tote"],
    }  # fmt: skip
    assert Terms.of(campaign.rules).ladder == ((Decimal(60), Decimal(8)), (Decimal(120), Decimal(20)))
    assert set(LiveOffer.objects.values_list("price", flat=True)) == {None}


@pytest.mark.parametrize(
    ("kind", "rules", "wrong"),
    [
        ("spend_and_save", {}, {("rules.threshold", "ERR_RULES"), ("rules.discount", "ERR_RULES")}),
        ("spend_and_save", {"threshold": "x", "discount": "0"},
         {("rules.threshold", "ERR_MONEY_FORMAT"), ("rules.discount", "ERR_MONEY_RANGE")}),
        ("spend_and_save", {"threshold": "8", "discount": "8"}, {("rules.discount", "ERR_RULES")}),
        ("spend_and_save", SAVE | {"venue": "x"}, {("rules.venue", "ERR_RULES")}),
        ("spend_and_save", SAVE | {"steps": [{"threshold": "50", "discount": "9"}]}, {("rules.steps.0.threshold", "ERR_RULES")}),
        ("spend_and_save", SAVE | {"steps": [{"threshold": "70.001", "discount": "9"}]},
         {("rules.steps.0.threshold", "ERR_MONEY_PLACES")}),
        ("spend_and_save", SAVE | {"gifts": ["", "y" * 121]}, {("rules.gifts.0", "ERR_RULES"), ("rules.gifts.1", "ERR_RULES")}),
        ("spend_and_save", SAVE | {"free_shipping_threshold": "-1"}, {("rules.free_shipping_threshold", "ERR_MONEY_RANGE")}),
        ("platform_promotion", {}, {("rules.venue", "ERR_RULES")}),
        ("platform_promotion", {"venue": "   "}, {("rules.venue", "ERR_RULES")}),
        ("festival", {"venue": "x"}, {("rules.venue", "ERR_RULES")}),
    ],
)  # fmt: skip
def test_broken_terms_are_named(shop, kind, rules, wrong):
    with pytest.raises(InvalidInput) as refusal:
        create(shop, kind, rules, priced=kind != "spend_and_save")
    assert faults(refusal) == wrong


def test_the_best_step_is_taken_and_the_order_keeps_it_for_ever(shop):
    rules = SAVE | {
        "steps": [{"threshold": "70", "discount": "15"}],
        "free_shipping_threshold": "20",
        "gifts": ["Tote"],
    }
    campaign = create(shop, Kind.SPEND_AND_SAVE, rules, priced=False)

    def quoted(quantity):
        lines = [{"sku": shop.skus[0].code, "quantity": quantity}]
        return make_quote(shop.store, {"lines": lines}, actor=shop.owner)

    below, first, second = quoted(1).terms, quoted(3), quoted(4).terms
    assert (below["discount"], below["free_shipping_threshold"], below["gifts"]) == ("0.00", "20.00", [])
    assert (first.terms["discount"], second["discount"]) == ("15.00", "15.00")
    place_order(shop.store, {"order": "A-1", "quote": first.code}, actor=shop.owner)
    stopping.pause(shop.store, campaign.code, reason="other", actor=shop.owner)
    Campaign.objects.filter(pk=campaign.pk).update(rules={"threshold": "1", "discount": "0.50"})
    snapshot = Order.objects.get(code="A-1").snapshot
    assert (snapshot["discount"], snapshot["free_shipping_threshold"]) == ("15.00", "20.00")
    assert snapshot["gifts"] == [{"campaign": campaign.code, "gift": "Tote"}]
    assert quoted(4).terms["discount"] == "0.00"


@pytest.mark.parametrize("together", ["order", "line"])
def test_orders_that_only_the_terms_name_are_foreseen_counted_and_explained(shop, frozen, together):
    """A discount on the whole order, and the second of two prices that stack, stand in no line."""
    if together == "order":
        campaign = create(shop, Kind.SPEND_AND_SAVE, SAVE, priced=False)
    else:
        create(shop, Kind.LIMITED_TIME_DISCOUNT, stacks=True, starts_at=NOON - days(2))
        campaign = create(shop, Kind.FESTIVAL, stacks=True)
    lines = [{"sku": shop.skus[0].code, "quantity": 4}]
    early, later = (make_quote(shop.store, {"lines": lines}, actor=shop.owner) for _ in range(2))
    place_order(shop.store, {"order": "A-1", "quote": early.code}, actor=shop.owner)
    assert close_check(shop.store, campaign, "pause", actor=shop.owner).impact.open_orders == 1
    frozen.tick(1)
    stopping.cancel(shop.store, campaign.code, confirm_code=campaign.code, actor=shop.owner)
    frozen.tick(60)
    place_order(shop.store, {"order": "A-2", "quote": later.code}, actor=shop.owner)
    frozen.tick(600)
    sweeps.run()
    (row,) = report.differences_of(Closing.objects.get(campaign=campaign))
    assert (row["key"], row["forecast"], row["result"], row["facts"]["placed"]) == ("open_orders", 1, 2, 1)


def test_spend_and_save_takes_no_item_prices(shop):
    with pytest.raises(InvalidInput) as refusal:
        create(shop, Kind.SPEND_AND_SAVE, SAVE)
    assert faults(refusal) == {(f"items.{n}.price", "ERR_ITEM_PRICE") for n in range(3)}


def test_a_festival_keeps_its_least_number_of_items(shop):
    assert create(shop, Kind.FESTIVAL, min_items=3).state == "running"
    with pytest.raises(InvalidInput) as refusal:
        create(shop, Kind.FESTIVAL, min_items=4)
    assert faults(refusal) == {("items", "ERR_MIN_ITEMS")}


def test_goods_that_became_fully_managed_are_not_handed_in(shop):
    draft = create(shop, Kind.LIMITED_TIME_DISCOUNT, submit=False)
    Listing.objects.filter(pk=shop.skus[1].listing_id).update(management=Management.FULLY_MANAGED)
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.submit(shop.store, draft.code, actor=shop.owner)
    assert faults(refusal) == {("items", "ERR_FULLY_MANAGED")}


def enrolled(shop, **extra):
    return create(shop, Kind.PLATFORM_PROMOTION, {"venue": "Main venue"}, **extra)


def test_an_enrolment_waits_and_is_let_in_by_staff(shop):
    campaign = enrolled(shop, starts_at=NOON + days(1))
    assert (campaign.state, campaign.submitted_at, campaign.venue) == ("in_review", NOON, "Main venue")
    approved = reviewing.approve(shop.store, campaign.code, note="Welcome", actor=staff())
    assert (approved.state, approved.reviewed_at, approved.review_note) == ("scheduled", NOON, "Welcome")
    assert list(Message.objects.values_list("code", flat=True)) == ["NOTE_ENROLMENT_APPROVED"]
    assert AuditEvent.objects.filter(action="campaign.approve", reason="Welcome").count() == 1


def test_one_whose_start_has_come_starts_with_the_approval(shop):
    assert reviewing.approve(shop.store, enrolled(shop).code, actor=staff()).state == "running"
    assert LiveOffer.objects.filter(active=True).count() == 3


@pytest.mark.parametrize(
    ("reason", "kept"), [("price", ("price", "")), ("too dear", ("other", "too dear")), ("", ("other", ""))]
)
def test_a_rejection_says_why_until_it_is_handed_in_again(shop, reason, kept):
    campaign = enrolled(shop)
    rejected = reviewing.reject(shop.store, campaign.code, reason=reason, actor=staff())
    assert (rejected.state, rejected.review_reason, rejected.review_note) == ("rejected", *kept)
    assert Message.objects.get().code == "ERR_ENROLMENT_REJECTED"
    revised = reviewing.revise(shop.store, campaign.code, actor=shop.owner)
    assert (revised.state, revised.review_reason) == ("draft", kept[0])
    again = lifecycle.submit(shop.store, campaign.code, actor=shop.owner)
    assert (again.state, again.review_reason, again.reviewed_at) == ("in_review", "", None)


@pytest.mark.parametrize("state", ["in_review", "scheduled", "running"])
def test_what_was_handed_in_is_the_platforms(shop, state):
    campaign = enrolled(shop, starts_at=NOON + days(1 if state == "scheduled" else -1))
    if state != "in_review":
        reviewing.approve(shop.store, campaign.code, actor=staff())
    acts = (
        lambda: lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": NOON + days(1)}, actor=shop.owner),
        lambda: lifecycle.add_items(shop.store, campaign.code, [ItemInput("X", "1.00")], actor=shop.owner),
        lambda: lifecycle.remove_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner),
    )
    for act in acts:
        with pytest.raises(Conflict) as refusal:
            act()
        assert refusal.value.code in ("ERR_CLOSE_PLATFORM_LOCKED", "ERR_STATE")
    assert Campaign.objects.get(pk=campaign.pk).item_count == 3


def test_staff_enforce_with_a_ground_and_lift_it(shop):
    campaign = create(shop, Kind.LIMITED_TIME_DISCOUNT)
    with pytest.raises(InvalidInput) as refusal:
        reviewing.set_enforced(shop.store, campaign.code, True, reason=" ", actor=staff())
    assert faults(refusal) == {("reason", "ERR_REQUIRED")}
    enforced = reviewing.set_enforced(shop.store, campaign.code, True, reason="Slot", actor=staff())
    assert (enforced.platform_enforced, enforced.enforced_at, enforced.enforced_reason) == (True, NOON, "Slot")
    with pytest.raises(Conflict) as stopped:
        stopping.pause(shop.store, campaign.code, reason="other", actor=shop.owner)
    assert stopped.value.code == "ERR_CLOSE_PLATFORM_ENFORCED"
    with pytest.raises(Conflict) as moved:
        lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": NOON + days(3)}, actor=shop.owner)
    assert moved.value.code == "ERR_CLOSE_PLATFORM_ENFORCED"
    assert not reviewing.set_enforced(shop.store, campaign.code, False, actor=staff()).platform_enforced
    assert stopping.pause(shop.store, campaign.code, reason="other", actor=shop.owner).state == "paused"


def test_the_end_of_a_running_campaign_moves_with_a_record_and_a_new_look_at_conflicts(shop):
    campaign = create(shop, Kind.LIMITED_TIME_DISCOUNT)
    later = make.make_campaign(
        shop.store, shop.skus[:1], state="scheduled", starts_at=NOON + days(3), ends_at=NOON + days(4)
    )
    saved = lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": NOON + days(5)}, actor=shop.owner)
    (warning,) = [one for one in saved.warnings if one.code == "WARN_OVERLAP"]
    assert (warning.campaigns, warning.count) == ((later.code,), 1)
    entry = AuditEvent.objects.get(action="campaign.edit")
    assert (set(entry.before), set(entry.after)) == ({"ends_at"}, {"ends_at"})
    assert set(LiveOffer.objects.filter(campaign_code=campaign.code).values_list("ends_at", flat=True)) == {
        NOON + days(5)
    }


def test_an_earlier_end_is_a_stop_and_meets_the_promises(shop):
    """R23 by the back door: a promise to buyers is not shortened away; a debt is no promise."""
    campaign = create(shop, Kind.LIMITED_TIME_DISCOUNT, price_protected=True)
    make.make_order(shop.store, shop.skus[:1], placed_at=NOON - days(3))
    with pytest.raises(Conflict) as refusal:
        lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": NOON + timedelta(minutes=1)}, actor=shop.owner)
    assert refusal.value.code == "ERR_CLOSE_PRICE_PROTECTED"
    assert refusal.value.extra["blockers"][0]["evidence"]["above"] == 1
    assert lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": NOON + days(9)}, actor=shop.owner)
