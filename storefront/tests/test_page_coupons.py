"""Coupons on the public pages: what anybody may claim now, and nothing that has stopped (R51)."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from core.scopes import in_store
from coupons import arms, lifecycle
from coupons.models import Coupon, PoolBrand, PoolCategory
from listings.models import Brand, Listing
from publishing.tests.goods import NOON
from storefront.tests.test_public_pages import shop
from tests import factories as make

__all__ = ["shop"]


def offered(client: Client, listing: Listing | None, site: str = "en") -> list[str]:
    """The codes that a page offers, in its order; of the store's home without a listing."""
    return re.findall(r'data-coupon="([^"]+)"', text_of(client, listing, site))


def text_of(client: Client, listing: Listing | None, site: str = "en") -> str:
    answer = client.get(f"/shop/pine/{site}/{listing.id}/" if listing else f"/shop/pine/{site}/")
    assert answer.status_code == 200
    return answer.content.decode()


@pytest.fixture
def coupon(shop) -> Coupon:
    store, listing, _ = shop
    return make.make_coupon(store, [listing], code="SAVE5", face_value="5.00", min_order="30.00")


def test_a_coupon_stands_on_the_pages_of_its_goods_and_on_the_home(client, shop, coupon) -> None:
    _, listing, _ = shop
    page = text_of(client, listing)
    for words in ("$5.00 off orders of $30.00 or more", "SAVE5", "until Dec 17, 2026"):
        assert words in page
    assert "满US$30.00减US$5.00" in text_of(client, listing, "zh")
    assert offered(client, None) == ["SAVE5"]


@pytest.mark.parametrize("stop", ["pause", "void"])
def test_a_stop_takes_it_from_the_very_next_answer(client, shop, coupon, stop) -> None:
    store, listing, _ = shop
    assert offered(client, listing) == ["SAVE5"]
    getattr(lifecycle, stop)(store, "SAVE5", reason="Enough", actor=make.actor_for(make.owner_of(store)), now=NOON)
    assert (offered(client, listing), offered(client, None)) == ([], [])


def test_the_end_needs_nobody(client, shop, coupon) -> None:
    _, listing, frozen = shop
    frozen.move_to(coupon.ends_at - timedelta(seconds=1))
    assert offered(client, listing) == ["SAVE5"]
    frozen.tick(1)
    assert (offered(client, listing), offered(client, None)) == ([], [])


@pytest.mark.parametrize(
    "extra",
    [
        {"sites": ["zh"]}, {"channels": ["push"]}, {"codes_only": True}, {"segment": {"rules": [{"rule": "first_order"}]}},
        {"bond": "waits"}, {"starts_at": NOON + timedelta(hours=1)}, {"state": "draft"}, {"currency": "EUR"},
    ],
    ids=lambda extra: next(iter(extra)),
)  # fmt: skip
def test_what_not_anybody_here_may_claim_now_is_not_offered(client, shop, extra) -> None:
    store, listing, _ = shop
    make.make_coupon(store, [listing], **extra)
    assert offered(client, listing) == []


def test_used_up_ones_arms_of_a_test_and_other_stores_are_not_offered(client, shop, coupon) -> None:
    store, listing, _ = shop
    empty = make.make_coupon(store, [listing], code="EMPTY", quota=1)
    empty.tally.claimed = 1
    empty.tally.save()
    make.make_coupon(store, [listing], code="ARM-B")
    other = make.make_store()
    with in_store(other.pk):
        make.make_coupon(other, [make.make_listing(other)], code="THEIRS")
    assert offered(client, listing) == ["SAVE5", "ARM-B"] == offered(client, None)
    actor = make.actor_for(make.owner_of(store))
    arms.start(store, "WHICH", name="Which", arms=("SAVE5", "ARM-B"), actor=actor, now=NOON)
    assert (offered(client, listing), offered(client, None)) == ([], [])


def test_pools_by_category_and_brand_count_and_the_place_is_kept(client, shop) -> None:
    store, listing, _ = shop
    above = make.make_coupon(store, code="CATEGORY", channels=["product_page"], face_value="4.00")
    PoolCategory.objects.create(store=store, coupon=above, category=listing.category)
    if listing.brand is None:
        listing.brand = Brand.objects.create(name="Pinecone")
        listing.save()
    brand = make.make_coupon(
        store, code="BRAND", channels=["store_home", "product_page"], first_order_only=True, regions=["RU"]
    )
    PoolBrand.objects.create(store=store, coupon=brand, brand=listing.brand)
    make.make_coupon(store, code="NOT-HERE")
    assert offered(client, listing) == ["CATEGORY", "BRAND"]
    assert "first order only · Russia" in text_of(client, listing)
    assert offered(client, None) == ["BRAND", "NOT-HERE"]


def test_a_page_is_one_query_however_many_coupons(client, shop) -> None:
    store, listing, _ = shop

    def queries(address: str) -> int:
        client.get(address)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(address).status_code == 200
        return len(captured)

    addresses = [f"/shop/pine/en/{listing.id}/", "/shop/pine/en/"]
    few = [queries(address) for address in addresses]
    for n in range(9):
        make.make_coupon(store, [listing], code=f"MANY-{n}", face_value=f"{n + 1}.00")
    assert [queries(address) for address in addresses] == few == [1, 1]
    assert offered(client, listing) == [f"MANY-{n}" for n in range(8, 2, -1)]
