"""Campaigns, their items, closes and checks."""

from campaigns.models.affiliate import AffiliateLink, AffiliatePlan, PlanState
from campaigns.models.campaign import Campaign, CampaignItem, CampaignState, Kind
from campaigns.models.closing import CampaignArchive, Check, CheckState, CloseKind, Closing, Leftover, Occasion
from campaigns.models.coupon_link import CampaignCoupon
from campaigns.models.work import (
    BulkJob,
    BulkRow,
    BulkScope,
    BulkState,
    FormToken,
    PageCopy,
    ParkedClose,
    ParkedState,
)

__all__ = [
    "AffiliateLink",
    "AffiliatePlan",
    "BulkJob",
    "BulkRow",
    "BulkScope",
    "BulkState",
    "Campaign",
    "CampaignArchive",
    "CampaignCoupon",
    "CampaignItem",
    "CampaignState",
    "Check",
    "CheckState",
    "CloseKind",
    "Closing",
    "FormToken",
    "Kind",
    "Leftover",
    "Occasion",
    "PageCopy",
    "ParkedClose",
    "ParkedState",
    "PlanState",
]
