"""Live campaigns that do no good any more (R11), and what a live one puts at stake: ad spend, stock, return (R12)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import policies
from accounts.models import Store
from campaigns.kinds import SPECS
from campaigns.models import Campaign, CampaignState
from core import clock, money
from insights import measuring
from insights.formulas import ZERO, Figures
from policies.rules import InsightRules

REASONS: dict[str, str | Promise] = {
    "no_orders": _("No orders for a long time"),
    "paused_long": _("Paused for a long time"),
    "sold_out": _("Every SKU is sold out"),
    "low_roi": _("Costs more than it brings in"),
}
_STOCK = """
    SELECT i.campaign_id, count(*), sum(greatest(s.stock - s.reserved, 0))::bigint,
        count(*) FILTER (WHERE s.stock - s.reserved <= 0),
        sum(greatest(s.stock - s.reserved, 0) * greatest(s.sale_price - i.price, 0)) FILTER (WHERE s.currency = t.currency)
    FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id JOIN accounts_store t ON t.id = i.store_id
    WHERE i.campaign_id = ANY(%s) AND i.ended_at IS NULL GROUP BY 1
"""
# Cheap enough for every visit of the dashboard: stops at the first order of a campaign, and at the limit.
_QUIET = """
    SELECT count(*) FROM (
        SELECT FROM campaigns_campaign c
        WHERE c.store_id = %(store)s AND c.state = 'running' AND c.kind = ANY(%(kinds)s)
            AND coalesce(c.started_at, c.starts_at) <= %(since)s AND NOT EXISTS (
                SELECT FROM orders_orderline n
                WHERE n.store_id = c.store_id AND n.campaign_code = c.code AND n.campaign_code <> '' AND n.placed_at > %(since)s
            ) AND NOT (c.stacks AND EXISTS (
                SELECT FROM orders_order o
                WHERE o.store_id = c.store_id AND (o.snapshot -> 'campaigns') ? c.code AND o.placed_at > %(since)s
            ))
        LIMIT %(limit)s
    ) AS found
"""


@dataclass(frozen=True, slots=True)
class Stock:
    """What a live campaign puts at stake: units on sale at its price, what they would give away in the store's currency, SKUs with nothing
    left.
    """

    skus: int = 0
    units: int = 0
    sold_out: int = 0
    given_away: Decimal = ZERO


@dataclass(frozen=True, slots=True)
class StaleCampaign:
    """A live campaign and why it is on the list."""

    campaign: Campaign
    reasons: tuple[str, ...]
    figures: Figures
    stock: Stock

    @property
    def words(self) -> list[str]:
        """The reasons in words."""
        return [str(REASONS[reason]) for reason in self.reasons]

    def as_dict(self) -> dict[str, Any]:
        """As the API answers it."""
        figures, last = self.figures, self.figures.last_order_at
        return {
            "code": self.campaign.code,
            "name": self.campaign.name,
            "state": str(self.campaign.state),
            "reasons": list(self.reasons),
            "last_order_at": clock.rfc3339(last) if last else None,
            "currency": figures.currency,
            "roi": None if figures.roi is None else float(figures.roi),
            "ad_spend": money.text(figures.ad_spend, figures.currency),
            "stock_at_risk": self.stock.units if self.campaign.state == CampaignState.RUNNING else 0,
            "sold_out": self.stock.sold_out,
        }


def stock_of(campaign_ids: Sequence[int]) -> dict[int, Stock]:
    """What these campaigns put at stake, by id; one statement."""
    with connection.cursor() as cursor:
        cursor.execute(_STOCK, [list(campaign_ids)])
        return {
            pk: Stock(skus, units or 0, sold_out, value or ZERO)
            for pk, skus, units, sold_out, value in cursor.fetchall()
        }


def quiet(store_id: int, *, now: datetime, limit: int) -> int:
    """How many running campaigns have had no order for `stale_days`, counting no further than `limit`; one statement."""
    since = now - timedelta(days=policies.active(InsightRules, now).stale_days)
    kinds = [key for key, spec in SPECS.items() if spec.item_prices]
    with connection.cursor() as cursor:
        cursor.execute(_QUIET, {"store": store_id, "kinds": kinds, "since": since, "limit": limit})
        (count,) = cursor.fetchone()
    return int(count)


def of(store: Store, *, now: datetime) -> list[StaleCampaign]:
    """The store's stale campaigns, the most doubtful first; the same few statements for any number of live campaigns."""
    rules = policies.active(InsightRules, now)
    live = list(
        Campaign.objects.filter(store=store, state__in=[CampaignState.RUNNING, CampaignState.PAUSED])
        .defer("rules")
        .order_by("id")
    )
    ids = [campaign.pk for campaign in live]
    figures = measuring.count(dict.fromkeys(ids, store.currency), [store.pk]) if ids else {}
    stock = stock_of(ids) if ids else {}
    found = []
    for campaign in live:
        one = StaleCampaign(campaign, (), figures[campaign.pk], stock.get(campaign.pk, Stock()))
        if reasons := tuple(_reasons(one, rules, now)):
            found.append(StaleCampaign(campaign, reasons, one.figures, one.stock))
    found.sort(key=lambda one: (-len(one.reasons), -one.figures.ad_spend, one.campaign.starts_at, one.campaign.pk))
    return found[: rules.stale_rows]


def _reasons(one: StaleCampaign, rules: InsightRules, now: datetime) -> Iterable[str]:
    campaign, figures = one.campaign, one.figures
    if campaign.state == CampaignState.PAUSED:
        if campaign.paused_at and campaign.paused_at <= now - timedelta(days=rules.stale_paused_days):
            yield "paused_long"
        return
    quiet_since = figures.last_order_at or campaign.started_at or campaign.starts_at
    if quiet_since <= now - timedelta(days=rules.stale_days):
        yield "no_orders"
    if one.stock.skus and one.stock.sold_out == one.stock.skus:
        yield "sold_out"
    if figures.roi is not None and float(figures.roi) < rules.stale_roi:
        yield "low_roi"
