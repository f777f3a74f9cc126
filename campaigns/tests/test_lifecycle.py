"""From draft to start: what is asked, what is refused all at once, what only warns."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from audit.models import AuditEvent
from campaigns import lifecycle, reviewing
from campaigns.inputs import CampaignInput, ItemInput
from campaigns.models import Campaign, CampaignItem
from campaigns.outcomes import GuardRow
from campaigns.tests.conftest import NOON, open_shop
from core import codes
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused, VersionConflict
from core.scopes import in_store
from listings.models import LiveOffer, Sku
from tests import factories as make


def _input(shop, **changes):
    values: dict[str, Any] = {
        "kind": "limited_time_discount",
        "name": "Clear-out",
        "starts_at": NOON + timedelta(hours=1),
        "ends_at": NOON + timedelta(days=1),
        "items": [ItemInput(sku.code, "18.90") for sku in shop.skus],
    }
    return CampaignInput(**(values | changes))


def _create(shop, **changes):
    return lifecycle.create_campaign(shop.store, _input(shop, **changes), actor=shop.owner)


def _errors(refusal):
    return {(error.field, error.code) for error in refusal.value.errors}


def test_a_draft_with_its_items(shop):
    saved = _create(shop, name="  Clear-out ", stacks=True)
    campaign = saved.campaign
    assert (campaign.state, campaign.name, campaign.item_count, campaign.version) == ("draft", "Clear-out", 3, 1)
    assert codes.normalise(campaign.code) == campaign.code
    assert set(CampaignItem.objects.values_list("price", flat=True)) == {Decimal("18.900")}
    assert saved.warnings == ()
    assert not LiveOffer.objects.exists()
    assert AuditEvent.objects.get(action="campaign.create").after["item_count"] == 3


def test_everything_wrong_comes_at_once(shop):
    delisted = make.make_listing(shop.store, ["GONE-1"], state="delisted")
    managed = make.make_listing(shop.store, ["FULL-1"], management="fully_managed")
    assert delisted.pk != managed.pk
    items = [
        ItemInput("NOPE-1", "1.00"),
        ItemInput(shop.skus[0].code, "1.00"),
        ItemInput(shop.skus[0].code, "1.00"),
        ItemInput(shop.skus[1].code, "24.91"),
        ItemInput(shop.skus[2].code, "1.005"),
        ItemInput("GONE-1", "1.00"),
        ItemInput("FULL-1", "1.00"),
        ItemInput(shop.skus[2].code.lower(), None),
    ]
    with pytest.raises(InvalidInput) as refusal:
        _create(
            shop,
            name=" ",
            name_zh="字" * 121,
            starts_at=NOON + timedelta(days=9999),
            ends_at=NOON,
            items=items,
            rules={"threshold": "5"},
            min_items=-1,
        )
    assert _errors(refusal) == {
        ("name", "ERR_REQUIRED"), ("name_zh", "ERR_LENGTH"), ("starts_at", "ERR_DATE_ABSURD"), ("ends_at", "ERR_WINDOW"),
        ("rules.threshold", "ERR_RULES"), ("min_items", "ERR_RANGE"), ("items.0.sku", "ERR_SKU_UNKNOWN"),
        ("items.1.sku", "ERR_SKU_REPEATED"), ("items.2.sku", "ERR_SKU_REPEATED"), ("items.3.price", "ERR_PRICE_ABOVE_SALE"),
        ("items.4.price", "ERR_MONEY_PLACES"), ("items.5.sku", "ERR_NOT_ON_SALE"), ("items.6.sku", "ERR_FULLY_MANAGED"),
        ("items.7.sku", "ERR_SKU_UNKNOWN"),
    }  # fmt: skip
    assert not Campaign.objects.exists()


@pytest.mark.parametrize(
    ("starts", "ends", "wrong"),
    [
        (-timedelta(days=3661), timedelta(days=1), ("starts_at", "ERR_DATE_ABSURD")),
        (timedelta(0), timedelta(days=3661), ("ends_at", "ERR_DATE_ABSURD")),
        (timedelta(hours=1), timedelta(hours=1), ("ends_at", "ERR_WINDOW")),
        (-timedelta(hours=2), timedelta(0), ("ends_at", "ERR_WINDOW_PAST")),
    ],
)
def test_absurd_windows(shop, starts, ends, wrong):
    with pytest.raises(InvalidInput) as refusal:
        _create(shop, starts_at=NOON + starts, ends_at=NOON + ends)
    assert _errors(refusal) == {wrong}


@pytest.mark.parametrize("price", ["0", "-1", "NaN", "Infinity", "abc", "", None, "1e400", "12345678901", "1_0"])
def test_prices_that_are_none(shop, price):
    with pytest.raises(InvalidInput) as refusal:
        _create(shop, items=[ItemInput(shop.skus[0].code, price)])
    assert {field for field, _code in _errors(refusal)} == {"items.0.price"}


def test_warnings_refuse_nothing_and_name_the_campaigns(shop):
    running = make.make_campaign(shop.store, shop.skus[:2])
    Sku.objects.filter(pk=shop.skus[0].pk).update(cost=Decimal("20"))
    items = [ItemInput(shop.skus[0].code, "18.90"), ItemInput(shop.skus[2].code, "24.90")]
    warnings = {warning.code: warning for warning in _create(shop, items=items).warnings}
    assert set(warnings) == {"WARN_OVERLAP", "WARN_BELOW_COST", "WARN_NO_DISCOUNT"}
    assert warnings["WARN_OVERLAP"].campaigns == (running.code,)
    assert warnings["WARN_OVERLAP"].skus == (shop.skus[0].code,)
    assert warnings["WARN_NO_DISCOUNT"].skus == (shop.skus[2].code,)


def test_campaigns_that_both_stack_do_not_overlap(shop):
    make.make_campaign(shop.store, shop.skus, stacks=True)
    assert _create(shop, stacks=True).warnings == ()
    assert [warning.code for warning in _create(shop, stacks=False).warnings] == ["WARN_OVERLAP"]


@pytest.mark.parametrize("kind", ["nonsense", ""])
def test_kinds_that_are_not_offered(shop, kind):
    with pytest.raises(InvalidInput) as refusal:
        _create(shop, kind=kind)
    assert _errors(refusal) == {("kind", "ERR_KIND_NOT_OFFERED")}


@pytest.mark.parametrize(
    ("spoil", "code"),
    [
        ({"account_state": "frozen"}, "ERR_ACCOUNT_STATE"),
        ({"kyc": "none"}, "ERR_KYC"),
        ({"banner": ""}, "ERR_STORE_UNDECORATED"),
    ],
)
def test_a_store_out_of_order_has_no_entry(shop, spoil, code):
    draft = _create(shop).campaign
    for name, value in spoil.items():
        row = shop.store.profile if name == "banner" else shop.store
        setattr(row, name, value)
        row.save()
    for act in (lambda: _create(shop), lambda: lifecycle.submit(shop.store, draft.code, actor=shop.owner)):
        with pytest.raises(Conflict) as refusal:
            act()
        assert refusal.value.code == code
        assert set(refusal.value.extra["blockers"][0]) == set(GuardRow("", "", "", "").as_dict())
    shop.store.profile.decoration_waived = True
    shop.store.profile.save()
    if code == "ERR_STORE_UNDECORATED":
        assert lifecycle.submit(shop.store, draft.code, actor=shop.owner).state == "scheduled"


def test_lent_rights_reach_as_far_as_their_caps(shop):
    small = make.actor_for(make.make_member(shop.store, rights=["campaigns.edit"], max_listings=2))
    shy = make.actor_for(make.make_member(shop.store, rights=["campaigns.edit"], max_percent_off=24))
    nobody = make.actor_for(make.make_member(shop.store))
    for actor, cap in ((small, "max_listings"), (shy, "max_percent_off")):
        with pytest.raises(Conflict) as refusal:
            lifecycle.create_campaign(shop.store, _input(shop), actor=actor)
        assert (refusal.value.code, refusal.value.extra["cap"]) == ("ERR_GRANT_CAP", cap)
    with pytest.raises(PermissionRefused):
        lifecycle.create_campaign(shop.store, _input(shop), actor=nobody)
    two = _input(shop, items=[ItemInput(sku.code, "19.00") for sku in shop.skus[:2]])
    campaign = lifecycle.create_campaign(shop.store, two, actor=small).campaign
    with pytest.raises(Conflict):
        lifecycle.add_items(shop.store, campaign.code, [ItemInput(shop.skus[2].code, "19.00")], actor=small)
    assert CampaignItem.objects.filter(campaign=campaign).count() == 2


@pytest.mark.parametrize(("cap", "limit"), [("max_listings", 2), ("max_percent_off", 24)])
def test_what_somebody_else_wrote_lies_inside_the_caps_too(shop, cap, limit):
    """A lent right does not grow by copying, handing in or prolonging the owner's deep discount."""
    actor = make.actor_for(make.make_member(shop.store, rights=["campaigns.edit"], **{cap: limit}))
    draft = _create(shop).campaign
    acts = (
        lambda: lifecycle.copy_as_draft(shop.store, draft.code, actor=actor),
        lambda: lifecycle.submit(shop.store, draft.code, actor=actor),
        lambda: lifecycle.edit_campaign(shop.store, draft.code, {"ends_at": NOON + timedelta(days=9)}, actor=actor),
    )
    for act in acts:
        with pytest.raises(Conflict) as refusal:
            act()
        assert (refusal.value.code, refusal.value.extra["cap"]) == ("ERR_GRANT_CAP", cap)
    assert Campaign.objects.get().state == "draft"


