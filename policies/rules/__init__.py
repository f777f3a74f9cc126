"""The rule sets, one module a room. A new one is a subclass of `Rules` and a line in `policies.seeds`."""

from policies.rules.base import Provenance, Rules
from policies.rules.campaigns import CampaignRules, ClosingRules
from policies.rules.conflicts import ConflictRules
from policies.rules.coupons import CouponRules, EffectWatchRules, SendingRules
from policies.rules.finance import FinanceRules
from policies.rules.guards import GuardEffect, GuardRules
from policies.rules.insights import BrowserRules, InsightRules
from policies.rules.listings import ImportRules, ListingRules
from policies.rules.orders import OrderRules
from policies.rules.penalties import PenaltyRules
from policies.rules.publishing import OutboundRules, ProbeRules, PublishingRules
from policies.rules.reach import ReachRules
from policies.rules.record import AuditRules, InboxRules
from policies.rules.rulebook import RulebookRules
from policies.rules.storefront import StorefrontRules
from policies.rules.web import ApiRules, DashboardRules, SessionRules, SignInRules

__all__ = [
    "ApiRules",
    "AuditRules",
    "BrowserRules",
    "CampaignRules",
    "ClosingRules",
    "ConflictRules",
    "CouponRules",
    "DashboardRules",
    "EffectWatchRules",
    "FinanceRules",
    "GuardEffect",
    "GuardRules",
    "ImportRules",
    "InboxRules",
    "InsightRules",
    "ListingRules",
    "OrderRules",
    "OutboundRules",
    "PenaltyRules",
    "ProbeRules",
    "Provenance",
    "PublishingRules",
    "ReachRules",
    "RulebookRules",
    "Rules",
    "SendingRules",
    "SessionRules",
    "SignInRules",
    "StorefrontRules",
]
