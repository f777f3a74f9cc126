"""What orders mean for coupons: joins the news of the order room, within the transaction of the change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from django.dispatch import receiver

from audit.actors import Actor
from coupons import counting, redeeming
from orders.models import Order, OrderState
from orders.recording import OrderDraft
from orders.signals import order_cancelled, orders_recorded


@receiver(order_cancelled, dispatch_uid="coupons.returning")
def take_back(sender: Any, *, order: Order, before: str, actor: Actor, now: datetime, **more: Any) -> None:
    """An order that is called off gives its coupons back, and no longer follows its buyer's claims."""
    redeeming.give_back(order, before, actor=actor, now=now)
    counting.tell(order.store_id, [order.buyer], earliest=order.placed_at, latest=order.placed_at)


@receiver(orders_recorded, dispatch_uid="coupons.counting")
def followed(sender: Any, *, store_id: int, drafts: Sequence[OrderDraft], **more: Any) -> None:
    """Claims of these buyers were followed by an order."""
    placed = [draft.placed_at for draft in drafts if draft.buyer and draft.state != OrderState.CANCELLED]
    if placed:
        buyers = {draft.buyer for draft in drafts}
        counting.tell(store_id, buyers, earliest=min(placed), latest=max(placed))