def test_a_start_in_the_past_means_as_soon_as_submitted(shop):
    draft = _create(shop, starts_at=NOON - timedelta(days=2)).campaign
    assert draft.state == "draft"
    campaign = lifecycle.submit(shop.store, draft.code, actor=shop.owner)
    assert (campaign.state, campaign.started_at) == ("running", NOON)
    assert LiveOffer.objects.filter(campaign_code=campaign.code, active=True).count() == 3
    assert set(CampaignItem.objects.values_list("price_before", flat=True)) == {Decimal("24.900")}


def test_submit_refuses_an_empty_or_late_campaign(shop, frozen):
    empty = _create(shop, items=[], min_items=2).campaign
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.submit(shop.store, empty.code, actor=shop.owner)
    assert _errors(refusal) == {("items", "ERR_NO_ITEMS"), ("items", "ERR_MIN_ITEMS")}
    late = _create(shop).campaign
    frozen.tick(timedelta(days=1))
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.submit(shop.store, late.code, actor=shop.owner)
    assert _errors(refusal) == {("ends_at", "ERR_WINDOW_PAST")}


def test_while_running_only_the_end_moves_and_offers_follow(shop):
    campaign = make.make_campaign(shop.store, shop.skus)
    end = NOON + timedelta(days=5)
    saved = lifecycle.edit_campaign(
        shop.store, campaign.code, {"ends_at": end}, version=campaign.version, actor=shop.owner
    )
    assert saved.campaign.ends_at == end
    assert set(LiveOffer.objects.values_list("ends_at", flat=True)) == {end}
    event = AuditEvent.objects.get(action="campaign.edit")
    assert set(event.before) == set(event.after) == {"ends_at"}
    changes: tuple[dict[str, Any], ...] = ({"name": "Other"}, {"starts_at": NOON}, {"items": []}, {"stacks": True})
    for change in changes:
        with pytest.raises(Conflict) as refusal:
            lifecycle.edit_campaign(shop.store, campaign.code, change, actor=shop.owner)
        assert refusal.value.code == "ERR_STATE"
    with pytest.raises(InvalidInput):
        lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": NOON}, actor=shop.owner)
    with pytest.raises(InvalidInput):
        lifecycle.edit_campaign(shop.store, campaign.code, {"state": "ended"}, actor=shop.owner)
    with pytest.raises(VersionConflict):
        lifecycle.edit_campaign(shop.store, campaign.code, {"ends_at": end}, version=campaign.version, actor=shop.owner)


