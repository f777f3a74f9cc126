"""Taking goods off sale (R113, R114, R164)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.db import transaction

from accounts.models import AccountState
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, InvalidInput, PermissionRefused
from core.scopes import across_stores, in_store
from listings.delisting import delist, finish_due
from listings.editing import edit_listing
from listings.models import Listing, Sku
from tests.factories import actor_for, make_listing, make_member, make_store, owner_of

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def finish(now: datetime) -> int:
    with transaction.atomic(), across_stores("a test sweeps"):
        return finish_due(limit=100, now=now)


def test_at_once(store, owner, news) -> None:
    on, off, held = (make_listing(store, state=state) for state in ("on_sale", "delisted", "draft"))
    outcome = delist(store, [on.pk, off.pk, held.pk, 10**12, on.pk], reason="slow", mode="now", actor=owner)
    assert (outcome.applied, outcome.changed) == (2, 1)
    assert [row.as_dict()["id"] for row in outcome.rejected] == [held.pk, 10**12]
    assert [row.code for row in outcome.rejected] == ["ERR_LISTING_STATE", "ERR_LISTING_UNKNOWN"]
    on.refresh_from_db()
    assert (on.state, on.version) == ("delisted", 2)
    assert news.ids == [on.pk]
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.reason, event.after) == (
        "listing.delist", str(on.pk), "slow", {"state": "delisted"},
    )  # fmt: skip


def test_gradually_stock_is_zero_now_and_the_page_goes_a_day_later(store, owner, news) -> None:
    listing = make_listing(store, ["A", "B"], stock=5)
    Sku.objects.update(stock_synced_at=NOON)
    with clock.freeze(NOON):
        delist(store, [listing.pk], reason="stock", mode="gradual", actor=owner)
    listing.refresh_from_db()
    assert not Sku.objects.filter(stock_synced_at__isnull=False), "a person's figure, that no connection keeps fresh"
    assert (listing.state, listing.delist_at) == ("delisting", NOON + timedelta(hours=24))
    assert set(Sku.objects.values_list("stock", flat=True)) == {0}
    assert AuditEvent.objects.get().before["stock"] == 10
    assert finish(NOON + timedelta(hours=23, minutes=59)) == 0
    assert finish(NOON + timedelta(hours=24)) == 1
    assert finish(NOON + timedelta(hours=24)) == 0
    listing.refresh_from_db()
    assert (listing.state, listing.delist_at) == ("delisted", None)
    assert news.ids == [listing.pk, listing.pk]
    assert AuditEvent.objects.filter(action="listing.delist").count() == 2


def test_back_on_sale_before_the_day_is_over(store, owner) -> None:
    listing = make_listing(store)
    with clock.freeze(NOON):
        delist(store, [listing.pk], reason="stock", mode="gradual", actor=owner)
        edit_listing(store, listing.pk, {"state": "on_sale"}, actor=owner)
    assert finish(NOON + timedelta(days=2)) == 0
    assert Listing.objects.get().state == "on_sale"


def test_the_sweep_serves_every_store_in_one_pass(db) -> None:
    for _ in range(2):
        store = make_store()
        with in_store(store.pk):
            make_listing(store, state="delisting", delist_at=NOON)
    assert finish(NOON) == 2
    assert set(AuditEvent.objects.values_list("actor_label", flat=True)) == {"system:delisting"}


@pytest.mark.parametrize(
    ("ids", "reason", "mode", "fields"),
    [
        ([1], "bored", "now", {"reason"}),
        ([1], "slow", "never", {"mode"}),
        ([], "x", "y", {"ids", "reason", "mode"}),
        ("12", "slow", "now", {"ids"}),
        (["1", True, -4, 2**64], "slow", "now", {"ids.0", "ids.1", "ids.2", "ids.3"}),
        (range(1, 10_002), "slow", "now", {"ids"}),
    ],
)
def test_what_is_refused_as_a_whole(store, owner, ids, reason, mode, fields) -> None:
    with pytest.raises(InvalidInput) as refused:
        delist(store, ids, reason=reason, mode=mode, actor=owner)
    assert {error.field for error in refused.value.errors} == fields


def test_rights_and_caps_and_a_frozen_store_may_still_take_goods_off(db) -> None:
    store = make_store(account_state=AccountState.FROZEN)
    with in_store(store.pk):
        ids = [make_listing(store).pk for _ in range(2)]
        with pytest.raises(PermissionRefused):
            delist(store, ids, reason="slow", mode="now", actor=actor_for(make_member(store, rights=["listings.edit"])))
        capped = actor_for(make_member(store, rights=["listings.delist"], max_listings=1))
        with pytest.raises(Conflict, match="ERR_GRANT_CAP"):
            delist(store, ids, reason="slow", mode="now", actor=capped)
        assert delist(store, ids, reason="slow", mode="now", actor=actor_for(owner_of(store))).changed == 2
