"""The machine of a coupon: the declared edges, the database's, and the set-based door are one."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction

from core.scopes import in_store
from coupons.edges import declared, pairs, set_state
from coupons.models import Coupon, CouponState, CouponTally
from tests.factories import make_coupon, make_store

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


def test_the_database_knows_the_declared_edges_and_no_other():
    store = make_store()
    with in_store(store.pk):
        for source in CouponState.values:
            for target in CouponState.values:
                coupon = make_coupon(store, state=source)
                change = {"state": target, "paused_by": "operator" if target == "paused" else ""}
                rows = Coupon.objects.filter(pk=coupon.pk)
                if source == target or (source, target) in pairs():
                    assert rows.update(**change) == 1
                else:
                    with pytest.raises(IntegrityError, match="no way from"), transaction.atomic():
                        rows.update(**change)


def test_the_door_moves_only_what_stands_in_a_source():
    store = make_store()
    with in_store(store.pk):
        active, void = make_coupon(store), make_coupon(store, state="voided")
        rows = Coupon.objects.filter(store=store)
        assert set_state(rows, transition="pause", now=NOON, paused_by="operator") == 1
        assert Coupon.objects.get(pk=active.pk).version == 2
        assert Coupon.objects.get(pk=void.pk).state == "voided"
    assert set(declared()) == {"activate", "pause", "resume", "expire", "void"}


def test_counters_cannot_pass_their_limits_whoever_writes_them():
    store = make_store()
    with in_store(store.pk):
        coupon = make_coupon(store, quota=1)
        tally = CouponTally.objects.filter(coupon=coupon)
        for wrong in ({"claimed": 2}, {"redeemed": 1}):
            with pytest.raises(IntegrityError), transaction.atomic():
                tally.update(**wrong)


def test_pages_of_the_counters_have_room_for_updates_in_place():
    with connection.cursor() as cursor:
        cursor.execute("SELECT reloptions FROM pg_class WHERE relname = 'coupons_coupontally'")
        assert cursor.fetchone() == (["fillfactor=50"],)
