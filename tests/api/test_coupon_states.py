"""`/coupons/{code}/activate`, `/pause`, `/resume`, `/void`, and coupons that go with a campaign over the API."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from accounts.models import Store
from audit.models import AuditEvent
from core import clock
from core.scopes import in_store
from coupons.models import CouponTally
from tests.api.client import Api, member_api, new_key, ok, problem
from tests.factories import make_coupon, make_listing, make_member


@pytest.fixture
def listing(store: Store) -> Any:
    with in_store(store.pk):
        return make_listing(store, ["PC-EAR-040"], price="8.90", cost="1.90", stock=30)


def body(**changes: Any) -> dict[str, Any]:
    now = clock.now()
    return {
        "kind": "spend", "face_value": "2.00", "currency": "USD", "min_order": "15.00", "starts_at": clock.rfc3339(now),
        "ends_at": clock.rfc3339(now + timedelta(days=20)), "quota": 10, "per_buyer": 1, "pool": {"skus": ["PC-EAR-040"]},
        "logistics": ["standard"],
    } | changes  # fmt: skip


def drive(owner: Api, days: float = 5) -> str:
    now = clock.now()
    window = {"starts_at": clock.rfc3339(now), "ends_at": clock.rfc3339(now + timedelta(days=days))}
    made = owner.post(
        "/campaigns", {"kind": "coupon_drive", "name": "Claim a Coupon", "items": [], "rules": {}, **window}
    )
    assert made.status_code == 201, made.content
    return str(made.json()["code"])


def issuing(store: Store, code: str) -> bool:
    with in_store(store.pk):
        return CouponTally.objects.get(coupon__code=code).issuing


def test_a_coupon_is_stopped_resumed_and_voided(owner: Api, listing: Any, store: Store) -> None:
    assert owner.post("/coupons", body(code="EAR-2", draft=True)).json()["state"] == "draft"
    assert owner.post("/coupons/EAR-2/activate").json()["state"] == "active"
    stopped = owner.post("/coupons/EAR-2/pause", {"reason": "Wrong price", "freeze_claimed": True}).json()
    assert (stopped["state"], stopped["paused_by"], stopped["freeze_claimed"], stopped["reason"]) == (
        "paused", "operator", True, "Wrong price",
    )  # fmt: skip
    resumed = owner.post("/coupons/EAR-2/resume").json()
    assert (resumed["state"], resumed["shortage"]) == ("active", {"skus": 1, "short": 0, "units": 0, "examples": []})
    problem(owner.post("/coupons/EAR-2/resume"), 409)
    assert problem(owner.post("/coupons/EAR-2/pause", {"version": 1}), 409)["code"] == "ERR_VERSION_CONFLICT"
    assert problem(owner.post("/coupons/EAR-2/void", {"confirm_code": "EAR"}), 422)["code"] == "ERR_CONFIRM_CODE"
    assert owner.post("/coupons/EAR-2/void").json()["state"] == "voided"
    problem(owner.post("/coupons/EAR-2/activate"), 409)
    problem(owner.post("/coupons/NO-SUCH/void"), 404)


def test_a_drive_takes_its_coupon_along(owner: Api, listing: Any, store: Store) -> None:
    """Its coupon waits for the start, stops and is frozen with a pause, goes on, and is held within its window."""
    code = drive(owner)
    made = owner.post("/coupons", body(code="EAR-2", campaign=code)).json()
    assert (made["state"], made["campaign"], issuing(store, "EAR-2")) == ("active", code, False)
    campaign = owner.post(f"/campaigns/{code}/submit").json()
    assert (campaign["state"], made["ends_at"], issuing(store, "EAR-2")) == ("running", campaign["ends_at"], True)
    impact = owner.get(f"/campaigns/{code}/close-check?action=cancel").json()["impact"]
    assert (impact["coupons"], impact["claimed_unused"], impact["reserved_units"]) == (1, 0, 10)
    owner.post(f"/campaigns/{code}/pause", {"reason": "season", "freeze_claimed": True})
    stopped = owner.get("/coupons/EAR-2").json()
    assert (stopped["state"], stopped["paused_by"], stopped["freeze_claimed"]) == ("paused", "campaign", True)
    assert problem(owner.post("/coupons/EAR-2/resume"), 409)["code"] == "ERR_COUPON_CAMPAIGN"
    owner.post(f"/campaigns/{code}/resume")
    assert (owner.get("/coupons/EAR-2").json()["state"], issuing(store, "EAR-2")) == ("active", True)


@pytest.mark.parametrize("path", ["/campaigns/bulk", "/campaigns/stop-all"])
def test_a_pause_of_many_may_freeze_and_says_what_it_froze(owner: Api, listing: Any, store: Store, path: str) -> None:
    code = drive(owner)
    owner.post(f"/campaigns/{code}/submit")
    owner.post("/coupons", body(code="EAR-2", campaign=code))
    many = {"action": "pause", "codes": [code]} if path.endswith("bulk") else {}
    asked = {"reason": "season", "confirm_count": 1, "freeze_claimed": True} | many
    assert ok(owner.post(path, asked))["frozen"] == {"coupons": 1, "claimed_unused": 0}
    assert owner.get("/coupons/EAR-2").json()["freeze_claimed"] is True
    if many:
        wrong = problem(owner.post(path, asked | {"action": "resume"}), 422, "ERR_BULK_FREEZE")
        assert [one["field"] for one in wrong["errors"]] == ["freeze_claimed"]


def test_an_existing_coupon_is_linked_and_taken_out(owner: Api, listing: Any, store: Store, stranger: Api) -> None:
    code, other = drive(owner), drive(owner)
    own = owner.post("/coupons", body(code="EAR-2")).json()
    place, asked = f"/campaigns/{code}/coupons", {"coupon": "ear-2"}
    stale = problem(owner.post(place, asked | {"version": own["version"] + 1}), 409, "ERR_VERSION_CONFLICT")
    assert stale["current"] == own | {"warnings": []}
    linked = ok(owner.post(place, asked | {"version": own["version"]}))
    assert (linked["campaign"], linked["ends_at"]) == (code, owner.get(f"/campaigns/{code}").json()["ends_at"])
    assert ok(owner.post(place, asked)) == linked, "said twice, done once"
    with in_store(store.pk):
        assert AuditEvent.objects.filter(action="campaign.link_coupon", result="done").count() == 1
    assert [row["code"] for row in ok(owner.get(place))["items"]] == ["EAR-2"]
    elsewhere = f"/campaigns/{other}/coupons"
    assert ok(owner.get(elsewhere))["items"] == []
    problem(owner.post(elsewhere, asked), 409, "ERR_COUPON_LINKED")
    problem(owner.post(f"{elsewhere}/unlink", asked), 404)
    problem(owner.post(place, {"coupon": "NO-SUCH"}), 404)
    with in_store(store.pk):
        half = member_api(store, make_member(store, rights=["campaigns.edit"]))
    for path in (place, f"{place}/unlink"):
        problem(stranger.post(path, asked), 404)
        problem(half.post(path, asked), 403, "ERR_PERMISSION")
    key = new_key()
    alone = owner.post(f"{place}/unlink", asked, key=key)
    assert (ok(alone)["campaign"], ok(alone)["ends_at"], ok(alone)["state"]) == (None, own["ends_at"], "active")
    again = owner.post(f"{place}/unlink", asked, key=key)
    assert (again.content, again["Idempotent-Replay"]) == (alone.content, "true")
    problem(owner.post(f"{place}/unlink", asked), 404)


def test_a_short_drive_holds_a_coupon_of_the_least_validity(owner: Api, listing: Any, store: Store) -> None:
    """R55 asks for a day at least; the drive may be shorter, and its coupon ends with it. A draft is still issued."""
    code = drive(owner, days=0.2)
    assert owner.post("/coupons", body(code="EAR-2", campaign=code, draft=True)).status_code == 201
    assert owner.patch("/coupons/EAR-2", {"quota": 20}).status_code == 200
    issued = owner.post("/coupons/EAR-2/activate").json()
    assert issued["ends_at"] == owner.get(f"/campaigns/{code}").json()["ends_at"]


def test_which_campaign_a_coupon_cannot_join(owner: Api, listing: Any, store: Store) -> None:
    wrong = problem(owner.post("/coupons", body(campaign="C-AAAAA")), 422)
    assert [(one["field"], one["code"]) for one in wrong["errors"]] == [("campaign", "ERR_NOT_FOUND")]
    now = clock.now()
    late = {"starts_at": clock.rfc3339(now + timedelta(days=9)), "ends_at": clock.rfc3339(now + timedelta(days=12))}
    apart = problem(owner.post("/coupons", body(campaign=drive(owner), **late)), 422)
    assert [(one["field"], one["code"]) for one in apart["errors"]] == [("campaign", "ERR_COUPON_WINDOW")]


def test_another_store_s_coupon_is_not_there(stranger: Api, store: Store) -> None:
    with in_store(store.pk):
        coupon = make_coupon(store)
    for act in ("activate", "pause", "resume", "void"):
        problem(stranger.post(f"/coupons/{coupon.code}/{act}"), 404)
