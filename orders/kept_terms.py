"""The terms an order was placed under, out of its frozen snapshot, for people to read (R14)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import pgettext_lazy

from orders.models import Order, OrderLine

#: Where a saving was taken off.
KINDS: dict[str, str | Promise] = {
    "item": pgettext_lazy("saving", "in the unit prices"),
    "order": pgettext_lazy("saving", "off the order"),
    "coupon": pgettext_lazy("saving", "coupon"),
}


@dataclass(frozen=True, slots=True)
class Saving:
    """What one campaign or coupon took off, in the order's currency."""

    code: str
    label: str
    kind: str | Promise
    amount: Decimal


@dataclass(frozen=True, slots=True)
class KeptTerms:
    """Savings, the amount from which freight was free (None: no such term), and the gifts by name."""

    savings: tuple[Saving, ...]
    free_shipping: Decimal | None
    gifts: tuple[str, ...]


def kept_terms(order: Order) -> KeptTerms:
    """The terms of the snapshot. Whatever a machine wrote into it in another form is left out, not guessed."""
    snapshot: dict[str, Any] = order.snapshot if isinstance(order.snapshot, dict) else {}
    return KeptTerms(
        tuple(_savings(snapshot.get("discounts"))),
        _decimal(snapshot.get("free_shipping_threshold")),
        tuple(_gifts(snapshot.get("gifts"))),
    )


def campaigns_of(order: Order, line: OrderLine) -> tuple[str, ...]:
    """The codes of the campaigns that priced a line: those of its chain, or the one that the line names."""
    rows = order.snapshot.get("lines") if isinstance(order.snapshot, dict) else None
    kept = rows[line.position] if isinstance(rows, list) and line.position < len(rows) else None
    chain = kept.get("chain") if isinstance(kept, dict) else None
    codes = [step.get("campaign") for step in chain if isinstance(step, dict)] if isinstance(chain, list) else []
    return tuple(str(code) for code in codes if code) or ((line.campaign_code,) if line.campaign_code else ())


def _savings(rows: Any) -> Iterator[Saving]:
    for row in rows if isinstance(rows, list) else ():
        amount = _decimal(row.get("amount")) if isinstance(row, dict) else None
        if amount:
            code = str(row.get("campaign") or row.get("coupon") or "")
            yield Saving(code, str(row.get("label") or ""), KINDS.get(str(row.get("kind")), ""), amount)


def _gifts(rows: Any) -> Iterator[str]:
    for row in rows if isinstance(rows, list) else ():
        name = row.get("gift") if isinstance(row, dict) else row
        if isinstance(name, str) and name:
            yield name


def _decimal(value: Any) -> Decimal | None:
    if value is None or isinstance(value, bool):
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        return None
    return found if found.is_finite() else None
