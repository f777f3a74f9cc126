"""Writing orders: many at once, each exactly once (R14, R15). The only door by which orders come to be."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, transaction

from accounts.models import Store
from audit.actors import Actor
from audit.record import Entry, Target, record
from orders import deals
from orders.models import Dispute, OrderState

_ENCODER = DjangoJSONEncoder()
FINGERPRINT = "fingerprint"


@dataclass(frozen=True, slots=True)
class LineDraft:
    """One line as sold. `unit_price` is after item campaigns; `order_discount` is the line's share of order discounts."""

    sku_id: int
    quantity: int
    list_price: Decimal
    unit_price: Decimal
    order_discount: Decimal = Decimal(0)
    campaign_code: str = ""
    placed_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class OrderDraft:
    """One order to record. Without sums of its own: `subtotal` is Σ quantity × unit price, `discount` Σ shares, `total` the difference.

    `snapshot` holds the terms it was placed under: discounts, free-shipping threshold, gifts. All of it is JSON. `stock_taken`: the caller
    took its units out of stock, so they go back when it is called off before shipping.
    """

    code: str
    placed_at: datetime
    currency: str
    lines: Sequence[LineDraft]
    snapshot: Mapping[str, Any] = field(default_factory=dict)
    state: str = OrderState.UNPAID
    buyer: str = ""
    country: str = ""
    logistics: str = ""
    fulfilment_number: str = ""
    dispute: str = Dispute.NONE
    subtotal: Decimal | None = None
    discount: Decimal | None = None
    total: Decimal | None = None
    stock_taken: bool = False

    def sums(self) -> tuple[Decimal, Decimal, Decimal]:
        """Subtotal, discount, total."""
        subtotal = self.subtotal
        if subtotal is None:
            subtotal = sum((line.unit_price * line.quantity for line in self.lines), Decimal(0))
        discount = self.discount
        if discount is None:
            discount = sum((line.order_discount for line in self.lines), Decimal(0))
        return subtotal, discount, subtotal - discount if self.total is None else self.total

    def fingerprint(self) -> str:
        """SHA-256 over what was sold, when and for how much: the same order told twice has the same one. No personal value is in it."""
        rows = [
            [
                line.sku_id, line.quantity, _plain(line.list_price), _plain(line.unit_price), _plain(line.order_discount),
                line.campaign_code, _moment(line.placed_at or self.placed_at),
            ]
            for line in self.lines
        ]  # fmt: skip
        return hashlib.sha256(orjson.dumps([_moment(self.placed_at), self.currency, rows])).hexdigest()


def _plain(amount: Decimal) -> str:
    return format(amount.normalize(), "f") if amount else "0"


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat()


@dataclass(slots=True)
class Recorded:
    """What became of the drafts: `created` by code with the new id, `unchanged` codes were there with the same content, `conflicting`
    codes are there with other content and stay as they were."""

    created: dict[str, int] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)
    conflicting: set[str] = field(default_factory=set)


@transaction.atomic
def record_orders(
    store: Store,
    drafts: Sequence[OrderDraft],
    *,
    actor: Actor,
    now: datetime,
    audit: bool = True,
) -> Recorded:
    """Record orders with their lines in three statements, whatever their number; what was sold feeds the lowest deal prices. The caller has
    checked rights and values.

    An order whose code the store has already is left as it is: told again with the same content it is `unchanged`, with other content
    `conflicting`. Two callers with the same code wait for each other. One audit event for the call, unless the caller writes its own
    (`audit=False`). SKUs must be the store's.
    """
    answer = Recorded()
    wanted: dict[str, tuple[OrderDraft, str]] = {}
    for draft in drafts:
        mark = draft.fingerprint()
        held = wanted.setdefault(draft.code, (draft, mark))
        if held[0] is not draft:
            (answer.unchanged if held[1] == mark else answer.conflicting).add(draft.code)
    if not wanted:
        return answer
    with connection.cursor() as cursor:
        # In the order of codes, so that two callers with the same codes wait for each other and never in a ring.
        cursor.execute(_INSERT, _columns(store, [wanted[code] for code in sorted(wanted)], now))
        answer.created = dict(cursor.fetchall())
        rest = [code for code in wanted if code not in answer.created]
        if rest:
            cursor.execute(_HELD, [FINGERPRINT, store.pk, rest])
            for code, mark in cursor.fetchall():
                same = mark == wanted[code][1]
                (answer.unchanged if same else answer.conflicting).add(code)
        with cursor.copy(_COPY) as copy:
            for row in _lines(store, wanted, answer.created):
                copy.write_row(row)
    deals.feed(store.pk, _sold(wanted, answer.created), now=now)
    if audit and answer.created:
        record(_entry(store, wanted, answer), actor=actor, now=now)
    return answer


