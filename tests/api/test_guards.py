"""Deposit, penalties, affiliate plans and the emergency stop as programs use them; a refused cancel names all its blockers."""

from __future__ import annotations

from datetime import timedelta

import pytest

from core import clock
from core.scopes import in_store
from tests.api.client import ok, problem
from tests.factories import make_campaign, make_order, make_skus

pytestmark = pytest.mark.django_db


@pytest.fixture
def campaign(store):
    with in_store(store.pk):
        return make_campaign(store, make_skus(store, 2), price="18.90")


def test_deposit_and_plan_block_a_cancel_until_both_are_mended(store, owner, staff, campaign):
    charged = ok(
        staff.post(f"/staff/stores/{store.slug}/deposit-charges",
                   {"amount": "2000.00", "currency": "CNY", "reason": "Season deposit"}), 201,
    )  # fmt: skip
    assert (charged["kind"], charged["arrears"]) == ("charge", "2000.00")
    plan = ok(owner.post("/affiliate-plans", {"name": "Partners", "campaigns": [campaign.code]}), 201)
    assert (plan["state"], plan["campaigns"]) == ("running", [campaign.code])
    cancel = {"confirm_code": campaign.code, "reason": "season"}
    refused = problem(owner.post(f"/campaigns/{campaign.code}/cancel", cancel), 409, "ERR_CLOSE_AFFILIATE_ACTIVE")
    blockers = {row["code"]: row for row in refused["blockers"]}
    assert set(blockers) == {"ERR_CLOSE_AFFILIATE_ACTIVE", "ERR_CLOSE_DEPOSIT_ARREARS"}
    assert blockers["ERR_CLOSE_DEPOSIT_ARREARS"]["evidence"] == {"arrears": [{"currency": "CNY", "amount": "2000.00"}]}
    assert blockers["ERR_CLOSE_AFFILIATE_ACTIVE"]["fix"]["url"].endswith("/campaigns/affiliates/")
    shown = ok(owner.get("/store"))
    assert shown["deposit"] == {
        "in_arrears": True,
        "balances": [{"currency": "CNY", "charged": "2000.00", "paid": "0.00", "arrears": "2000.00"}],
    }
    capabilities = {row["capability"]: row for row in shown["capabilities"]}
    assert capabilities["campaigns.pause"]["allowed"]
    assert [why["code"] for why in capabilities["campaigns.cancel"]["reasons"]] == ["ERR_CLOSE_DEPOSIT_ARREARS"]
    assert ok(owner.post(f"/affiliate-plans/{plan['id']}/pause"))["state"] == "paused"
    assert ok(owner.post("/deposit/payments", {"amount": "2000.00"}), 201)["arrears"] == "0.00"
    assert ok(owner.post(f"/campaigns/{campaign.code}/cancel", cancel))["state"] == "cancelling"


def test_a_pause_is_only_warned_by_what_can_be_mended_elsewhere(store, owner, staff, campaign):
    staff.post(f"/staff/stores/{store.slug}/deposit-charges", {"amount": "1", "currency": "CNY", "reason": "Season"})
    check = ok(owner.get(f"/campaigns/{campaign.code}/close-check?action=pause"))
    row = next(row for row in check["guards"] if row["code"] == "ERR_CLOSE_DEPOSIT_ARREARS")
    assert (check["allowed"], row["status"]) == (True, "warning")
    assert ok(owner.post(f"/campaigns/{campaign.code}/pause", {"reason": "season"}))["state"] == "paused"


def test_a_fulfilment_number_and_an_old_price_block_pause_and_cancel(store, owner, staff, campaign):
    with in_store(store.pk):
        campaign.__class__.objects.update(price_protected=True, logistics_guarantee=True)
        sku = campaign.items.select_related("sku")[0].sku
        make_order(store, [sku], code="O-1", snapshot={"campaigns": {campaign.code: {}}})
    check = ok(owner.get(f"/campaigns/{campaign.code}/close-check?action=cancel"))
    rows = {row["code"]: row for row in check["guards"]}
    assert rows["ERR_CLOSE_FULFILMENT_STARTED"]["status"] == "passed"
    assert rows["ERR_CLOSE_PRICE_PROTECTED"]["evidence"]["skus"] == [
        {"sku": sku.code, "lowest_deal": "24.90", "campaign_price": "18.90"}
    ]
    ok(owner.patch("/orders/O-1", {"fulfilment_number": "LP00123"}))
    refused = problem(owner.post(f"/campaigns/{campaign.code}/pause", {"reason": "season"}), 409)
    assert [row["code"] for row in refused["blockers"]] == ["ERR_CLOSE_FULFILMENT_STARTED", "ERR_CLOSE_PRICE_PROTECTED"]
    stopped = ok(staff.post(f"/staff/campaigns/{campaign.code}/emergency-stop", {"reason": "Wrong price"}))
    assert stopped["state"] == "paused"
    problem(staff.post(f"/staff/campaigns/{campaign.code}/emergency-stop", {"reason": "Again"}), 409, "ERR_STATE")
    problem(staff.post("/staff/campaigns/C-NONE0/emergency-stop", {"reason": "x"}), 404)
    problem(staff.post(f"/staff/campaigns/{campaign.code}/emergency-stop", {"reason": "  "}), 422)


