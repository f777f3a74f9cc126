"""What callers hand to the verbs: plain data, not yet checked against the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any


@dataclass(frozen=True, slots=True)
class ItemInput:
    """A SKU by its code, and its campaign price (text or Decimal; None where the kind discounts the order)."""

    sku: str
    price: str | Decimal | None = None


@dataclass(frozen=True, slots=True)
class CampaignInput:
    """Everything a new campaign needs. Times are aware; a start in the past means: as soon as submitted."""

    kind: str
    name: str
    starts_at: datetime
    ends_at: datetime
    items: Sequence[ItemInput] = ()
    name_zh: str = ""
    rules: Mapping[str, Any] = field(default_factory=dict)
    price_protected: bool = False
    logistics_guarantee: bool = False
    min_items: int = 0
    stacks: bool = False


#: What `edit_campaign` understands; `items` replaces the whole list.
EDITABLE = frozenset(
    {
        "name",
        "name_zh",
        "starts_at",
        "ends_at",
        "rules",
        "price_protected",
        "logistics_guarantee",
        "min_items",
        "stacks",
        "items",
    }
)
