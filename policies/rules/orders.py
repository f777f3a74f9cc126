"""Limits of quotes and orders."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class OrderRules(Rules):
    """What a basket and an order may hold."""

    key: ClassVar[str] = "orders"

    max_lines: int = Field(default=200, ge=1, description=_("Lines of one order or quote at most."))
    max_quantity: int = Field(default=100_000, ge=1, description=_("Units of one line of an order or quote at most."))
    max_coupons: int = Field(default=20, ge=0, description=_("Coupons of one order or quote at most."))
    future_seconds: int = Field(default=300, ge=0, description=_("How far ahead `placed_at` may lie."))
    earliest_year: int = Field(default=1990, description=_("Dates before it are absurd."))
    batch: int = Field(default=5000, ge=1, description=_("Orders recorded per transaction."))
    page_size: int = Field(default=50, ge=1, description=_("Orders on one page."))
    count_limit: int = Field(default=1000, ge=1, description=_("A list counts its matches no further than this."))
    deal_memory_days: int = Field(
        default=90,
        ge=1,
        description=_("How long deals are remembered for the lowest deal price, R23; at least its window."),
    )
