"""What callers hand to the verbs of creation, and what they get back: plain data, not yet checked against the store."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from core.errors import FieldError, Text
from coupons.models import Coupon, CouponKind


@dataclass(frozen=True, slots=True)
class PoolInput:
    """The goods as people name them: listing ids, SKU codes (their listings), category codes, brand names (R54)."""

    listings: Sequence[Any] = ()
    skus: Sequence[str] = ()
    categories: Sequence[str] = ()
    brands: Sequence[str] = ()

    def __bool__(self) -> bool:
        return bool(self.listings or self.skus or self.categories or self.brands)

    def __len__(self) -> int:
        return len(self.listings) + len(self.skus) + len(self.categories) + len(self.brands)


@dataclass(frozen=True, slots=True)
class CouponInput:
    """A coupon as it is asked for. Amounts are text or Decimal, None where nothing was said; `logistics` None means the default (R75)."""

    kind: str = CouponKind.SPEND
    face_value: Any = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    quota: int | None = None
    pool: PoolInput = field(default_factory=PoolInput)
    min_order: Any = None
    currency: str = ""
    code: str = ""
    name: str = ""
    name_zh: str = ""
    per_buyer: int | None = 1
    regions: Sequence[str] = ()
    logistics: Sequence[str] | None = None
    channels: Sequence[str] = ()
    sites: Sequence[str] = ()
    segment: Mapping[str, Any] = field(default_factory=dict)
    first_order_only: bool = False
    stacks_with_platform: bool = False
    stacks_from: datetime | None = None
    stacks_until: datetime | None = None
    budget: Any = None
    cpc_cost: Any = None
    campaign: str = ""
    confirm_face_value: Any = None
    unread: Sequence[FieldError] = ()
    """Faults of fields that the caller could not even read: told together with all others, in place of what would be said of them."""


@dataclass(frozen=True, slots=True)
class CouponWarning:
    """What deserves a look and refuses nothing. `skus` are some of the items meant, `count` how many there are."""

    code: str
    message: Text
    count: int = 0
    skus: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The API's form."""
        return {"code": self.code, "message": str(self.message), "count": self.count, "skus": list(self.skus)}


@dataclass(frozen=True, slots=True)
class Saved:
    """A coupon as it was written, and what deserves a look."""

    coupon: Coupon
    warnings: tuple[CouponWarning, ...] = ()