def test_editing_a_scheduled_campaign_replaces_its_items_and_may_start_it(shop):
    campaign = make.make_campaign(shop.store, shop.skus, state="scheduled")
    items = [ItemInput(shop.skus[1].code, "10.00")]
    saved = lifecycle.edit_campaign(shop.store, campaign.code, {"items": items, "name": "New"}, actor=shop.owner)
    assert (saved.campaign.item_count, saved.campaign.name, saved.campaign.state) == (1, "New", "scheduled")
    saved = lifecycle.edit_campaign(shop.store, campaign.code, {"starts_at": NOON}, actor=shop.owner)
    assert saved.campaign.state == "running"
    assert list(LiveOffer.objects.values_list("price", flat=True)) == [Decimal("10.000")]


def test_items_come_before_buyers_at_once_while_running(shop):
    campaign = make.make_campaign(shop.store, shop.skus[:1])
    lifecycle.add_items(shop.store, campaign.code, [ItemInput(shop.skus[1].code, "9.00")], actor=shop.owner)
    assert LiveOffer.objects.filter(campaign_code=campaign.code, active=True).count() == 2
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.add_items(shop.store, campaign.code, [ItemInput(shop.skus[0].code, "9.00")], actor=shop.owner)
    assert _errors(refusal) == {("items.0.price", "ERR_PRICE_FIXED")}
    with pytest.raises(InvalidInput):
        lifecycle.add_items(shop.store, campaign.code, [], actor=shop.owner)
    with pytest.raises(Conflict):
        lifecycle.remove_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner)


