"""Reading coupons: lists, counts, what the pool names. Nothing here changes anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from django.db.models import Count, Q, QuerySet, Sum

from coupons import finding
from coupons.models import Coupon, CouponState, PoolBrand, PoolCategory, PoolListing, Refusal


@dataclass(frozen=True, slots=True)
class CouponFilter:
    """What a list may ask for; empty members do not filter."""

    state: str = ""
    kind: str = ""
    q: str = ""


def matching(store_id: int, wanted: CouponFilter) -> QuerySet[Coupon]:
    """Coupons of a store that match, newest first, with their counters; `q` finds a code or a part of the name."""
    rows = Coupon.objects.filter(store_id=store_id).select_related("tally")
    if wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.kind:
        rows = rows.filter(kind=wanted.kind)
    if text := wanted.q.strip():
        rows = rows.filter(
            Q(code__startswith=finding.normalise(text)) | Q(name__icontains=text) | Q(name_zh__icontains=text)
        )
    return rows.order_by("-id")


def by_state(store_id: int) -> dict[str, int]:
    """How many coupons of a store stand in each state that is not over; one query."""
    open_states = (CouponState.DRAFT, CouponState.ACTIVE, CouponState.PAUSED)
    rows = Coupon.objects.filter(store_id=store_id, state__in=open_states).order_by().values_list("state")
    return dict(rows.annotate(n=Count("id")))


def refused_of(coupon_ids: Collection[int]) -> dict[int, int]:
    """How often each coupon was refused, from one query; those never refused are missing."""
    if not coupon_ids:
        return {}
    rows = Refusal.objects.filter(coupon_id__in=list(coupon_ids)).order_by().values_list("coupon_id")
    return dict(rows.annotate(n=Sum("times")))


def rate(claimed: int, redeemed: int) -> Decimal | None:
    """Redemption rate in percent, one decimal; None before the first claim (R68)."""
    if not claimed:
        return None
    return (Decimal(redeemed) * 100 / claimed).quantize(Decimal("0.1"), rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class PoolNames:
    """What a pool names: (id, label) of listings up to a limit, how many listings in all, categories and brands."""

    listings: Sequence[tuple[int, str]]
    listing_count: int
    categories: Sequence[str]
    brands: Sequence[str]


def pool_of(coupon: Coupon, *, most: int) -> PoolNames:
    """The names of a coupon's pool; four queries."""
    named = PoolListing.objects.filter(coupon=coupon)
    listings = [(row.listing_id, row.listing.label) for row in named.select_related("listing").order_by("id")[:most]]
    categories = [
        row.category.label
        for row in PoolCategory.objects.filter(coupon=coupon).select_related("category").order_by("id")
    ]
    brands = PoolBrand.objects.filter(coupon=coupon).order_by("id").values_list("brand__name", flat=True)
    return PoolNames(listings, named.count(), categories, list(brands))
