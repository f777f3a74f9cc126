"""The store, platform staff, messages, the record."""

from __future__ import annotations

from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from audit import checkpoints, sealing
from core import clock
from inbox.send import send
from tests.api.client import Api, ok, problem

NEW = {
    "slug": "newleaf",
    "name": "Newleaf Corner",
    "entity": "company",
    "owner_email": "New.Owner@shop.test",
    "sites": [{"code": "en", "language": "en", "currency": "USD"}, {"code": "zh", "language": "zh", "currency": "USD"}],
}


def test_own_store_says_what_it_may_do(owner: Api, store: Store) -> None:
    found = ok(owner.get("/store"))
    assert (found["slug"], found["kyc"], found["account_state"]) == (store.slug, "verified", "normal")
    assert all(row["allowed"] for row in found["capabilities"])
    Store.objects.filter(pk=store.pk).update(account_state="frozen", entity="sole_trader")
    closed = {row["capability"]: row for row in ok(owner.get("/store"))["capabilities"]}
    assert closed["campaigns"]["reasons"][0]["code"] == "ERR_ACCOUNT_STATE"
    assert not closed["listings.price"]["allowed"]


def test_staff_open_a_store_and_set_its_state(staff: Api) -> None:
    made = ok(staff.post("/staff/stores", NEW), 201)
    assert (made["kyc"], made["account_state"], made["owners"]) == ("none", "normal", ["new.owner@shop.test"])
    assert [site["code"] for site in made["sites"]] == ["en", "zh"]
    changed = ok(
        staff.patch("/staff/stores/newleaf", {"kyc": "verified", "decoration_waived": True, "version": made["version"]})
    )
    assert (changed["kyc"], changed["decoration_waived"]) == ("verified", True)
    assert ok(staff.get("/staff/stores/newleaf")) == changed
    problem(
        staff.patch("/staff/stores/newleaf", {"kyc": "none", "version": made["version"]}), 409, "ERR_VERSION_CONFLICT"
    )
    problem(staff.patch("/staff/stores/newleaf", {"kyc": None}), 422)
    problem(staff.get("/staff/stores/nothing"), 404)


def test_every_fault_of_a_new_store_at_once(staff: Api) -> None:
    ok(staff.post("/staff/stores", NEW), 201)
    bad = NEW | {"owner_email": "nobody", "sites": [{"code": "EN!", "language": "?", "currency": "XYZ"}], "name": ""}
    fields = {item["field"] for item in problem(staff.post("/staff/stores", bad), 422)["errors"]}
    assert {"slug", "name", "owner_email"} <= fields


def test_messages_are_read_once(owner: Api, store: Store, stranger: Api) -> None:
    for number in range(3):
        send(store.pk, "ERR_KYC", {"kyc": "none"}, f"kyc:{number}", now=clock.now())
    rows = ok(owner.get("/messages?unread=true"))["items"]
    assert len(rows) == 3
    assert rows[0]["title"]
    path = f"/messages/{rows[0]['id']}/read"
    read = ok(owner.post(path))
    assert read["read_at"]
    assert ok(owner.post(path)) == read
    assert len(ok(owner.get("/messages?unread=true"))["items"]) == 2
    assert len(ok(owner.get("/messages"))["items"]) == 3
    problem(stranger.post(path), 404)
    problem(owner.post("/messages/0/read"), 404)
    problem(owner.get("/messages?unread=perhaps"), 422)


def test_the_record_filters_and_pages(owner: Api, nobody: Api, store: Store, stranger: Api) -> None:
    for number in range(4):
        body = {"title": f"T{number}", "category": "bags", "skus": [{"sku": f"A-{number}", "sale_price": "1.00"}]}
        ok(owner.post("/listings", body), 201)
    rows = ok(owner.get("/audit?action=listing.create"))["items"]
    assert len(rows) == 4
    assert rows[0]["actor"]["kind"] == "token"
    assert rows[0]["result"] == "done"
    assert rows[0]["sentence"]
    one = rows[0]
    assert ok(owner.get(f"/audit?object=listing:{one['object']['id']}"))["items"] == [one]
    assert ok(owner.get("/audit?action=listing.&limit=2"))["next_cursor"]
    assert len(ok(owner.get(f"/audit?actor={one['actor']['id']}&action=listing."))["items"]) == 4
    assert ok(owner.get("/audit?from=2100-01-01T00:00:00Z"))["items"] == []
    assert ok(owner.get("/audit?to=2000-01-01T00:00:00Z"))["items"] == []
    problem(owner.get("/audit?from=yesterday"), 422)
    problem(nobody.get("/audit"), 403)
    assert not [row for row in ok(stranger.get("/audit"))["items"] if row["action"].startswith("listing")]
    counts = []
    for limit in (1, 4):
        with CaptureQueriesContext(connection) as seen:
            ok(owner.get(f"/audit?action=listing.&limit={limit}"))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 5


def test_proof_of_one_entry(owner: Api, stranger: Api) -> None:
    ok(owner.post("/listings", {"title": "T", "category": "bags", "skus": [{"sku": "A-1", "sale_price": "1.00"}]}), 201)
    entry = ok(owner.get("/audit?action=listing.create"))["items"][0]["id"]
    waiting = owner.get(f"/audit/proof/{entry}")
    if waiting.status_code == 409:
        problem(waiting, 409, "ERR_AUDIT_UNSEALED")
    sealing.seal()
    checkpoints.checkpoint(force=True)
    problem(stranger.get(f"/audit/proof/{entry}"), 404)
    problem(owner.get("/audit/proof/999999999"), 404)
