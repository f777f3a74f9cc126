"""What may change about an order: where it is, its fulfilment number, its dispute. Never what was sold (R15)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django_fsm import can_proceed

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core.errors import Conflict, InvalidInput, NotFound, VersionConflict
from listings import fields
from listings.fields import Findings
from orders import deals, reading, stock
from orders.models import Dispute, Order, OrderState
from orders.signals import order_cancelled

#: The declared transition that leads to each state.
_WAYS = {
    OrderState.PAID: "pay",
    OrderState.SHIPPED: "ship",
    OrderState.COMPLETED: "complete",
    OrderState.CANCELLED: "cancel",
}
_KNOWN = {"state", "fulfilment_number", "dispute"}


@verb("order.edit", right="orders.edit")
def patch_order(
    store: Store,
    code: str,
    changes: Mapping[str, Any],
    *,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Order:
    """Change `state`, `fulfilment_number` or `dispute`; the state only moves forward and may skip steps. Answers the order.

    An order called off before shipping puts its units back into stock. Nothing different: nothing written. Raises PermissionRefused,
    NotFound, VersionConflict with the current document, InvalidInput with every broken field, Conflict ERR_ORDER_STATE when there is no
    way to the wanted state.
    """
    about(Target("order", str(code)[:64], str(code)[:64], store.pk, store.name))
    check(actor, store, "orders.edit", now=now)
    order = Order.objects.filter(store=store, code=code).select_for_update(of=("self",), no_key=True).first()
    if order is None:
        raise NotFound(_("This store has no such order."))
    if version is not None and version != order.version:
        raise VersionConflict(_("Somebody has changed this order since you opened it."), reading.document(order))
    wanted = _read(changes)
    before = {name: getattr(order, name) for name, value in wanted.items() if getattr(order, name) != value}
    if not before:
        return order
    if "state" in before:
        _move(order, OrderState(wanted["state"]))
    for name in before.keys() - {"state"}:
        setattr(order, name, wanted[name])
    order.version += 1
    order.save(update_fields=["state", "fulfilment_number", "dispute", "version"])
    returned = {}
    if order.state == OrderState.CANCELLED and "state" in before:
        # Coupons, goods, deals: in the order in which a checkout takes them, so that the two never wait in a ring.
        order_cancelled.send(Order, order=order, before=before["state"], actor=actor, now=now)
        if units := stock.give_back(order, before["state"], now=now):
            order.save(update_fields=["stock_returned_at"])
            returned = {"stock_returned": units}
        deals.forget(order, now=now)
    entry = Entry(
        action="order.edit",
        target=Target("order", order.code, order.code, store.pk, store.name),
        before=before,
        after={name: wanted[name] for name in before} | returned,
        right="orders.edit",
    )
    record(entry, actor=actor, now=now)
    return order


def _read(changes: Mapping[str, Any]) -> dict[str, str]:
    findings = Findings()
    for name in changes.keys() - _KNOWN:
        findings.add(str(name), "ERR_FIELD_UNKNOWN", _("There is no such field, or it never changes."))
    wanted: dict[str, str] = {}
    if "state" in changes:
        found = fields.choice(changes["state"], "state", OrderState.values, "ERR_ORDER_STATE")
        wanted["state"] = findings.take(found, "")
    if "dispute" in changes:
        found = fields.choice(changes["dispute"], "dispute", Dispute.values, "ERR_ORDER_DISPUTE")
        wanted["dispute"] = findings.take(found, "")
    if "fulfilment_number" in changes:
        found = fields.text(changes["fulfilment_number"], "fulfilment_number", longest=64)
        wanted["fulfilment_number"] = findings.take(found, "")
    if findings.errors:
        raise InvalidInput(_("The order has mistakes; nothing was saved."), findings.errors)
    return wanted


def _move(order: Order, target: OrderState) -> None:
    way = getattr(order, _WAYS[target]) if target in _WAYS else None
    if way is None or not can_proceed(way):
        words = _("An order that is “%(state)s” cannot become “%(wanted)s”.")
        words = words % {"state": order.get_state_display(), "wanted": target.label}
        raise Conflict("ERR_ORDER_STATE", words, state=order.state)
    way()
