"""Coupons as the API writes them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from api.fields import write_moment
from core import money
from coupons import finding, links, reading
from coupons.inputs import CouponWarning
from coupons.models import Coupon

_PLAIN = (
    "code", "name", "name_zh", "kind", "currency", "quota", "per_buyer", "regions", "logistics", "channels", "sites", "segment",
    "first_order_only", "stacks_with_platform", "state", "paused_by", "freeze_claimed", "reason", "version",
)  # fmt: skip
_AMOUNTS = ("face_value", "min_order", "budget", "cpc_cost")
_MOMENTS = ("starts_at", "ends_at", "stacks_from", "stacks_until", "activated_at")


def rows(coupons: Sequence[Coupon]) -> list[dict[str, Any]]:
    """Coupons in a list, read with their counters: two queries more, whatever their number."""
    if not coupons:
        return []
    ids = [coupon.pk for coupon in coupons]
    refused, campaigns = reading.refused_of(ids), links.of(coupons[0].store_id, ids)
    return [
        _row(one, refused.get(one.pk, 0), campaigns[one.pk].code if one.pk in campaigns else None) for one in coupons
    ]


def one(coupon: Coupon, warnings: Sequence[CouponWarning] = ()) -> dict[str, Any]:
    """One coupon with its pool, and what deserved a look when it was written."""
    pool = finding.pool_input(coupon)
    named = {name: list(getattr(pool, name)) for name in ("listings", "categories", "brands")}
    return rows([coupon])[0] | {"pool": named, "warnings": [warning.as_dict() for warning in warnings]}


def _row(coupon: Coupon, refused: int, campaign: str | None) -> dict[str, Any]:
    tally = coupon.tally

    def text(amount: Decimal | None) -> str | None:
        return None if amount is None else money.text(amount, coupon.currency)

    return {
        **{name: getattr(coupon, name) for name in _PLAIN},
        **{name: text(getattr(coupon, name)) for name in _AMOUNTS},
        **{name: write_moment(getattr(coupon, name)) for name in _MOMENTS},
        "campaign": campaign,
        "claimed": tally.claimed,
        "redeemed": tally.redeemed,
        "refused": refused,
        "redemption_rate": round(tally.redeemed / tally.claimed, 4) if tally.claimed else None,
        "spent": text(tally.spent),
    }
