"""Rows of what buyers did with a coupon, in bulk, for tests of figures: no verb was asked. Made inside the store's scope."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.db.models import F

from core import clock
from core.codes import new_code
from coupons.facts import Facts
from coupons.models import Claim, ClaimState, Coupon, CouponTally, Phase, Refusal


def make_claims(
    coupon: Coupon,
    count: int,
    *,
    redeemed: int = 0,
    channel: str = "",
    country: str = "US",
    at: datetime | None = None,
    every: timedelta = timedelta(seconds=1),
    who: str = "buyer",
) -> list[Claim]:
    """`count` claims of buyers `<who>-1` …, `every` apart from `at` on; the first `redeemed` used a minute later. Counters follow."""
    begin = at or clock.now() - timedelta(hours=1)
    rows = []
    for n in range(count):
        claimed_at = begin + n * every
        used = n < redeemed
        rows.append(
            Claim(
                store_id=coupon.store_id, coupon=coupon, code=new_code("K", 16), buyer=f"{who}-{n + 1}", country=country,
                channel=channel, state=ClaimState.REDEEMED if used else ClaimState.CLAIMED, claimed_at=claimed_at,
                redeemed_at=claimed_at + timedelta(minutes=1) if used else None,
                order_code=f"{coupon.code}-{who}-{n + 1}" if used else "", amount=coupon.face_value if used else None,
            )
        )  # fmt: skip
    Claim.objects.bulk_create(rows)
    CouponTally.objects.filter(coupon=coupon).update(
        claimed=F("claimed") + count, redeemed=F("redeemed") + redeemed, spent=F("spent") + redeemed * coupon.face_value
    )
    return rows


def make_refusal(
    coupon: Coupon,
    told: Facts | str,
    *,
    buyer: str = "",
    phase: str = Phase.CLAIM,
    at: datetime | None = None,
    times: int = 1,
    **extra: Any,
) -> Refusal:
    """A refusal with its facts, or with a bare code."""
    moment = at or clock.now()
    return Refusal.objects.create(
        **{
            "store_id": coupon.store_id,
            "coupon": coupon,
            "phase": phase,
            "code": told if isinstance(told, str) else told.code,
            "buyer": buyer,
            "hour": moment.replace(minute=0, second=0, microsecond=0),
            "at": moment,
            "last_at": moment,
            "times": times,
            "facts": {} if isinstance(told, str) else told.stored(),
        }
        | extra
    )
