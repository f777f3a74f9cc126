"""Figures of campaigns that price a line together: each counts the line, and of the discount what it took off itself (R30, R146)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from campaigns import sweeps
from campaigns.models import Campaign, CampaignArchive
from campaigns.tests.conftest import NOON, days
from core import clock
from insights import measuring, stale
from insights.models import CampaignFigures
from orders.models import Order
from tests import factories as make
from tests.api.client import Api, member_api

HOUR, LATER = timedelta(hours=1), NOON + days(2)


@pytest.fixture
def api(shop) -> Api:
    return member_api(shop.store, make.owner_of(shop.store))


def stacked(shop, *prices: str, ends_at=LATER) -> list[Campaign]:
    """Campaigns on the store's SKUs that stack, each begun an hour after the one before; the last began an hour ago."""
    return [
        make.make_campaign(
            shop.store, shop.skus, price=price, stacks=True, starts_at=NOON - (len(prices) - at) * HOUR, ends_at=ends_at
        )
        for at, price in enumerate(prices)
    ]


def buy(api: Api, order: str, lines: Sequence[tuple[Any, int]], *, buyer: str = "b1") -> dict[str, Any]:
    """Quote and order, as a storefront does."""
    rows = [{"sku": sku.code, "quantity": quantity} for sku, quantity in lines]
    quote = api.post("/quotes", {"buyer": buyer, "country": "US", "lines": rows}).json()["quote"]
    answer = api.post("/orders", {"order": order, "quote": quote})
    assert answer.status_code == 201, answer.content
    again = api.post("/orders", {"order": order, "quote": quote})
    assert again.status_code in (200, 201), again.content
    return answer.json()


def told(api: Api, campaign: Campaign) -> tuple[Any, ...]:
    """Orders, buyers, units, sales, discount, as the API answers them."""
    found = api.get(f"/campaigns/{campaign.code}/metrics").json()
    return tuple(found[key] for key in ("orders", "buyers", "units", "sales_amount", "discount_cost"))


def test_each_campaign_of_a_stacked_price_counts_the_line_and_its_own_part(shop, api, client, frozen):
    """24.90: the first takes 6.00, the second 3.72 of what is left (24.90 × 18.90/24.90 × 20.00/24.90 = 15.18)."""
    first, second = stacked(shop, "18.90", "20.00")
    alone = make.make_campaign(shop.store, shop.skus[2:], price="10.00")
    for n, buyer in enumerate(("b1", "b2", "b2")):
        buy(api, f"O-{n}", [(shop.skus[0], 2), (shop.skus[2], 1)][: 1 + n % 2], buyer=buyer)
    assert told(api, first) == (3, 2, 6, "91.08", "36.00")
    assert told(api, second) == (3, 2, 6, "91.08", "22.32")
    assert told(api, alone) == (1, 1, 1, "10.00", "14.90")
    parts = Decimal("36.00") + Decimal("22.32")
    assert parts == 6 * (Decimal("24.90") - Decimal("15.18")), "the parts are what was taken off, no cent more or less"
    assert api.patch("/orders/O-0", {"state": "cancelled"}).status_code == 200
    assert told(api, second) == (2, 1, 4, "60.72", "14.88")
    assert told(api, first) == (2, 1, 4, "60.72", "24.00")
    client.force_login(make.owner_of(shop.store))
    for campaign, cost in ((first, "$24.00"), (second, "$14.88")):
        text = client.get(f"/s/{shop.store.slug}/insights/campaigns/{campaign.code}/").content.decode()
        assert cost in text
        assert "$60.72" in text
        assert "not to be added up" in text
    by_day = measuring.by_day(second, "UTC", "USD")
    assert by_day == {NOON.date(): {"orders": 2, "units": 4, "sales_amount": Decimal("60.72")}}


def test_the_order_keeps_the_chain_and_names_what_each_took_off(shop, api, client):
    first, second = stacked(shop, "18.90", "20.00")
    kept = buy(api, "O-1", [(shop.skus[0], 3)])["snapshot"]
    assert kept["lines"][0]["chain"] == [
        {"campaign": first.code, "unit_price": "18.90", "amount": "18.00"},
        {"campaign": second.code, "unit_price": "15.18", "amount": "11.16"},
    ]
    assert [(row["campaign"], row["kind"], row["amount"]) for row in kept["discounts"]] == [
        (first.code, "item", "18.00"), (second.code, "item", "11.16"),
    ]  # fmt: skip
    client.force_login(make.owner_of(shop.store))
    text = client.get(f"/s/{shop.store.slug}/orders/O-1/").content.decode()
    assert f"<code>{first.code}</code> + <code>{second.code}</code>" in text


