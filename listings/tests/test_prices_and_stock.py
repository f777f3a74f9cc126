"""Prices and stock, many at once: set-based, per-row answers, history (R45, R65, R86, R92)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import AccountState, Entity
from audit.models import AuditEvent
from core import clock
from core.errors import Conflict, InvalidInput, PermissionRefused
from core.scopes import in_store
from listings.models import ChangeSource, Listing, PriceHistory, Sku
from listings.outcome import spelt_out
from listings.prices import set_prices
from listings.stock import set_stock
from tests.factories import actor_for, make_listing, make_member, make_skus, make_store, owner_of

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)


def rejected(outcome) -> dict[object, str]:
    return {row.value: row.code for row in outcome.rejected}


def test_each_row_is_set_or_refused_with_a_reason(store, owner, news) -> None:
    make_listing(store, ["A", "B"], price="10.00")
    make_listing(store, ["C"], price="10.00")
    make_listing(store, ["J"], price="1000", currency="JPY")
    other = make_store()
    with in_store(other.pk):
        make_listing(other, ["THEIRS"])
    rows = [
        {"sku": "A", "sale_price": "12.50"},
        {"sku": "B", "sale_price": "10"},
        {"sku": "C", "sale_price": "0"},
        {"sku": "J", "sale_price": "1200.50"},
        {"sku": "a", "sale_price": "1"},
        {"sku": "THEIRS", "sale_price": "1"},
        {"sku": "A&B", "sale_price": "1"},
        {"sale_price": "1"},
        {"sku": None, "sale_price": None},
    ]
    with clock.freeze(NOON):
        outcome = set_prices(store, rows, actor=owner)
    assert (outcome.applied, outcome.changed) == (2, 1)
    assert rejected(outcome) == {
        "C": "ERR_MONEY_RANGE", "J": "ERR_MONEY_PLACES", "a": "ERR_SKU_UNKNOWN", "THEIRS": "ERR_SKU_UNKNOWN",
        "A&B": "ERR_SKU_CHARACTER", "": "ERR_SKU_MISSING", "None": "ERR_SKU_MISSING",
    }  # fmt: skip
    assert set(outcome.as_dict()["rejected"][0]) == {"sku", "code", "message"}
    row = PriceHistory.objects.get()
    assert (row.sku.code, row.before, row.after, row.at, row.source) == ("A", Decimal(10), Decimal("12.5"), NOON, "api")
    assert row.actor_label == owner.label
    first = Sku.objects.get(code="A").listing
    assert news.ids == [first.pk]
    assert (first.version, first.updated_at) == (2, NOON)
    assert Listing.objects.get(skus__code="C").version == 1


def test_the_audit_event_proves_the_price_history(store, owner) -> None:
    make_skus(store, 60, prefix="A", price="10.00")
    set_prices(store, [{"sku": f"A-{n}", "sale_price": f"{n}.50"} for n in range(1, 61)], actor=owner, reason="sale")
    event = AuditEvent.objects.get()
    assert (event.action, event.reason, event.after["changed"]) == ("price.set", "sale", 60)
    assert len(event.before["rows"]) == 50
    history = PriceHistory.objects.select_related("sku").order_by("id")
    assert {row.sku.code: str(row.before) for row in history[:50]} == event.before["rows"]
    pairs = [(row.sku.code, row.before, row.after) for row in history]
    places = [(code, before, after.quantize(Decimal("0.01"))) for code, before, after in pairs]
    assert spelt_out(places, 0)[1]["sha256"] == event.after["sha256"]


def test_the_last_of_repeated_rows_counts(store, owner) -> None:
    make_listing(store, ["A"], price="10.00")
    outcome = set_prices(store, [{"sku": "A", "sale_price": "1"}, {"sku": "A", "sale_price": "2"}], actor=owner)
    assert Sku.objects.get().sale_price == 2
    assert (outcome.applied, rejected(outcome)) == (1, {"A": "ERR_SKU_REPEATED"})


def test_prices_that_hold_already_leave_no_trace(store, owner, news) -> None:
    make_listing(store, ["A"], price="10.00")
    assert set_prices(store, [{"sku": "A", "sale_price": "10.00"}], actor=owner).as_dict() == {
        "applied": 1, "rejected": [],
    }  # fmt: skip
    assert not AuditEvent.objects.exists()
    assert not PriceHistory.objects.exists()
    assert news.calls == []


@pytest.mark.parametrize("rows", ["A", 7, None, [7], [["A", "1"]], [{"sku": "A"}] * 10_001])
def test_a_list_that_is_none_does_nothing_at_all(store, owner, rows) -> None:
    with pytest.raises(InvalidInput):
        set_prices(store, rows, actor=owner)
    with pytest.raises(InvalidInput):
        set_stock(store, rows, actor=owner)


def test_the_number_of_queries_does_not_follow_the_rows(store, owner) -> None:
    make_skus(store, 1000, prefix="Q", price="5.00")
    costs = []
    for count, price in ((2, "6.00"), (1000, "7.00")):
        rows = [{"sku": f"Q-{n}", "sale_price": price} for n in range(1, count + 1)]
        with CaptureQueriesContext(connection) as queries:
            assert set_prices(store, rows, actor=owner).changed == count
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 20


def test_rights_caps_and_the_stores_own_state(db) -> None:
    store = make_store()
    with in_store(store.pk):
        make_listing(store, ["A"], price="10.00")
        make_listing(store, ["B"], price="10.00")
        both = [{"sku": "A", "sale_price": "9"}, {"sku": "B", "sale_price": "9"}]
        with pytest.raises(PermissionRefused):
            set_prices(store, both, actor=actor_for(make_member(store, rights=["listings.edit"])))
        with pytest.raises(Conflict, match="ERR_GRANT_CAP"):
            set_prices(store, both, actor=actor_for(make_member(store, rights=["listings.price"], max_listings=1)))
        with pytest.raises(Conflict, match="ERR_GRANT_CAP"):
            set_prices(store, both, actor=actor_for(make_member(store, rights=["listings.price"], max_percent_off=9)))
        assert set(Sku.objects.values_list("sale_price", flat=True)) == {Decimal("10.000")}
        store.account_state = AccountState.FROZEN
        with pytest.raises(Conflict, match="ERR_ACCOUNT_STATE"):
            set_prices(store, both, actor=actor_for(owner_of(store)))


def test_a_sole_trader_restores_prices_after_a_close_and_sets_none_besides(db) -> None:
    store = make_store(entity=Entity.SOLE_TRADER)
    trader = actor_for(owner_of(store))
    with in_store(store.pk):
        make_listing(store, ["A"], price="10.00")
        with pytest.raises(Conflict, match="ERR_ENTITY_VIEW_ONLY"):
            set_prices(store, [{"sku": "A", "sale_price": "9"}], actor=trader)
        set_prices(store, [{"sku": "A", "sale_price": "9"}], source=ChangeSource.RESTORE, actor=trader)
        assert PriceHistory.objects.get().source == "restore"
        assert set_stock(store, [{"sku": "A", "quantity": 3}], actor=trader).applied == 1


def test_stock_is_set_by_the_moment_it_was_counted(store, owner, news) -> None:
    listing = make_listing(store, ["A", "B", "C"], stock=5)
    Sku.objects.update(stock_as_of=NOON)
    rows = [
        {"sku": "A", "quantity": 7, "as_of": "2026-11-27T12:00:01Z"},
        {"sku": "B", "quantity": 5, "as_of": "2026-11-27T20:30:00+08:00"},
        {"sku": "C", "quantity": 9, "as_of": "2026-11-27T11:59:59Z"},
        {"sku": "D", "quantity": 1},
    ]
    with clock.freeze(NOON + timedelta(hours=1)):
        outcome = set_stock(store, rows, actor=owner)
    assert (outcome.applied, outcome.changed) == (2, 1)
    assert rejected(outcome) == {"C": "ERR_STOCK_STALE", "D": "ERR_SKU_UNKNOWN"}
    held = {sku.code: (sku.stock, sku.stock_as_of) for sku in Sku.objects.all()}
    assert held == {
        "A": (7, NOON + timedelta(seconds=1)), "B": (5, NOON + timedelta(minutes=30)), "C": (5, NOON),
    }  # fmt: skip
    assert news.ids == [listing.pk]
    assert Listing.objects.get().version == 1
    assert AuditEvent.objects.get().after["rows"] == {"A": 7}


@pytest.mark.parametrize(
    "row",
    [
        {"quantity": -1},
        {"quantity": 1.5},
        {"quantity": "9" * 400},
        {"quantity": 2**31},
        {},
        {"quantity": 1, "as_of": "soon"},
        {"quantity": 1, "as_of": "2026-11-27T12:00:00"},
        {"quantity": 1, "as_of": "2126-11-27T12:00:00Z"},
        {"quantity": 1, "as_of": "2026-02-30T12:00:00Z"},
        {"quantity": 1, "as_of": "0001-01-01T00:00:00+14:00"},
        {"quantity": 1, "as_of": 12},
    ],
)
def test_figures_that_cannot_be(store, owner, row) -> None:
    make_listing(store, ["A"], stock=5)
    with clock.freeze(NOON):
        outcome = set_stock(store, [{"sku": "A"} | row], actor=owner)
    assert outcome.applied == 0
    assert rejected(outcome)["A"] in {"ERR_QUANTITY", "ERR_STOCK_TIME"}
    assert Sku.objects.get().stock == 5
