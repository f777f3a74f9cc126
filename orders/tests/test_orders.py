"""Orders keep what they were sold under, exactly once (R13, R14, R15)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.models import Store
from audit.models import AuditEvent
from core.errors import Conflict, InvalidInput, NotFound, PermissionRefused, VersionConflict
from core.scopes import across_stores, in_store
from listings.models import Sku
from listings.states import pairs
from orders import reading
from orders.editing import patch_order
from orders.models import Order, OrderLine, OrderState
from orders.recording import LineDraft, OrderDraft, record_orders
from tests.factories import actor_for, make_listing, make_member, make_order, make_skus, make_store, owner_of

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
TERMS = {"discounts": [{"campaign": "C-7F3KQ", "amount": "6.00"}], "free_shipping_threshold": "30.00", "gifts": ["A"]}


def draft(store: Store, code: str = "536365", **changes: object) -> OrderDraft:
    sku = Sku.objects.filter(store=store).first() or make_skus(store, 1)[0]
    lines = [
        LineDraft(sku.pk, 6, Decimal("2.55"), Decimal("2.00"), Decimal("1.00"), "C-7F3KQ"),
        LineDraft(sku.pk, 6, Decimal("2.55"), Decimal("2.00")),
    ]
    made = OrderDraft(code, NOON, "USD", lines, TERMS, buyer="17850", country="GB")
    return replace(made, **changes)  # type: ignore[arg-type]  # passed on as given


def test_orders_and_lines_are_written_with_their_sums(store, owner) -> None:
    answer = record_orders(store, [draft(store)], actor=owner, now=NOON)
    order = Order.objects.get()
    assert answer.created == {"536365": order.pk}
    assert (order.subtotal, order.discount, order.total) == (Decimal(24), Decimal(1), Decimal(23))
    document = reading.document(order)
    assert document["snapshot"] == TERMS
    assert [(line["quantity"], line["unit_price"], line["campaign"]) for line in document["lines"]] == [
        (6, "2.00", "C-7F3KQ"), (6, "2.00", None),
    ]  # fmt: skip
    event = AuditEvent.objects.get()
    assert (event.action, event.object_id, event.after["lines"]) == ("order.record", "536365", 2)


def test_the_same_order_told_again_changes_nothing(store, owner) -> None:
    record_orders(store, [draft(store)], actor=owner, now=NOON)
    again = record_orders(store, [draft(store), draft(store)], actor=owner, now=NOON)
    assert (again.created, again.unchanged, again.conflicting) == ({}, {"536365"}, set())
    other = replace(draft(store), lines=draft(store).lines[:1])
    assert record_orders(store, [other], actor=owner, now=NOON).conflicting == {"536365"}
    assert (Order.objects.count(), OrderLine.objects.count(), AuditEvent.objects.count()) == (1, 2, 1)


def test_two_drafts_of_one_code_in_one_call(store, owner) -> None:
    other = replace(draft(store), lines=draft(store).lines[:1])
    answer = record_orders(store, [draft(store), other], actor=owner, now=NOON)
    assert (set(answer.created), answer.conflicting) == ({"536365"}, {"536365"})


def test_codes_are_the_stores_own(store, owner) -> None:
    record_orders(store, [draft(store)], actor=owner, now=NOON)
    other = make_store()
    with in_store(other.pk):
        assert record_orders(other, [draft(other)], actor=owner, now=NOON).created


def test_a_thousand_orders_cost_as_many_statements_as_two(store, owner) -> None:
    costs = []
    for count in (2, 1000):
        rows = [draft(store, f"N{count}-{n}") for n in range(count)]
        with CaptureQueriesContext(connection) as queries:
            assert len(record_orders(store, rows, actor=owner, now=NOON).created) == count
        costs.append(len(queries))
    assert costs[0] == costs[1] <= 6


FROZEN: dict[str, object] = {
    "code": "X", "country": "FR", "placed_at": datetime(2020, 1, 1, tzinfo=UTC), "currency": "EUR", "subtotal": 1, "discount": 2,
    "total": 3, "snapshot": {}, "logistics": "express", "buyer": "somebody else", "created_at": datetime(2020, 1, 1, tzinfo=UTC),
}  # fmt: skip


@pytest.mark.parametrize("column", sorted(FROZEN))
def test_what_was_sold_never_changes(store, owner, column: str) -> None:
    order = make_order(store, make_skus(store, 1), buyer="17850", snapshot=dict(TERMS))
    with pytest.raises(IntegrityError, match="kept as it was"), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**{column: FROZEN[column]})


@pytest.mark.parametrize(
    "act",
    [
        lambda order: OrderLine.objects.filter(order=order).update(unit_price=1),
        lambda order: OrderLine.objects.filter(order=order).update(quantity=99),
        lambda order: OrderLine.objects.filter(order=order).update(campaign_code="C-00000"),
        lambda order: OrderLine.objects.filter(order=order).delete(),
        lambda order: Order.objects.filter(pk=order.pk)._raw_delete("default"),
    ],
)
def test_lines_never_change_and_nothing_is_deleted(store, act: Callable[[Order], object]) -> None:
    order = make_order(store, make_skus(store, 1))
    with pytest.raises(IntegrityError, match="kept as it was"), transaction.atomic():
        act(order)


def test_a_buyer_can_be_forgotten_and_nothing_else_of_it_moves(store) -> None:
    order = make_order(store, make_skus(store, 1), buyer="17850")
    Order.objects.filter(pk=order.pk).update(buyer="")
    assert Order.objects.get().buyer == ""


def test_the_page_says_the_kept_terms_and_passes_over_what_it_cannot_read(client, store) -> None:
    odd = [{"campaign": "C-7F3KQ", "label": "Clear-Out", "kind": "item", "amount": "6.00"}, {"amount": "lots"}, 7]
    terms: dict[str, object] = {
        "discounts": odd,
        "free_shipping_threshold": "30.00",
        "gifts": [{"campaign": "C-7F3KQ", "gift": "Sock"}, 7],
    }
    order = make_order(store, make_skus(store, 1), snapshot=terms)
    client.force_login(owner_of(store))
    page = client.get(f"/s/{store.slug}/orders/{order.code}/").content.decode()
    for told in ("$6.00", "Clear-Out", "$30.00", "Sock"):
        assert told in page, told
    bare = make_order(store, make_skus(store, 1), snapshot={"discounts": None, "gifts": "?"})
    assert client.get(f"/s/{store.slug}/orders/{bare.code}/").status_code == 200
    for address in (f"/s/{store.slug}/orders/A%001/", f"/s/{store.slug}/campaigns/A%001/", "/s/A%001/orders/"):
        assert client.get(address).status_code == 404, "nothing is called by a NUL"


def test_the_databases_edges_are_the_models(store) -> None:
    held = set()
    skus = make_skus(store, 1)
    for source in OrderState.values:
        for target in OrderState.values:
            order = make_order(store, skus, state=source)
            try:
                with transaction.atomic():
                    Order.objects.filter(pk=order.pk).update(state=target)
            except IntegrityError:
                continue
            if source != target:
                held.add((source, target))
    assert held == pairs(Order)


def test_a_patch_moves_the_order_and_is_told(store, owner) -> None:
    order = make_order(store, make_skus(store, 1))
    changes = {"state": "shipped", "fulfilment_number": " LP0042 ", "dispute": "none"}
    moved = patch_order(store, order.code, changes, version=1, actor=owner)
    assert (moved.state, moved.fulfilment_number, moved.version) == ("shipped", "LP0042", 2)
    assert patch_order(store, order.code, changes, version=2, actor=owner).version == 2
    event = AuditEvent.objects.get(action="order.edit")
    assert event.before == {"state": "unpaid", "fulfilment_number": ""}
    assert event.after == {"state": "shipped", "fulfilment_number": "LP0042"}
    with pytest.raises(VersionConflict) as stale:
        patch_order(store, order.code, {"state": "completed"}, version=1, actor=owner)
    assert stale.value.extra["current"]["state"] == "shipped"


@pytest.mark.parametrize(("state", "target"), [("completed", "paid"), ("cancelled", "paid"), ("shipped", "unpaid")])
def test_no_way_back(store, owner, state: str, target: str) -> None:
    order = make_order(store, make_skus(store, 1), state=state)
    with pytest.raises(Conflict) as refused:
        patch_order(store, order.code, {"state": target}, actor=owner)
    assert refused.value.code == "ERR_ORDER_STATE"
    assert AuditEvent.objects.get(action="order.edit").result == "refused"


def test_a_patch_names_every_mistake(store, owner) -> None:
    order = make_order(store, make_skus(store, 1))
    bad = {"state": "lost", "dispute": 7, "fulfilment_number": "x" * 65, "total": "1.00", "snapshot": {}}
    with pytest.raises(InvalidInput) as refused:
        patch_order(store, order.code, bad, actor=owner)
    assert {error.field for error in refused.value.errors} == set(bad)


def test_right_and_store_of_a_patch(store, owner) -> None:
    order = make_order(store, make_skus(store, 1))
    with pytest.raises(PermissionRefused):
        patch_order(store, order.code, {"state": "paid"}, actor=actor_for(make_member(store, rights=["orders.view"])))
    other = make_store()
    with across_stores("a test looks at two stores"), pytest.raises(NotFound):
        patch_order(other, order.code, {"state": "paid"}, actor=actor_for(make_member(other, owner=True)))


def test_find_by_code_state_dispute_and_time(store) -> None:
    skus = make_skus(store, 1)
    first = make_order(store, skus, code="536365", placed_at=NOON, state="paid")
    second = make_order(store, skus, code="536366", placed_at=NOON.replace(hour=13), dispute="arbitration")
    assert list(reading.find(store, q="53636").order_by("code")) == [first, second]
    assert list(reading.find(store, q="536366")) == [second]
    assert list(reading.find(store, state="paid")) == [first]
    assert list(reading.find(store, dispute="arbitration")) == [second]
    assert list(reading.find(store, placed_from=NOON, placed_until=NOON.replace(minute=1))) == [first]
    assert not reading.find(store, q="%").exists()


def test_an_order_of_a_listing_with_other_currencies_places(store, owner) -> None:
    listing = make_listing(store, ["J"], price="1200", currency="JPY")
    order = make_order(store, list(Sku.objects.filter(listing=listing)), quantity=2)
    assert reading.document(order)["total"] == "2400"
