"""Kinds over the API: terms, the review by platform staff, items that leave, prices at a moment."""

from __future__ import annotations

from typing import Any

import pytest

from accounts.models import Store
from core.scopes import in_store
from tests.api.client import Api, ok, problem
from tests.api.test_campaigns import body, time  # noqa: F401 - fixtures


@pytest.fixture
def promotion(body: dict[str, Any]) -> dict[str, Any]:  # noqa: F811 - pytest hands in the fixture
    return body | {"kind": "platform_promotion", "rules": {"venue": "Main venue"}}


def test_spend_and_save_discounts_the_order(owner: Api, body: dict[str, Any]) -> None:  # noqa: F811 - pytest hands in the fixture
    items = [{"sku": item["sku"]} for item in body["items"]]
    given = body | {"kind": "spend_and_save", "items": items, "rules": {"threshold": "50.00", "discount": "8.00"}}
    made = ok(owner.post("/campaigns", given), 201)
    assert (made["rules"], made["items"][0]["price"]) == (given["rules"], None)
    assert ok(owner.post(f"/campaigns/{made['code']}/submit"))["state"] == "running"
    quote = ok(owner.post("/quotes", {"lines": [{"sku": items[0]["sku"], "quantity": 3}]}), 201)
    assert (quote["subtotal"], quote["discount"], quote["total"]) == ("60.00", "8.00", "52.00")
    wrong = problem(owner.post("/campaigns", given | {"rules": {"threshold": "5", "discount": "8"}}), 422)
    assert [error["field"] for error in wrong["errors"]] == ["rules.discount"]
    priced = problem(owner.post("/campaigns", given | {"items": body["items"]}), 422)
    assert {error["code"] for error in priced["errors"]} == {"ERR_ITEM_PRICE"}


def test_a_promotion_is_reviewed_and_then_locked(owner: Api, staff: Api, promotion: dict[str, Any]) -> None:
    code = ok(owner.post("/campaigns", promotion), 201)["code"]
    path = f"/campaigns/{code}"
    assert ok(owner.post(f"{path}/submit"))["state"] == "in_review"
    problem(owner.post(f"{path}/approve"), 403)
    refused = ok(staff.post(f"{path}/reject", {"reason": "price", "note": "Too dear"}))
    assert (refused["state"], refused["review"]["reason"], refused["review"]["note"]) == (
        "rejected",
        "price",
        "Too dear",
    )
    problem(owner.post(f"{path}/submit"), 409, "ERR_STATE")
    second = f"/campaigns/{ok(owner.post('/campaigns', promotion), 201)['code']}"
    ok(owner.post(f"{second}/submit"))
    assert ok(staff.post(f"{second}/approve"))["state"] == "running"
    check = ok(owner.get(f"{second}/close-check?action=pause"))
    assert "ERR_CLOSE_PLATFORM_LOCKED" in {row["code"] for row in check["guards"] if row["status"] == "blocked"}
    stopped = problem(owner.post(f"{second}/pause", {"reason": "other"}), 409, "ERR_CLOSE_PLATFORM_LOCKED")
    assert stopped["blockers"]
    problem(owner.patch(second, {"ends_at": "2026-12-30T00:00:00Z"}), 409, "ERR_CLOSE_PLATFORM_LOCKED")


def test_items_of_a_promotion_leave_by_staff_only(owner: Api, staff: Api, promotion: dict[str, Any]) -> None:
    code = ok(owner.post("/campaigns", promotion), 201)["code"]
    ok(owner.post(f"/campaigns/{code}/submit"))
    ok(staff.post(f"/campaigns/{code}/approve"))
    gone = {"skus": [promotion["items"][0]["sku"]], "reason": "Sold out"}
    problem(owner.post(f"/campaigns/{code}/items/end", gone), 409, "ERR_CLOSE_PLATFORM_LOCKED")
    left = ok(staff.post(f"/staff/campaigns/{code}/items/end", gone))
    assert [item["ended_at"] for item in left["items"]] == ["2026-11-27T12:00:00Z", None, None]
    problem(staff.post(f"/staff/campaigns/{code}/items/end", gone), 422)


def test_staff_enforce_and_give_back(owner: Api, staff: Api, promotion: dict[str, Any], body: dict[str, Any]) -> None:  # noqa: F811 - pytest hands in the fixture
    code = ok(owner.post("/campaigns", body), 201)["code"]
    ok(owner.post(f"/campaigns/{code}/submit"))
    problem(staff.post(f"/staff/campaigns/{code}/enforce", {"enforced": True}), 422)
    assert ok(staff.post(f"/staff/campaigns/{code}/enforce", {"enforced": True, "reason": "Slot"}))["platform_enforced"]
    problem(owner.post(f"/campaigns/{code}/pause", {"reason": "other"}), 409, "ERR_CLOSE_PLATFORM_ENFORCED")
    other = ok(owner.post("/campaigns", promotion), 201)["code"]
    ok(owner.post(f"/campaigns/{other}/submit"))
    assert ok(staff.post(f"/staff/campaigns/{other}/return", {"note": "Later"}))["state"] == "draft"


def test_prices_at_a_moment(owner: Api, store: Store, body: dict[str, Any]) -> None:  # noqa: F811 - pytest hands in the fixture
    code = ok(owner.post("/campaigns", body), 201)["code"]
    first = ok(owner.get(f"/campaigns/{code}/prices"))["items"]
    assert {(row["unit_price"], row["sale_price"], tuple(row["campaigns"])) for row in first} == {
        ("15.00", "20.00", (code,))
    }
    after = ok(owner.get(f"/campaigns/{code}/prices?at=2026-11-28T12:00:00Z&limit=1"))
    assert (after["items"][0]["unit_price"], after["items"][0]["campaigns"], bool(after["next_cursor"])) == (
        "20.00",
        [],
        True,
    )
    with in_store(store.pk):
        problem(owner.get(f"/campaigns/{code}/prices?at=tomorrow"), 422)
