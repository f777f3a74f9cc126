"""A claim that comes while a campaign is being paused waits for the pause and meets it: refused, and nothing counted."""

from __future__ import annotations

import threading

import pytest
from django.db import connection, transaction

from campaigns import coupon_links, stopping
from campaigns.tests.conftest import open_shop
from core import clock
from core.errors import DomainError
from core.scopes import in_store
from coupons import claiming
from coupons.models import Claim, CouponTally
from tests import factories as make


@pytest.mark.django_db(transaction=True)
def test_a_claim_after_the_pause_s_commit_is_refused():
    shop = open_shop()
    told: list[str] = []
    begun = threading.Event()

    def buy() -> None:
        try:
            with in_store(shop.store.pk):
                begun.set()
                claiming.claim(shop.store, coupon.code, {"buyer": "b-1", "country": "US"}, actor=shop.owner)
        except DomainError as refusal:
            told.append(refusal.code)
        finally:
            connection.close()

    with in_store(shop.store.pk):
        campaign = make.make_campaign(shop.store, shop.skus)
        coupon = make.make_coupon(shop.store, [sku.listing for sku in shop.skus], starts_at=clock.now())
        coupon_links.link_coupon(shop.store, campaign.code, coupon.code, actor=shop.owner)
        buyer = threading.Thread(target=buy)
        with transaction.atomic():
            stopping.pause(shop.store, campaign.code, actor=shop.owner)
            buyer.start()
            assert begun.wait(30)
            _until_it_waits()
        buyer.join(30)
        assert told == ["ERR_COUPON_STATE"]
        assert (Claim.objects.count(), CouponTally.objects.get().claimed) == (0, 0)


def _until_it_waits() -> None:
    """Until another connection waits for a lock of this one."""
    waiting = threading.Event()
    for _ in range(600):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        waiting.wait(0.05)
    raise AssertionError("the claim did not wait for the pause")
