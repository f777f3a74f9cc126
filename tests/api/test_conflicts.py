"""Overlap groups over the API: shape, paging, filters, one campaign, ways out (R30)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Store
from campaigns.models import Campaign
from core import clock
from core.scopes import in_store
from listings.models import Sku
from tests.api.client import Api, ok, problem
from tests.factories import make_campaign, make_skus

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def laid(store: Store) -> Iterator[tuple[list[Sku], Campaign, Campaign]]:
    """Three SKUs in a running campaign and one to come."""
    with clock.freeze(NOON), in_store(store.pk):
        skus = make_skus(store, 3, prefix="API")
        first = make_campaign(store, skus, ends_at=NOON + timedelta(days=2))
        second = make_campaign(
            store,
            skus,
            state="scheduled",
            price="17.50",
            starts_at=NOON + timedelta(days=1),
            ends_at=NOON + timedelta(days=3),
        )
        yield skus, first, second


def test_the_shape_of_a_group(owner: Api, laid: tuple[list[Sku], Campaign, Campaign]) -> None:
    _skus, first, second = laid
    answer = ok(owner.get("/conflicts"))
    assert (len(answer["items"]), answer["next_cursor"]) == (3, None)
    group = answer["items"][0]
    assert (group["sku"], group["currency"], group["more"]) == ("API-1", "USD", 0)
    assert group["campaigns"] == [
        {"code": first.code, "price": "18.90", "starts_at": "2026-11-27T11:00:00Z", "ends_at": "2026-11-29T12:00:00Z"},
        {"code": second.code, "price": "17.50", "starts_at": "2026-11-28T12:00:00Z", "ends_at": "2026-11-30T12:00:00Z"},
    ]
    ways = {(way["way"], *way["campaigns"]): way for way in group["ways_out"]}
    assert ways[("move", first.code)]["change"] == {"ends_at": "2026-11-28T12:00:00Z"}
    assert ways[("withdraw", second.code)]["change"] == {"skus": ["API-1"]}
    assert ways[("stack", first.code, second.code)]["change"] == {"stacks": True}
    assert all(way["url"].startswith("/s/") and way["label"] for way in group["ways_out"])


def test_a_change_that_a_way_names_can_be_made_over_the_api(
    owner: Api, laid: tuple[list[Sku], Campaign, Campaign]
) -> None:
    _skus, first, _second = laid
    way = next(way for way in ok(owner.get("/conflicts"))["items"][0]["ways_out"] if way["way"] == "move")
    ok(owner.patch(f"/campaigns/{first.code}", way["change"]))
    assert ok(owner.get("/conflicts"))["items"] == []


def test_pages_filters_and_one_campaign(owner: Api, store: Store, laid: tuple[list[Sku], Campaign, Campaign]) -> None:
    _skus, first, second = laid
    page = ok(owner.get("/conflicts?limit=2"))
    assert [group["sku"] for group in page["items"]] == ["API-1", "API-2"]
    rest = ok(owner.get(f"/conflicts?limit=2&cursor={page['next_cursor']}"))
    assert ([group["sku"] for group in rest["items"]], rest["next_cursor"]) == (["API-3"], None)
    assert [group["sku"] for group in ok(owner.get("/conflicts?sku=API-2"))["items"]] == ["API-2"]
    with in_store(store.pk):
        alone = make_campaign(store, make_skus(store, 1))
    assert ok(owner.get(f"/campaigns/{alone.code}/conflicts"))["items"] == []
    mine = ok(owner.get(f"/campaigns/{second.code}/conflicts"))["items"]
    assert [party["code"] for party in mine[0]["campaigns"]] == [second.code, first.code]
    problem(owner.get("/campaigns/C-00000/conflicts"), 404)
    problem(owner.get("/conflicts?cursor=!!"), 422, "ERR_CURSOR")
    problem(owner.get("/conflicts?limit=100000"), 422)


def test_a_cancel_is_refused_with_the_numbers(owner: Api, laid: tuple[list[Sku], Campaign, Campaign]) -> None:
    _skus, first, second = laid
    body = {"reason": "season", "confirm_code": first.code}
    refused = problem(owner.post(f"/campaigns/{first.code}/cancel", body), 409, "ERR_CLOSE_PRICE_CONFLICT")
    (row,) = refused["blockers"]
    assert (row["evidence"]["skus"], row["evidence"]["with"][0]["code"]) == (3, second.code)
    assert row["fix"]["url"].endswith(f"/campaigns/{first.code}/conflicts/")
    ok(owner.post(f"/campaigns/{first.code}/pause", {"reason": "season"}))