_ORDER_COLUMNS = (
    ("code", "text"), ("buyer", "text"), ("country", "text"), ("state", "text"), ("placed_at", "timestamptz"),
    ("currency", "text"), ("subtotal", "numeric"), ("discount", "numeric"), ("total", "numeric"), ("snapshot", "jsonb"),
    ("logistics", "text"), ("fulfilment_number", "text"), ("dispute", "text"),
    ("stock_taken", "boolean"),
)  # fmt: skip
_NAMES = ", ".join(name for name, _ in _ORDER_COLUMNS)
_ARRAYS = ", ".join(f"%s::{kind}[]" for _, kind in _ORDER_COLUMNS)
_INSERT = f"""
    INSERT INTO orders_order (store_id, version, created_at, {_NAMES})
    SELECT %s, 1, %s, {_NAMES} FROM unnest({_ARRAYS}) AS v({_NAMES})
    ON CONFLICT (store_id, code) DO NOTHING RETURNING code, id
"""  # noqa: S608 - column names of our own
_HELD = "SELECT code, snapshot ->> %s FROM orders_order WHERE store_id = %s AND code = ANY(%s)"
_COPY = """
    COPY orders_orderline (store_id, order_id, position, sku_id, quantity, list_price, unit_price, order_discount, campaign_code,
        placed_at) FROM STDIN
"""


def _columns(store: Store, wanted: Any, now: datetime) -> list[Any]:
    rows = []
    for draft, mark in wanted:
        subtotal, discount, total = draft.sums()
        snapshot = orjson.dumps({**draft.snapshot, FINGERPRINT: mark}, default=_ENCODER.default).decode()
        rows.append(
            (
                draft.code, draft.buyer, draft.country, str(draft.state), draft.placed_at, draft.currency, subtotal, discount,
                total, snapshot, draft.logistics, draft.fulfilment_number, str(draft.dispute),
                draft.stock_taken,
            )
        )  # fmt: skip
    return [store.pk, now, *(list(column) for column in zip(*rows, strict=True))]


def _lines(
    store: Store, wanted: Mapping[str, tuple[OrderDraft, str]], created: Mapping[str, int]
) -> Iterator[tuple[Any, ...]]:
    for code, order_id in created.items():
        draft = wanted[code][0]
        for position, line in enumerate(draft.lines):
            yield (
                store.pk, order_id, position, line.sku_id, line.quantity, line.list_price, line.unit_price, line.order_discount,
                line.campaign_code, line.placed_at or draft.placed_at,
            )  # fmt: skip


def _sold(
    wanted: Mapping[str, tuple[OrderDraft, str]], created: Mapping[str, int]
) -> list[tuple[int, datetime, Decimal, Decimal, int]]:
    """The lines of orders that were not called off, as `deals.feed` takes them."""
    return [
        (line.sku_id, line.placed_at or draft.placed_at, line.unit_price, line.order_discount, line.quantity)
        for draft, _ in (wanted[code] for code in created)
        if draft.state != OrderState.CANCELLED
        for line in draft.lines
    ]


def _entry(store: Store, wanted: Mapping[str, tuple[OrderDraft, str]], answer: Recorded) -> Entry:
    marks = sorted(f"{code} {wanted[code][1]}" for code in answer.created)
    after: dict[str, Any] = {
        "orders": len(answer.created),
        "lines": sum(len(wanted[code][0].lines) for code in answer.created),
        "sha256": hashlib.sha256("\n".join(marks).encode()).hexdigest(),
    }
    target = Target("store", store.slug, store.name, store.pk, store.name)
    if len(answer.created) == 1:
        (code,) = answer.created
        draft = wanted[code][0]
        after |= {"total": draft.sums()[2], "currency": draft.currency, "placed_at": draft.placed_at}
        target = Target("order", code, code, store.pk, store.name)
    return Entry(action="order.record", target=target, after=after)