@pytest.mark.parametrize("later_first", [False, True])
def test_the_archives_seal_the_same_whichever_order_and_campaign_came_first(shop, api, frozen, later_first):
    """A line at one campaign's price before the other began, and lines at both; whichever was made first, each keeps its own."""
    ends = NOON + HOUR
    begun = [NOON - HOUR, NOON + timedelta(minutes=30)]
    prices = ["18.90", "20.00"]
    if later_first:
        prices.reverse()
    made = [make.make_campaign(shop.store, shop.skus, price=prices[0], stacks=True, starts_at=begun[0], ends_at=ends)]
    buy(api, "O-1", [(shop.skus[0], 1)], buyer="b1")
    frozen.move_to(begun[1])
    made.append(
        make.make_campaign(shop.store, shop.skus, price=prices[1], stacks=True, starts_at=begun[1], ends_at=ends)
    )
    buy(api, "O-2", [(shop.skus[0], 1), (shop.skus[1], 2)], buyer="b2")
    frozen.move_to(ends + timedelta(seconds=900))
    for _turn in range(3):
        sweeps.run()
    frozen.tick(7200)
    sweeps.run()
    by_price = {row["discount_cost"]: row for row in (one.document["metrics"] for one in CampaignArchive.objects.all())}
    wanted = {
        False: [("24.00", 2, 4, "64.44"), ("11.16", 1, 3, "45.54")],
        True: [("19.60", 2, 4, "65.54"), ("14.46", 1, 3, "45.54")],
    }
    assert [(cost, row["orders"], row["units"], row["sales_amount"]) for cost, row in by_price.items()] == wanted[
        later_first
    ]
    sealed = CampaignFigures.objects.order_by("campaign__starts_at").values_list("discount_cost", flat=True)
    assert [str(cost) for cost in sealed] == [f"{cost}0" for cost, *_rest in wanted[later_first]]
    assert [told(api, one)[-1] for one in made] == [cost for cost, *_rest in wanted[later_first]]


def test_the_number_of_queries_is_the_same_with_stacked_lines(shop, api):
    made = stacked(shop, "18.90", "20.00", "22.00")
    rows = list(Campaign.objects.select_related("store").filter(pk__in=[one.pk for one in made]))

    def queries() -> int:
        with CaptureQueriesContext(connection) as captured:
            assert len(measuring.of(rows)) == 3
        return len(captured)

    before = queries()
    for n in range(3):
        buy(api, f"O-{n}", [(sku, 1) for sku in shop.skus])
    assert queries() == before == 4
    assert {one.orders for one in measuring.of(rows).values()} == {3}


def test_a_campaign_that_sells_only_together_with_another_is_not_stale(shop, api, frozen):
    second = stacked(shop, "18.90", "20.00", ends_at=NOON + days(60))[1]
    frozen.tick(days(8))
    assert stale.quiet(shop.store.pk, now=clock.now(), limit=9) == 2
    buy(api, "O-1", [(shop.skus[0], 1)])
    assert stale.quiet(shop.store.pk, now=clock.now(), limit=9) == 0
    found = [one.campaign.pk for one in stale.of(shop.store, now=clock.now()) if "no_orders" in one.reasons]
    assert second.pk not in found


def test_an_order_kept_without_a_chain_counts_for_the_campaign_of_its_line(shop):
    """Orders placed before chains were kept, or written by other means, name one campaign a line: it has all of the line."""
    first, second = stacked(shop, "18.90", "20.00")
    made = make.make_order(
        shop.store, shop.skus[:1], campaign=first.code,
        snapshot={"campaigns": {first.code: {}, second.code: {}}, "lines": [{"campaign": first.code}], "discounts": []},
    )  # fmt: skip
    rows = Campaign.objects.select_related("store").filter(pk__in=[first.pk, second.pk])
    assert [one.orders for _pk, one in sorted(measuring.of(rows).items())] == [1, 0]
    assert Order.objects.get().code == made.code
