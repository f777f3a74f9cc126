"""Campaigns over the API: from draft to the end of the hold, with what refuses on the way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AccountState, Store
from campaigns.models import Campaign
from core import clock
from core.clock import FrozenClock
from core.scopes import in_store
from tests.api.client import Api, member_api, ok, problem
from tests.factories import make_member, make_skus

NOON = "2026-11-27T12:00:00Z"


@pytest.fixture
def time(db: None) -> Iterator[FrozenClock]:
    from datetime import UTC, datetime

    with clock.freeze(datetime(2026, 11, 27, 12, tzinfo=UTC)) as frozen:
        yield frozen


@pytest.fixture
def body(store: Store, time: FrozenClock) -> dict[str, Any]:
    with in_store(store.pk):
        skus = make_skus(store, 3, price="20.00")
    return {
        "kind": "limited_time_discount",
        "name": "Clear-out",
        "starts_at": "2026-11-27T11:00:00Z",
        "ends_at": "2026-11-28T12:00:00Z",
        "items": [{"sku": sku.code, "price": "15.00"} for sku in skus],
    }


@pytest.fixture
def running(owner: Api, body: dict[str, Any]) -> dict[str, Any]:
    made = ok(owner.post("/campaigns", body), 201)
    found: dict[str, Any] = ok(owner.post(f"/campaigns/{made['code']}/submit"))
    assert found["state"] == "running"
    return found


def test_create_answers_what_was_sent_and_more(owner: Api, body: dict[str, Any]) -> None:
    made = ok(owner.post("/campaigns", body), 201)
    assert made.items() >= {key: value for key, value in body.items() if key != "items"}.items()
    assert [{"sku": item["sku"], "price": item["price"]} for item in made["items"]] == body["items"]
    assert (made["state"], made["closes_at"], made["version"]) == ("draft", "2026-11-28T12:15:00Z", 1)
    assert ok(owner.get(f"/campaigns/{made['code']}")) == made


def test_below_cost_and_overlap_warn_and_refuse_nothing(
    owner: Api, body: dict[str, Any], running: dict[str, Any]
) -> None:
    again = ok(owner.post("/campaigns", body | {"name": "Second"}), 201)
    assert again["warnings"]
    assert running["code"] in again["warnings"][0]["campaigns"]


def test_pause_resume_cancel_take_back(owner: Api, running: dict[str, Any], time: FrozenClock) -> None:
    path = f"/campaigns/{running['code']}"
    paused = ok(owner.post(f"{path}/pause", {"reason": "season", "note": "", "freeze_claimed": False}))
    assert (paused["state"], paused["paused_at"]) == ("paused", NOON)
    assert problem(owner.post(f"{path}/pause"), 409)["blockers"]
    assert ok(owner.post(f"{path}/resume"))["state"] == "running"
    problem(owner.get(f"{path}/closing"), 404)
    problem(owner.post(f"{path}/cancel", {"reason": "other", "confirm_code": "C-00000"}), 422, "ERR_CONFIRM_CODE")
    held = ok(owner.post(f"{path}/cancel", {"reason": "season", "confirm_code": running["code"]}))
    assert (held["state"], held["take_back_until"], held["closes_at"]) == ("cancelling", "2026-11-27T12:10:00Z", NOON)
    report = ok(owner.get(f"{path}/closing"))
    assert (report["closed_at"], report["close_kind"]) == (NOON, "manual")
    assert [step["key"] for step in report["steps"]][:2] == ["stop_display", "clear_tags"]
    assert (report["steps"][0]["finished_at"], report["steps"][0]["evidence"]["cut_over"]) == (NOON, NOON)
    assert "+00:00" not in json.dumps(report)
    time.tick(60)
    assert ok(owner.post(f"{path}/take-back"))["state"] == "running"
    problem(owner.get(f"{path}/closing"), 404)


def test_close_check_is_for_viewers_and_frozen_stores_too(owner: Api, store: Store, running: dict[str, Any]) -> None:
    path = f"/campaigns/{running['code']}/close-check"
    viewer = member_api(store, make_member(store, rights=["campaigns.view"]))
    seen = ok(viewer.get(f"{path}?action=pause"))
    assert {row["code"]: row["status"] for row in seen["guards"]}["ERR_PERMISSION"] == "blocked"
    assert not seen["allowed"]
    mine = ok(owner.get(f"{path}?action=cancel"))
    assert mine["allowed"]
    assert mine["impact"]["listings"] >= 1
    Store.objects.filter(pk=store.pk).update(account_state=AccountState.FROZEN)
    frozen = ok(owner.get(f"{path}?action=cancel"))
    assert not frozen["allowed"]
    refused = problem(owner.post(f"/campaigns/{running['code']}/pause", {}), 409, "ERR_ACCOUNT_STATE")
    assert refused["blockers"][0].keys() >= {"code", "status", "title", "detail", "evidence", "fix", "policy"}
    for bad in ("", "?action=", "?action=resume"):
        problem(owner.get(path + bad), 422)


def test_another_admin_is_423_with_holder_and_seconds(owner: Api, store: Store, running: dict[str, Any]) -> None:
    path = f"/campaigns/{running['code']}"
    other = member_api(store, make_member(store, rights=["campaigns.pause", "campaigns.view"]))
    ok(owner.post(f"{path}/pause", {"reason": "season"}))
    answer = other.post(f"{path}/resume", key="try-1")
    found = problem(answer, 423, "ERR_OPERATION_LOCKED")
    assert (found["seconds_left"], answer["Retry-After"]) == (10, "10")
    assert found["holder"]
    ok(owner.post(f"{path}/resume"))
    again = other.post(f"{path}/pause", key="try-1")
    assert "Idempotent-Replay" not in again


def test_423_is_never_stored(owner: Api, store: Store, running: dict[str, Any], time: FrozenClock) -> None:
    path = f"/campaigns/{running['code']}"
    other = member_api(store, make_member(store, rights=["campaigns.pause"]))
    ok(owner.post(f"{path}/pause", {}))
    problem(other.post(f"{path}/resume", key="same"), 423)
    time.tick(11)
    assert ok(other.post(f"{path}/resume", key="same"))["state"] == "running"


def test_a_stale_version_brings_the_campaign_as_it_stands(owner: Api, running: dict[str, Any]) -> None:
    path = f"/campaigns/{running['code']}"
    changed = ok(owner.patch(path, {"ends_at": "2026-11-29T12:00:00Z", "version": running["version"]}))
    for call in (
        owner.patch(path, {"ends_at": "2026-11-30T12:00:00Z", "version": running["version"]}),
        owner.post(f"{path}/pause", {"version": running["version"]}),
    ):
        assert problem(call, 409, "ERR_VERSION_CONFLICT")["current"] == changed


def test_another_store_is_404_everywhere(stranger: Api, running: dict[str, Any]) -> None:
    path = f"/campaigns/{running['code']}"
    for tail in ("", "/close-check?action=pause", "/closing"):
        problem(stranger.get(path + tail), 404, "ERR_NOT_FOUND")
    for tail in ("/submit", "/pause", "/resume", "/take-back", "/restore-prices"):
        problem(stranger.post(path + tail, {}), 404)
    problem(stranger.post(f"{path}/cancel", {"confirm_code": running["code"]}), 404)
    problem(stranger.post(f"{path}/items", {"items": [{"sku": "A", "price": "1.00"}]}), 404)
    problem(stranger.patch(path, {"name": "mine"}), 404)
    row = ok(
        stranger.post(
            "/campaigns/bulk", {"action": "pause", "codes": [running["code"]], "reason": "x", "confirm_count": 1}
        )
    )
    assert row["results"][0]["result"] == "refused"


def test_items_join_while_it_runs(owner: Api, store: Store, running: dict[str, Any]) -> None:
    with in_store(store.pk):
        (new,) = make_skus(store, 1, price="30.00")
    path = f"/campaigns/{running['code']}"
    found = ok(owner.post(f"{path}/items", {"items": [{"sku": new.code, "price": "25.00"}]}))
    assert found["item_count"] == 4
    assert problem(owner.post(f"{path}/items", {"items": [{"sku": "NO-SUCH", "price": "1.00"}]}), 422)["errors"]


def test_bulk_answers_row_by_row(owner: Api, store: Store, running: dict[str, Any], body: dict[str, Any]) -> None:
    draft = ok(owner.post("/campaigns", body), 201)["code"]
    asked = {"action": "pause", "codes": [running["code"], draft, "C-ZZZZZ"], "reason": "season", "confirm_count": 3}
    results = ok(owner.post("/campaigns/bulk", asked))["results"]
    assert [(row["code"], row["result"]) for row in results] == [
        (running["code"], "done"),
        (draft, "refused"),
        ("C-ZZZZZ", "refused"),
    ]
    assert results[0]["error"] is None
    assert results[1]["error"]["code"] == "ERR_STATE"
    many = {"action": "cancel", "codes": [f"C-{n:05}" for n in range(21)], "reason": "other", "confirm_count": 21}
    problem(owner.post("/campaigns/bulk", many), 422)
    problem(owner.post("/campaigns/bulk", asked | {"confirm_count": 2}), 422)
    canceller = member_api(store, make_member(store, rights=["campaigns.cancel"]))
    problem(canceller.post("/campaigns/bulk", asked), 403, "ERR_PERMISSION")


def test_wrong_rights_are_403_and_on_record(store: Store, running: dict[str, Any], owner: Api) -> None:
    viewer = member_api(store, make_member(store, rights=["campaigns.view"]))
    path = f"/campaigns/{running['code']}"
    for tail in ("/pause", "/resume", "/take-back", "/submit", "/cancel", "/items", "/restore-prices"):
        found = problem(viewer.post(path + tail, {}), 403, "ERR_PERMISSION")
        assert found["granted_by"]
    events = ok(owner.get("/audit?action=api.call"))["items"]
    assert len(events) == 7
    assert events[-1]["object"]["id"].endswith("/pause")
    assert {event["result"] for event in events} == {"refused"}


def test_review_is_for_staff(owner: Api, staff: Api, running: dict[str, Any]) -> None:
    path = f"/campaigns/{running['code']}"
    problem(owner.post(f"{path}/approve"), 403)
    problem(staff.post(f"{path}/approve"), 409, "ERR_STATE")
    problem(staff.post(f"{path}/reject", {"reason": "no"}), 409, "ERR_STATE")
    problem(staff.post(f"{path}/reject"), 409, "ERR_STATE")
    problem(staff.post("/campaigns/C-ZZZZZ/approve"), 404)
    problem(staff.post(f"{path}/pause"), 403)


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"kind": "nope"}, "kind"),
        ({"name": ""}, "name"),
        ({"name": 5}, "name"),
        ({"starts_at": "tomorrow"}, "starts_at"),
        ({"starts_at": "2026-11-27 11:00"}, "starts_at"),
        ({"starts_at": "2026-02-30T00:00:00Z"}, "starts_at"),
        ({"ends_at": "0001-01-01T00:00:00+23:59"}, "ends_at"),
        ({"ends_at": "9999-12-31T23:59:59Z"}, "ends_at"),
        ({"ends_at": "2026-11-27T10:00:00Z"}, "ends_at"),
        ({"ends_at": 1795000000}, "ends_at"),
        ({"items": [{"sku": "NO-SUCH", "price": "1.00"}]}, "items.0.sku"),
        ({"items": [{"sku": "A", "price": 1.5}]}, "items.0.price"),
        ({"items": {}}, "items"),
        ({"min_items": -1}, "min_items"),
        ({"min_items": 10**30}, "min_items"),
        ({"stacks": "yes"}, "stacks"),
        ({"rules": {"threshold": "5"}}, "rules.threshold"),
        ({"owner": 1}, "owner"),
    ],
)
def test_bad_fields_are_named(owner: Api, body: dict[str, Any], change: dict[str, Any], field: str) -> None:
    found = problem(owner.post("/campaigns", body | change), 422)
    assert field in {item["field"] for item in found["errors"]}, found


def test_lists_filter_and_keep_their_queries(owner: Api, store: Store, body: dict[str, Any], time: FrozenClock) -> None:
    made = [ok(owner.post("/campaigns", body | {"name": f"No {n}"}), 201)["code"] for n in range(5)]
    ok(owner.post(f"/campaigns/{made[0]}/submit"))
    assert [row["code"] for row in ok(owner.get("/campaigns"))["items"]] == made[::-1]
    assert [row["code"] for row in ok(owner.get("/campaigns?state=running"))["items"]] == made[:1]
    assert [row["code"] for row in ok(owner.get("/campaigns?q=No%203"))["items"]] == made[3:4]
    assert len(ok(owner.get("/campaigns?kind=limited_time_discount&ends_before=2026-11-28T12:00:01Z"))["items"]) == 5
    assert ok(owner.get("/campaigns?ends_before=2026-11-28T12:00:00Z"))["items"] == []
    problem(owner.get("/campaigns?ends_before=soon"), 422)
    counts = []
    for limit in (1, 5):
        with CaptureQueriesContext(connection) as seen:
            ok(owner.get(f"/campaigns?limit={limit}"))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 5
    time.tick(timedelta(days=3))
    with in_store(store.pk):
        assert Campaign.objects.count() == 5
