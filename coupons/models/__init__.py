"""Coupons, their pools, tallies, claims, refusals and reserved stock."""

from coupons.models.claim import Claim, ClaimAddress, ClaimState, Phase, Refusal
from coupons.models.coupon import Coupon, CouponKind, CouponState, CouponTally, PausedBy
from coupons.models.pool import PoolBrand, PoolCategory, PoolListing, Reservation

__all__ = [
    "Claim",
    "ClaimAddress",
    "ClaimState",
    "Coupon",
    "CouponKind",
    "CouponState",
    "CouponTally",
    "PausedBy",
    "Phase",
    "PoolBrand",
    "PoolCategory",
    "PoolListing",
    "Refusal",
    "Reservation",
]
