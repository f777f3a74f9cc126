"""Orders that are called off give their coupons back: joins the news of the order room."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.dispatch import receiver

from audit.actors import Actor
from coupons import redeeming
from orders.models import Order
from orders.signals import order_cancelled


@receiver(order_cancelled, dispatch_uid="coupons.returning")
def take_back(sender: Any, *, order: Order, before: str, actor: Actor, now: datetime, **more: Any) -> None:
    """Within the transaction of the change."""
    redeeming.give_back(order, before, actor=actor, now=now)
