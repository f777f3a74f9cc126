"""Orders as readers see them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Store
from core import codes, money
from core.errors import NotFound
from orders.models import Order, OrderLine
from orders.recording import FINGERPRINT


def find(
    store: Store,
    *,
    q: str = "",
    state: str = "",
    dispute: str = "",
    placed_from: datetime | None = None,
    placed_until: datetime | None = None,
    campaign: str = "",
    fulfilled: str = "",
) -> QuerySet[Order]:
    """Orders of a store that match the filters. `q` is an order's code, or its beginning, or a fulfilment number, letter by letter.

    `campaign` is a campaign's code, `fulfilled`, if not empty, asks for a fulfilment number.
    """
    rows = Order.objects.filter(store=store)
    if text := q.strip()[:64]:
        rows = rows.filter(Q(code__startswith=text) | Q(fulfilment_number=text))
    if state:
        rows = rows.filter(state=state)
    if dispute:
        rows = rows.filter(dispute=dispute)
    if placed_from:
        rows = rows.filter(placed_at__gte=placed_from)
    if placed_until:
        rows = rows.filter(placed_at__lt=placed_until)
    if code := codes.normalise(campaign):
        lines = OrderLine.objects.filter(store=store, campaign_code=code)
        rows = rows.filter(Q(pk__in=lines.values("order_id")) | Q(snapshot__campaigns__has_key=code))
    if fulfilled:
        rows = rows.exclude(fulfilment_number="")
    return rows


def get(store: Store, code: str) -> Order:
    """One order. Raises NotFound when unknown or another store's."""
    row = Order.objects.filter(store=store, code=code).first()
    if row is None:
        raise NotFound(_("This store has no such order."))
    return row


def lines_of(order: Order) -> QuerySet[OrderLine]:
    """The lines of an order in their order, with SKU and listing."""
    return OrderLine.objects.filter(order=order).select_related("sku__listing").order_by("position")


def document(order: Order) -> dict[str, Any]:
    """The API's document of one order; one query for its lines."""
    snapshot = {name: value for name, value in order.snapshot.items() if name != FINGERPRINT}
    return {
        "order": order.code,
        "placed_at": order.placed_at,
        "state": order.state,
        "fulfilment_number": order.fulfilment_number,
        "dispute": order.dispute,
        "currency": order.currency,
        "subtotal": money.text(order.subtotal, order.currency),
        "discount": money.text(order.discount, order.currency),
        "total": money.text(order.total, order.currency),
        "lines": [
            {
                "sku": line.sku.code,
                "quantity": line.quantity,
                "list_price": money.text(line.list_price, order.currency),
                "unit_price": money.text(line.unit_price, order.currency),
                "order_discount": money.text(line.order_discount, order.currency),
                "campaign": line.campaign_code or None,
            }
            for line in lines_of(order)
        ],
        "snapshot": snapshot,
        "version": order.version,
    }