def test_items_leave_before_the_start(shop):
    campaign = make.make_campaign(shop.store, shop.skus, state="scheduled")
    saved = lifecycle.remove_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner)
    assert saved.campaign.item_count == 2
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.remove_items(shop.store, campaign.code, [shop.skus[0].code], actor=shop.owner)
    assert _errors(refusal) == {("skus.0", "ERR_SKU_UNKNOWN")}


def test_what_was_handed_in_keeps_as_many_items_as_it_needs(shop):
    """R160: fewer cannot be handed in, and no item may leave below it."""
    campaign = make.make_campaign(shop.store, shop.skus, state="scheduled", kind="festival", min_items=3)
    codes = [sku.code for sku in shop.skus]
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.remove_items(shop.store, campaign.code, codes[:1], actor=shop.owner)
    assert _errors(refusal) == {("skus", "ERR_MIN_ITEMS")}
    fewer: tuple[tuple[dict[str, Any], str], ...] = (
        ({"items": [ItemInput(codes[0], "9.00")]}, "items"),
        ({"min_items": 4}, "min_items"),
    )
    for change, field in fewer:
        with pytest.raises(InvalidInput) as refusal:
            lifecycle.edit_campaign(shop.store, campaign.code, change, actor=shop.owner)
        assert _errors(refusal) == {(field, "ERR_MIN_ITEMS")}
    assert CampaignItem.objects.filter(campaign=campaign).count() == 3
    plain = make.make_campaign(shop.store, shop.skus, state="scheduled")
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.remove_items(shop.store, plain.code, codes, actor=shop.owner)
    assert _errors(refusal) == {("skus", "ERR_NO_ITEMS")}
    lifecycle.edit_campaign(shop.store, campaign.code, {"min_items": 2}, actor=shop.owner)
    assert lifecycle.remove_items(shop.store, campaign.code, codes[:1], actor=shop.owner).campaign.item_count == 2
    with pytest.raises(InvalidInput) as refusal:
        lifecycle.remove_items(shop.store, campaign.code, [], actor=shop.owner)
    assert _errors(refusal) == {("skus", "ERR_REQUIRED")}


