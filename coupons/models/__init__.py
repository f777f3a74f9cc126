"""Coupons, their pools, tallies, claims, refusals, reserved stock and sendings."""

from coupons.models.arms import ArmsState, CouponTest
from coupons.models.batch import BatchState, CodeBatch, SingleCode
from coupons.models.claim import Claim, ClaimAddress, ClaimState, Phase, Refusal
from coupons.models.cost import CostEntry, CostKind
from coupons.models.counts import ClaimCount, ClaimNews, ClaimStage, Counted, Stage
from coupons.models.coupon import Bond, Coupon, CouponKind, CouponState, CouponTally, PausedBy
from coupons.models.evidence import Evidence
from coupons.models.pool import PoolBrand, PoolCategory, PoolListing, Reservation
from coupons.models.sending import Channel, Recipient, RecipientState, Sending, SendingState, SmsGateway
from coupons.models.watch import Diagnosis, ExposureHour

__all__ = [
    "BatchState",
    "Bond",
    "Channel",
    "Claim",
    "ClaimAddress",
    "ClaimCount",
    "ClaimNews",
    "ClaimStage",
    "ClaimState",
    "CodeBatch",
    "CostEntry",
    "CostKind",
    "Counted",
    "Coupon",
    "CouponKind",
    "CouponState",
    "CouponTally",
    "CouponTest",
    "Diagnosis",
    "Evidence",
    "ExposureHour",
    "PausedBy",
    "Phase",
    "PoolBrand",
    "PoolCategory",
    "PoolListing",
    "Recipient",
    "RecipientState",
    "Refusal",
    "Reservation",
    "Sending",
    "SendingState",
    "SingleCode",
    "SmsGateway",
    "Stage",
    "ArmsState",
]
