"""What a coupon does to stock: what it holds back, how many of its products can be had, how old their counts are (R59, R65, R66)."""

from __future__ import annotations

from typing import Any

from accounts.requests import StoreRequest
from core import clock
from coupons import reserving, tabs
from coupons.models import Coupon, CouponState
from policies import active
from policies.rules import CouponRules

LIVE = (CouponState.ACTIVE, CouponState.PAUSED)


def section(request: StoreRequest, coupon: Coupon) -> dict[str, Any] | None:
    """The section of the overview, for a coupon that is not over and no draft; two queries."""
    if coupon.state not in LIVE:
        return None
    now = clock.now()
    gauge, wanted = reserving.gauges([coupon.pk], now=now)[coupon.pk], active(CouponRules, now).in_stock_percent
    rate = gauge.percent
    return {
        "gauge": gauge,
        "rate": None if rate is None else round(rate, 1),
        "wanted": wanted,
        "kept": rate is not None and rate >= wanted,
    }


tabs.lend_section(tabs.Section("coupons/_stock.html", "coupons.view", section))
