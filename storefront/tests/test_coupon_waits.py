"""An order that waited for somebody else's act looks at what that act left, not at what stood there when it began to wait."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from accounts.models import Store
from core.errors import DomainError
from core.scopes import in_store
from coupons import claiming, lifecycle
from coupons.models import Claim, CouponTally
from orders import editing
from storefront import checkout, quoting
from tests import factories as make


@pytest.mark.django_db(transaction=True)
def test_what_waited_for_a_freeze_a_first_order_or_a_void_obeys_it() -> None:
    """R77; a freeze and a void hold from their commit on."""
    store = make.make_store()
    actor = make.actor_for(make.owner_of(store))
    with in_store(store.pk):
        (sku,) = make.make_skus(store, 1, price="20.00", stock=100)

        def quoted(buyer: str, **more: Any) -> tuple[str, str]:
            coupon = make.make_coupon(store, [sku.listing], **more)
            claiming.claim(store, coupon.code, {"buyer": buyer}, actor=actor)
            asked = {"buyer": buyer, "lines": [{"sku": sku.code, "quantity": 1}], "coupons": [coupon.code]}
            return coupon.code, quoting.make_quote(store, asked, actor=actor).code

        def order(code: str, quote: str) -> Callable[[], object]:
            return partial(checkout.place_order, store, {"order": code, "quote": quote}, actor=actor)

        frozen, quote = quoted("anna")
        freeze = partial(lifecycle.pause, store, frozen, freeze_claimed=True, actor=actor)
        assert _meanwhile(store, freeze, order("A-1", quote)) == "ERR_COUPON_STATE"

        _code, first = quoted("boris", first_order_only=True)
        _code, second = quoted("boris", first_order_only=True)
        assert _meanwhile(store, order("B-1", first), order("B-2", second)) == "ERR_COUPON_FIRST_ORDER"

        voided, quote = quoted("clara")
        order("C-1", quote)()
        void = partial(lifecycle.void, store, voided, actor=actor)
        call_off = partial(editing.patch_order, store, "C-1", {"state": "cancelled"}, actor=actor)
        assert _meanwhile(store, void, call_off) == ""
        claim = Claim.objects.get(buyer="clara")
        assert (claim.state, CouponTally.objects.get(coupon=claim.coupon_id).redeemed) == ("redeemed", 1)


def _meanwhile(store: Store, first: Callable[[], object], second: Callable[[], object]) -> str:
    """Let `second` begin while `first` is not committed yet; answers the code that `second` was refused with, or ""."""
    told: list[str] = []

    def run() -> None:
        try:
            with in_store(store.pk):
                second()
            told.append("")
        except DomainError as refusal:
            told.append(refusal.code)
        finally:
            connection.close()

    other = threading.Thread(target=run)
    with transaction.atomic():
        first()
        other.start()
        _until_it_waits()
    other.join(30)
    return told[0]


def _until_it_waits() -> None:
    patience = threading.Event()
    for _ in range(600):
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted")
            if cursor.fetchone()[0]:
                return
        patience.wait(0.05)
    raise AssertionError("the second act did not wait for the first")
