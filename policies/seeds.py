"""The versions that the product ships with. Safe to repeat: a version that is there is never changed.

A new rule set: one line here. A new version of one: another line with a later date, and only the values that differ.
They are written after each `migrate`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections

from policies import rules
from policies.force import read_again
from policies.models import RuleSet
from policies.rules.base import Rules

MARKETING_RULES = "速卖通营销活动规则 V5.3.1"
COUPON_GUIDE = "Coupon Configuration Guide v3.2"
HOUSE = ""

MARCH_2024 = datetime(2024, 3, 1, tzinfo=UTC)
#: Limits of our own have always been in force: no decision is older than they.
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Seed:
    """One version of one rule set, as shipped."""

    rules: Rules
    version: str
    title: str
    title_zh: str
    source: str
    valid_from: datetime

    def row(self) -> RuleSet:
        """The row to insert."""
        values: dict[str, Any] = self.rules.model_dump(mode="json")
        return RuleSet(
            key=self.rules.key, version=self.version, title=self.title, title_zh=self.title_zh, source=self.source,
            valid_from=self.valid_from, values=values,
        )  # fmt: skip


def _house(model: type[Rules], title: str, title_zh: str) -> Seed:
    return Seed(model(), "1", title, title_zh, HOUSE, ALWAYS)


SEEDS: tuple[Seed, ...] = (
    Seed(rules.GuardRules(), "before V5.3.1", "Marketing campaign rules", "营销活动规则", HOUSE, ALWAYS),
    Seed(rules.GuardRules(), "V5.3.1", "Marketing campaign rules", "速卖通营销活动规则", MARKETING_RULES, MARCH_2024),
    _house(rules.ClosingRules, "Closing campaigns", "活动关闭规则"),
    _house(rules.RulebookRules, "Changing rules", "规则变更规则"),
    _house(rules.ConflictRules, "Conflict diagnosis", "活动诊断规则"),
    _house(rules.CampaignRules, "Campaign limits", "活动限额"),
    _house(rules.DashboardRules, "Dashboard", "工作台规则"),
    _house(rules.ListingRules, "Listing limits", "商品限额"),
    _house(rules.ImportRules, "Import limits", "导入限额"),
    _house(rules.OrderRules, "Order limits", "订单限额"),
    _house(rules.FinanceRules, "Marketing deposits", "营销保证金规则"),
    Seed(rules.PenaltyRules(), "before V5.3.1", "Penalties", "处罚规则", HOUSE, ALWAYS),
    Seed(rules.PenaltyRules(), "V5.3.1", "Penalties for violations", "商家违规处罚规则", MARKETING_RULES, MARCH_2024),
    Seed(rules.CouponRules(), "v3.2", "Coupon rules", "优惠券规则", COUPON_GUIDE, ALWAYS),
    _house(rules.EffectWatchRules, "Effect warning", "券效预警规则"),
    _house(rules.ReachRules, "Costs and reach of coupons", "优惠券成本与触达规则"),
    _house(rules.SendingRules, "Sending coupons", "优惠券发送规则"),
    _house(rules.PublishingRules, "Publishing", "发布规则"),
    _house(rules.ProbeRules, "Reading public pages", "前台核实规则"),
    _house(rules.StorefrontRules, "Public pages and checkout", "店铺前台与下单规则"),
    _house(rules.InsightRules, "Business analytics", "数据纵横规则"),
    _house(rules.BrowserRules, "Supported browsers", "浏览器支持"),
    _house(rules.OutboundRules, "Outbound calls", "外部调用规则"),
    _house(rules.ApiRules, "API limits", "接口限额"),
    _house(rules.SignInRules, "Sign-in limits", "登录限额"),
    _house(rules.SessionRules, "Sessions", "会话规则"),
    _house(rules.AuditRules, "Audit log", "审计规则"),
    _house(rules.InboxRules, "Messages", "消息规则"),
)

#: Every rule set by its key, in the order in which they are shipped.
MODELS: dict[str, type[Rules]] = {seed.rules.key: type(seed.rules) for seed in SEEDS}


def plant(using: str = "default") -> None:
    """Insert the versions that are missing; those that are there stay as they are."""
    if RuleSet._meta.db_table not in connections[using].introspection.table_names():
        return
    RuleSet.objects.using(using).bulk_create([seed.row() for seed in SEEDS], ignore_conflicts=True)
    if using == DEFAULT_DB_ALIAS:
        read_again()
