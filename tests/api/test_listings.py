"""Listings, prices, stock over the API."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from core.scopes import in_store
from tests.api.client import Api, member_api, ok, problem
from tests.factories import make_member, make_skus

NEW: dict[str, Any] = {
    "title": "Canvas tote",
    "titles": {"zh": "帆布托特包"},
    "category": "bags",
    "brand": "Pinecone",
    "skus": [
        {"sku": "PC-TOT-005", "sale_price": "16.80", "cost": "5.70", "stock": 500},
        {"sku": "pc-tot-005", "sale_price": "12.00"},
    ],
}


def test_create_read_change(owner: Api) -> None:
    made = ok(owner.post("/listings", NEW), 201)
    assert made["state"] == "on_sale"
    assert made["brand"] == "Pinecone"
    assert made["public_urls"]["en"].endswith(f"/en/{made['id']}/")
    assert made["skus"][0] == {
        "sku": "PC-TOT-005", "sale_price": "16.80", "currency": "USD", "cost": "5.70", "stock": 500, "reserved": 0, "available": 500,
    }  # fmt: skip
    assert ok(owner.get(f"/listings/{made['id']}")) == made
    changed = ok(owner.patch(f"/listings/{made['id']}", {"title": "Tote", "version": made["version"]}))
    assert (changed["title"], changed["version"]) == ("Tote", made["version"] + 1)
    stale = problem(
        owner.patch(f"/listings/{made['id']}", {"title": "X", "version": made["version"]}), 409, "ERR_VERSION_CONFLICT"
    )
    assert stale["current"] == changed


def test_a_draft_stays_a_draft(owner: Api) -> None:
    assert ok(owner.post("/listings", NEW | {"state": "draft"}), 201)["state"] == "draft"


def test_every_broken_rule_comes_back_at_once(owner: Api) -> None:
    bad = {
        "title": "",
        "category": "nope",
        "skus": [{"sku": "PC&DRS-01", "sale_price": "0"}, {"sku": "A", "sale_price": 1.5}],
    }
    fields = {item["field"] for item in problem(owner.post("/listings", bad), 422)["errors"]}
    assert fields == {"title", "category", "skus.0.sku", "skus.0.sale_price", "skus.1.sale_price"}


@pytest.mark.parametrize(
    "body", [None, [], "x", 1, {"skus": 1}, {"skus": [1]}, {"title": {}, "skus": [{}]}, {"version": "1"}]
)
def test_wrong_shapes_are_422(owner: Api, body: Any) -> None:
    problem(owner.post("/listings", body), 422)


def test_another_store_sees_nothing(owner: Api, stranger: Api) -> None:
    made = ok(owner.post("/listings", NEW), 201)
    problem(stranger.get(f"/listings/{made['id']}"), 404, "ERR_NOT_FOUND")
    problem(stranger.patch(f"/listings/{made['id']}", {"title": "mine"}), 404)
    assert ok(stranger.get("/listings"))["items"] == []
    rows = ok(stranger.post("/prices", {"prices": [{"sku": "PC-TOT-005", "sale_price": "1.00"}]}))
    assert (rows["applied"], rows["rejected"][0]["code"]) == (0, "ERR_SKU_UNKNOWN")
    assert (
        ok(stranger.post("/listings/delist", {"ids": [made["id"]], "reason": "slow"}))["rejected"][0]["id"]
        == made["id"]
    )


@pytest.mark.parametrize("id", ["0", "-1", "abc", "9" * 30, "１", "1.0", "%20"])
def test_what_is_no_id_is_404(owner: Api, id: str) -> None:
    problem(owner.get(f"/listings/{id}"), 404)


def test_rights_are_apart(store: Store, owner: Api) -> None:
    made = ok(owner.post("/listings", NEW), 201)
    path = f"/listings/{made['id']}"
    pricer = member_api(store, make_member(store, rights=["listings.price"]))
    ok(pricer.patch(path, {"skus": [{"sku": "PC-TOT-005", "sale_price": "15.00"}]}))
    assert problem(pricer.patch(path, {"title": "no"}), 403, "ERR_PERMISSION")["right"] == "listings.edit"
    problem(pricer.get(path), 403)
    editor = member_api(store, make_member(store, rights=["listings.edit"]))
    ok(editor.patch(path, {"title": "yes"}))
    problem(editor.post("/prices", {"prices": []}), 403)
    capped = member_api(store, make_member(store, rights=["listings.price"], max_percent_off=10))
    problem(capped.post("/prices", {"prices": [{"sku": "PC-TOT-005", "sale_price": "1.00"}]}), 409, "ERR_GRANT_CAP")


def test_prices_and_stock_row_by_row(owner: Api, store: Store) -> None:
    ok(owner.post("/listings", NEW), 201)
    rows = [
        {"sku": "PC-TOT-005", "sale_price": "15.50"},
        {"sku": "UNKNOWN", "sale_price": "1.00"},
        {"sku": "pc-tot-005", "sale_price": "1.999"},
        {"sku": "pc-tot-005", "sale_price": "NaN"},
    ]
    done = ok(owner.post("/prices", {"prices": rows}))
    assert done["applied"] == 1
    assert {row["code"] for row in done["rejected"]} >= {"ERR_SKU_UNKNOWN", "ERR_MONEY_FORMAT"}
    stock = [
        {"sku": "PC-TOT-005", "quantity": 7, "as_of": "2026-01-01T00:00:00Z"},
        {"sku": "pc-tot-005", "quantity": -1},
    ]
    done = ok(owner.post("/stock", {"stock": stock}))
    assert {row["sku"]: row["code"] for row in done["rejected"]} == {
        "PC-TOT-005": "ERR_STOCK_STALE",
        "pc-tot-005": "ERR_QUANTITY",
    }


def test_too_many_rows_do_nothing(owner: Api) -> None:
    rows = [{"sku": "A", "sale_price": "1.00"}] * 10_001
    problem(owner.post("/prices", {"prices": rows}), 422, "ERR_ROWS_LIMIT")
    problem(owner.post("/prices", {}), 422)
    problem(owner.post("/prices", {"prices": [], "x": 1}), 422)


def test_lists_page_by_cursor_with_a_fixed_number_of_queries(owner: Api, store: Store) -> None:
    with in_store(store.pk):
        make_skus(store, 7)
        first = ok(owner.get("/listings?limit=3"))
    counts = []
    for limit in (3, 6):
        with CaptureQueriesContext(
            connection,
        ) as seen:
            ok(owner.get(f"/listings?limit={limit}"))
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 8
    ids = [row["id"] for row in first["items"]]
    found = first
    while found["next_cursor"]:
        found = ok(owner.get(f"/listings?limit=3&cursor={found['next_cursor']}"))
        ids += [row["id"] for row in found["items"]]
    assert ids == sorted(ids, reverse=True)
    assert len(ids) == len(set(ids)) == len(ok(owner.get("/listings?limit=200"))["items"])


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=201", "limit=x", "limit=1.5", "cursor=garbage", "cursor=" + "A" * 300, "state=nope", "cursor=é"],
)
def test_bad_queries_are_422(owner: Api, query: str) -> None:
    assert problem(owner.get(f"/listings?{query}"), 422)["errors"]


def test_search_and_filters(owner: Api) -> None:
    made = ok(owner.post("/listings", NEW), 201)
    assert [row["id"] for row in ok(owner.get("/listings?q=托特"))["items"]] == [made["id"]]
    assert ok(owner.get("/listings?q=nothing"))["items"] == []
    assert len(ok(owner.get("/listings?category=bags&state=on_sale&management=self"))["items"]) == 1


def test_delist_now(owner: Api) -> None:
    made = ok(owner.post("/listings", NEW), 201)
    assert ok(owner.post("/listings/delist", {"ids": [made["id"]], "reason": "season", "mode": "now"})) == {
        "applied": 1,
        "rejected": [],
    }
    assert ok(owner.get(f"/listings/{made['id']}"))["state"] == "delisted"


def test_categories_are_the_22(owner: Api) -> None:
    items = ok(owner.get("/categories"))["items"]
    roots = {item["code"] for item in items if item["parent"] is None}
    assert len(roots) == 22
    assert roots >= {"home", "apparel", "electronics", "toys"}


def test_unknown_jobs_are_404(owner: Api) -> None:
    problem(owner.get("/jobs/1"), 404)