def test_the_review_is_platform_staffs(shop):
    staff = make.actor_for(make.make_staff())
    enrolled = [
        make.make_campaign(shop.store, shop.skus, state="in_review", kind="platform_promotion") for _ in range(3)
    ]
    with pytest.raises(PermissionRefused):
        reviewing.approve(shop.store, enrolled[0].code, actor=shop.owner)
    assert reviewing.approve(shop.store, enrolled[0].code, actor=staff).state == "scheduled"
    rejected = reviewing.reject(shop.store, enrolled[1].code, reason="No", actor=staff)
    assert (rejected.state, rejected.review_reason, rejected.review_note) == ("rejected", "other", "No")
    assert reviewing.revise(shop.store, enrolled[1].code, actor=shop.owner).state == "draft"
    with pytest.raises(PermissionRefused):
        reviewing.withdraw_enrolment(shop.store, enrolled[2].code, actor=shop.owner)
    assert reviewing.withdraw_enrolment(shop.store, enrolled[2].code, actor=staff).state == "draft"
    with pytest.raises(Conflict):
        reviewing.approve(shop.store, enrolled[2].code, actor=staff)


def test_only_drafts_are_deleted(shop):
    draft = _create(shop).campaign
    lifecycle.delete_draft(shop.store, draft.code, actor=shop.owner)
    assert not Campaign.objects.filter(code=draft.code).exists()
    live = make.make_campaign(shop.store, shop.skus)
    with pytest.raises(Conflict):
        lifecycle.delete_draft(shop.store, live.code, actor=shop.owner)


def test_copy_as_new_draft(shop):
    campaign = make.make_campaign(shop.store, shop.skus, name="Old", stacks=True)
    copied = lifecycle.copy_as_draft(shop.store, campaign.code, actor=shop.owner).campaign
    assert (copied.state, copied.name, copied.item_count, copied.stacks) == ("draft", "Old", 3, True)
    assert copied.ends_at - copied.starts_at == campaign.ends_at - campaign.starts_at
    assert copied.starts_at > NOON
    assert copied.code != campaign.code


def test_a_code_that_is_taken_is_thrown_again(shop, monkeypatch):
    taken = make.make_campaign(shop.store, state="draft").code
    thrown = iter([taken, taken, "C-FRESH"])
    monkeypatch.setattr(codes, "new_code", lambda prefix: next(thrown))
    assert _create(shop).campaign.code == "C-FRESH"


def test_another_stores_campaign_is_not_found(shop):
    other = open_shop()
    with in_store(other.store.pk):
        foreign = make.make_campaign(other.store, other.skus, state="draft")
    for act in (lifecycle.submit, lifecycle.delete_draft, lifecycle.copy_as_draft):
        with pytest.raises(NotFound):
            act(shop.store, foreign.code, actor=shop.owner)


def test_ten_thousand_items_cost_as_many_queries_as_one(shop):
    skus = make.make_skus(shop.store, 400)
    counts = []
    for some in (skus[:1], skus):
        with CaptureQueriesContext(connection) as queries:
            _create(shop, items=[ItemInput(sku.code, "9.90") for sku in some])
        counts.append(len(queries))
    assert counts[0] == counts[1]
    with pytest.raises(InvalidInput) as refusal:
        _create(shop, items=[ItemInput(f"X-{n}", "1.00") for n in range(10_001)])
    assert _errors(refusal) == {("items", "ERR_TOO_MANY_ITEMS")}