def test_history_told_through_the_api_feeds_the_lowest_deal_price(store, owner, campaign):
    with in_store(store.pk):
        campaign.__class__.objects.update(price_protected=True)
        skus = [item.sku.code for item in campaign.items.select_related("sku")]
    yesterday = clock.rfc3339(clock.now() - timedelta(days=1))
    for number, price in enumerate(("27.50", "18.90")):
        lines = [{"sku": sku, "quantity": 2, "unit_price": price} for sku in skus]
        told = {"order": f"H-{number}", "buyer": "b", "country": "US", "lines": lines, "placed_at": yesterday}
        ok(owner.post("/orders", told), 201)
        check = ok(owner.get(f"/campaigns/{campaign.code}/close-check?action=pause"))
        assert check["allowed"] == (price == "18.90")


def test_penalties_stand_in_the_ledger_and_act(store, owner, staff, campaign):
    url = f"/staff/stores/{store.slug}/penalties"
    problem(staff.post(url, {"kind": "points", "reason": "x"}), 422)
    blocked = ok(staff.post(url, {"kind": "enrolment_block", "days": 7, "reason": "Excess withdrawal"}), 201)
    assert (blocked["days"], blocked["points_total"], blocked["account_state"]) == (7, 0, "normal")
    body = {
        "kind": "limited_time_discount", "name": "New", "starts_at": "2027-01-01T00:00:00Z", "ends_at": "2027-01-02T00:00:00Z",
        "items": [],
    }  # fmt: skip
    refused = problem(owner.post("/campaigns", body), 409, "ERR_ENROLMENT_BLOCKED")
    assert refused["blockers"][0]["evidence"] == {"blocked_until": blocked["until"]}
    assert ok(owner.post(f"/campaigns/{campaign.code}/pause", {"reason": "season"}))["state"] == "paused"
    serious = ok(staff.post(url, {"kind": "points", "points": 6, "reason": "Serious"}), 201)
    assert (serious["points_total"], serious["account_state"]) == (6, "serious_violation")
    shown = ok(owner.get("/store"))
    assert shown["account_state"] == "serious_violation"
    assert (shown["penalties"]["points"], [row["kind"] for row in shown["penalties"]["items"]]) == (
        6, ["points", "enrolment_block"],
    )  # fmt: skip
    problem(owner.post(f"/campaigns/{campaign.code}/cancel", {"confirm_code": campaign.code}), 409, "ERR_ACCOUNT_STATE")
    assert ok(owner.get(f"/campaigns/{campaign.code}/close-check?action=cancel"))["allowed"] is False


def test_a_refused_attempt_costs_nothing(store, owner, staff, campaign):
    owner.post("/affiliate-plans", {"name": "Partners", "campaigns": [campaign.code]})
    for _ in range(3):
        problem(owner.post(f"/campaigns/{campaign.code}/cancel", {"confirm_code": campaign.code}), 409)
    assert ok(owner.get("/store"))["penalties"] == {"points": 0, "enrolment_blocked_until": None, "items": []}


def test_plans_refuse_what_cannot_be_promoted(store, owner, stranger, campaign):
    refused = problem(owner.post("/affiliate-plans", {"name": " ", "campaigns": []}), 422)
    assert {error["field"] for error in refused["errors"]} == {"name", "campaigns"}
    problem(stranger.post("/affiliate-plans", {"name": "Spy", "campaigns": [campaign.code]}), 422)
    plan = ok(owner.post("/affiliate-plans", {"name": "Partners", "campaigns": [campaign.code.lower()]}), 201)
    problem(stranger.post(f"/affiliate-plans/{plan['id']}/pause"), 404)
    problem(owner.post("/affiliate-plans/99999999999999999999/pause"), 404)
    assert [row["id"] for row in ok(owner.get("/affiliate-plans"))["items"]] == [plan["id"]]
    ok(owner.post(f"/affiliate-plans/{plan['id']}/pause"))
    ok(owner.post(f"/campaigns/{campaign.code}/cancel", {"confirm_code": campaign.code}))
    problem(owner.post(f"/affiliate-plans/{plan['id']}/resume"), 409, "ERR_PLAN_OVER")
