"""Stops that wait, and the brake of the whole store, over the API."""

from __future__ import annotations

from typing import Any

import pytest

import policies
from accounts.models import AccountState, Store
from campaigns import bulk
from campaigns.models import BulkJob, Campaign
from core import clock
from core.scopes import in_store
from policies.rules import ClosingRules
from tests.api.client import Api, member_api, new_key, ok, problem
from tests.factories import make_campaign, make_member, make_skus


def _running(store: Store) -> Campaign:
    with in_store(store.pk):
        return make_campaign(store, make_skus(store, 2))


def _frozen(store: Store, state: str = AccountState.FROZEN) -> None:
    Store.objects.filter(pk=store.pk).update(account_state=state)


def test_a_refused_stop_waits_and_is_withdrawn(owner: Api, stranger: Api, store: Store) -> None:
    campaign = _running(store)
    path = f"/campaigns/{campaign.code}/park"
    asked: dict[str, Any] = {"action": "cancel", "then": "act", "reason": "season", "confirm_code": campaign.code}
    problem(owner.post(path, asked), 409, "ERR_PARK_CLEAR")
    _frozen(store)
    problem(owner.post(path, asked | {"confirm_code": "C-00000"}), 422, "ERR_CONFIRM_CODE")
    problem(owner.post(path, asked | {"then": "never"}), 422)
    problem(stranger.post(path, asked), 404)
    made = ok(owner.post(path, asked), 201)
    assert (made["campaign"], made["state"], made["blockers"]) == (campaign.code, "waiting", ["ERR_ACCOUNT_STATE"])
    problem(owner.post(path, asked), 409, "ERR_PARKED_ALREADY")
    assert [row["id"] for row in ok(owner.get(f"/parked?state=waiting&campaign={campaign.code}"))["items"]] == [
        made["id"]
    ]
    assert ok(owner.get("/parked?state=done"))["items"] == []
    one = f"/parked/{made['id']}"
    problem(stranger.get(one), 404)
    problem(stranger.post(f"{one}/withdraw"), 404)
    pauser = member_api(store, make_member(store, rights=["campaigns.pause", "campaigns.view"]))
    problem(pauser.post(f"{one}/withdraw"), 403, "ERR_PERMISSION")
    assert ok(owner.post(f"{one}/withdraw"))["state"] == "withdrawn"
    problem(owner.post(f"{one}/withdraw"), 409, "ERR_STATE")
    assert ok(pauser.get(one))["state"] == "withdrawn"


def test_stop_all_pauses_everything_with_one_reason(owner: Api, store: Store) -> None:
    codes = {_running(store).code for _ in range(3)}
    problem(owner.post("/campaigns/stop-all", {"reason": "other", "confirm_count": 2}), 422, "ERR_CONFIRM_COUNT")
    results = ok(owner.post("/campaigns/stop-all", {"reason": "other", "confirm_count": 3}))["results"]
    assert {row["code"] for row in results} == codes
    assert {row["result"] for row in results} == {"done"}


def test_stop_all_keeps_what_is_done_when_it_breaks_off_and_goes_on_with_the_same_key(
    owner: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    codes = [_running(store).code for _ in range(3)]
    rules = policies.active(ClosingRules, clock.now()).model_copy(update={"bulk_batch": 1})
    real, write = policies.active, bulk._write
    monkeypatch.setattr(bulk.policies, "active", lambda kind, at: rules if kind is ClosingRules else real(kind, at))
    written: list[int] = []

    def breaking(*args: Any) -> None:
        written.append(1)
        if len(written) == 2:
            raise RuntimeError("the power is cut")
        write(*args)

    monkeypatch.setattr(bulk, "_write", breaking)
    key, asked = new_key(), {"reason": "other", "confirm_count": 3}
    assert owner.post("/campaigns/stop-all", asked, key=key).status_code == 500
    with in_store(store.pk):
        assert list(Campaign.objects.order_by("id").values_list("state", flat=True)) == ["paused", "running", "running"]
        assert BulkJob.objects.get().state == "running", "a worker would go on with it"
    answer = owner.post("/campaigns/stop-all", asked, key=key)
    assert [row["code"] for row in ok(answer)["results"]] == codes
    again = owner.post("/campaigns/stop-all", asked, key=key)
    assert (again.content, again["Idempotent-Replay"]) == (answer.content, "true")
    with in_store(store.pk):
        assert BulkJob.objects.count() == 1
        assert set(Campaign.objects.values_list("state", flat=True)) == {"paused"}
