"""The main job on real input: a thousand real products on promotion, paused, resumed, cancelled, taken back, cancelled for good.

Beside it another campaign is left alone: two stories, one hold to wait for.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from backoffice.demo import DEMO_PASSWORD
from tests.e2e.conftest import open_context, violations
from tests.e2e.gifts import OWNER, SKUS, GiftShop, stamp
from tests.e2e.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.xdist_group("e2e")]


def showing(product: Product, addresses: list[str], code: str) -> int:
    """How many of the pages show the campaign's tag."""
    with ThreadPoolExecutor(4) as pool:
        return sum(pool.map(lambda address: f'data-campaign="{code}"' in product.page(address), addresses))


def eventually(question: Any, wanted: Any, limit: float, every: float = 0.3) -> float:
    """Ask until the answer is as wanted; answers the seconds it took."""
    began = time.monotonic()
    while True:
        answer = question()
        if answer == wanted:
            return time.monotonic() - began
        assert time.monotonic() - began < limit, f"still {answer!r} after {limit} s, wanted {wanted!r}"
        threading.Event().wait(every)  # another process works; no clock of ours moves it


@pytest.fixture(scope="module")
def shop(product: Product, tmp_path_factory: pytest.TempPathFactory) -> GiftShop:
    """The store with its catalogue."""
    return GiftShop(product, tmp_path_factory.mktemp("gifts"))


@pytest.fixture
def keeper(chromium: Browser, product: Product, shop: GiftShop) -> Iterator[Page]:
    """The owner's window."""
    context = open_context(chromium, product, locale="en-GB")
    page = context.new_page()
    page.goto("/account/login/")
    page.locator("input[name=login]").fill(OWNER)
    page.locator("input[name=password]").fill(DEMO_PASSWORD)
    page.locator("input[name=password]").press("Enter")
    page.wait_for_url(lambda address: "/login" not in address)
    yield page
    assert violations(page) == []
    context.close()


def test_a_promotion_over_a_thousand_real_products_is_stopped_end_to_end(
    shop: GiftShop, keeper: Page, product: Product
) -> None:
    goods = shop.goods(SKUS)
    assert len(goods) == SKUS
    addresses = [address for good in goods for address in good.pages]
    assert len(addresses) == 2 * SKUS
    sample = addresses[::20]
    code = shop.campaign("Gifts at four fifths", goods, timedelta(hours=2))
    eventually(lambda: showing(product, sample, code), len(sample), 180, every=2)
    eventually(lambda: showing(product, addresses, code), len(addresses), 180, every=2)

    order = shop.call(
        "POST", "/quotes", {"buyer": "b1", "country": "GB", "lines": [{"sku": goods[0].sku, "quantity": 2}]}
    )
    shop.call("POST", "/orders", {"order": "G-1", "quote": order["quote"]})
    before = shop.call("GET", "/orders/G-1")["snapshot"]

    # Pause: the next reading of a page shows nothing any more, and the operator's page says so with evidence.
    keeper.goto(f"/s/gifts/campaigns/{code}/")
    keeper.get_by_role("link", name="Pause (can resume)").first.click()
    keeper.locator("select[name=reason]").select_option("poor_effect")
    keeper.get_by_role("button", name="Pause (can resume)").click()
    expect(keeper.locator("#evidence")).to_be_visible(timeout=60_000)
    assert showing(product, sample, code) == 0
    assert showing(product, addresses, code) == 0
    expect(keeper.locator("#verified.bo-s-done")).to_be_visible(timeout=180_000)
    expect(keeper.locator("#evidence")).to_contain_text("2,000 of 2,000 public pages read, 6,000 visits")

    # Resume: tags return as each site is published.
    keeper.get_by_role("button", name="Resume").first.click()
    eventually(lambda: showing(product, sample, code), len(sample), 180)

    # Cancel: through the stop page, with the typed code; taken back once.
    cancel_through_the_pages(keeper, code)
    assert showing(product, sample, code) == 0
    keeper.goto(f"/s/gifts/campaigns/{code}/")
    keeper.get_by_role("button", name="Take back the cancel").first.click()
    eventually(lambda: shop.call("GET", f"/campaigns/{code}")["state"], "running", 60)
    eventually(lambda: showing(product, sample, code), len(sample), 180)

    # For good. While the hold runs, a campaign that nobody touches ends, closes and is verified by itself.
    cancel_through_the_pages(keeper, code)
    left_alone(shop, product)
    eventually(lambda: shop.call("GET", f"/campaigns/{code}")["state"], "cancelled", 240)
    assert showing(product, addresses, code) == 0
    eventually(
        lambda: {step["state"] for step in shop.call("GET", f"/campaigns/{code}/closing")["steps"]}, {"done"}, 240
    )

    assert shop.call("GET", "/orders/G-1")["snapshot"] == before
    story = [event["action"] for event in shop.call("GET", f"/audit?object={code}&limit=100")["items"]]
    for action in (
        "campaign.create",
        "campaign.submit",
        "campaign.pause",
        "campaign.resume",
        "campaign.cancel",
        "campaign.take_back",
    ):
        assert action in story, story
    product.command("verify_audit")


def cancel_through_the_pages(page: Page, code: str) -> None:
    """The only way: stop page, cancel page, reason, typed code."""
    page.goto(f"/s/gifts/campaigns/{code}/stop/")
    page.get_by_role("link", name="On to the checks of the permanent cancel").click()
    page.locator("select[name=reason]").select_option("season")
    page.locator("input[name=confirm_code]").fill(code.lower().replace("-", ""))
    page.get_by_role("button", name="Cancel campaign permanently").click()
    expect(page.locator("#report")).to_be_visible(timeout=60_000)


def left_alone(shop: GiftShop, product: Product) -> None:
    """A campaign of other goods: it ends at its minute on every page, closes with all steps, and its checks pass."""
    goods = shop.goods(SKUS + 30)[-30:]
    addresses = [address for good in goods for address in good.pages]
    code = shop.campaign("Left alone", goods, timedelta(hours=2))
    eventually(lambda: showing(product, addresses, code), len(addresses), 180)
    shop.call("PATCH", f"/campaigns/{code}", {"ends_at": stamp(datetime.now(UTC) + timedelta(seconds=30))})
    ends = datetime.fromisoformat(shop.call("GET", f"/campaigns/{code}")["ends_at"])
    eventually(lambda: datetime.now(UTC) >= ends, True, 120, every=0.1)
    assert showing(product, addresses, code) == 0
    eventually(lambda: shop.call("GET", f"/campaigns/{code}")["state"], "ended", 120)
    closing = shop.call("GET", f"/campaigns/{code}/closing")
    assert closing["close_kind"] == "auto"
    eventually(
        lambda: {step["state"] for step in shop.call("GET", f"/campaigns/{code}/closing")["steps"]}, {"done"}, 180
    )
    eventually(
        lambda: {check["state"] for check in shop.call("GET", f"/campaigns/{code}/closing")["checks"]}, {"passed"}, 180
    )
