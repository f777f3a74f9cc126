"""The guards of the business: what the platform, the logistics and price promises, partners and debts forbid (R21-R23, R25, R29, R31).

Each looks at all campaigns of a case at once and asks the database once, or not at all when none of them made the promise in question.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import connection
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

import policies
from campaigns import affiliates
from campaigns.guards import Case, Finding, guard
from campaigns.models import Campaign, CampaignState, Kind
from campaigns.outcomes import Fix
from core import clock, display, money
from finance import deposits
from orders import fulfilment
from policies.rules import GuardRules, OrderRules

S = CampaignState
#: From submit to the end, in review or live; a draft, and what is over, is not the platform's.
LOCKED = (S.IN_REVIEW, S.SCHEDULED, S.RUNNING, S.PAUSED, S.CANCELLING)


@guard("ERR_CLOSE_PLATFORM_LOCKED", _("Not locked by a platform promotion"), queries=False)
def platform_unlocked(case: Case) -> Mapping[int, Finding]:
    """R21: an enrolment with the platform, in review or live, is not closed by hand."""
    return {
        campaign.pk: Finding(
            _now("It is enrolled in a platform promotion (%(venue)s) and is “%(state)s”; it stays until %(moment)s.")
            % {
                "venue": campaign.venue or "—",
                "state": campaign.get_state_display(),
                "moment": display.sentence(campaign.ends_at, display.zone(case.store.time_zone)),
            },
            {"venue": campaign.venue, "state": campaign.state, "until": clock.rfc3339(campaign.ends_at)},
            _ask_staff(campaign, case),
        )
        for campaign in case.campaigns
        if campaign.kind == Kind.PLATFORM_PROMOTION and campaign.state in LOCKED
    }


@guard("ERR_CLOSE_PLATFORM_ENFORCED", _("Not enforced by the platform"), queries=False)
def platform_not_enforced(case: Case) -> Mapping[int, Finding]:
    """R25: 平台强制执行中."""
    return {
        campaign.pk: Finding(
            _now("The platform enforces this campaign until %(moment)s.")
            % {"moment": display.sentence(campaign.ends_at, display.zone(case.store.time_zone))},
            {"platform_enforced": True, "until": clock.rfc3339(campaign.ends_at)},
            _ask_staff(campaign, case),
        )
        for campaign in case.campaigns
        if campaign.platform_enforced
    }


def _ask_staff(campaign: Campaign, case: Case) -> Fix:
    """What is the platform's, only its staff can undo: the campaign's page has what they ask for."""
    url = reverse("campaigns:detail", kwargs={"store": case.store.slug, "code": campaign.code})
    return Fix(_("See the campaign, then ask platform staff"), url)


@guard("ERR_CLOSE_FULFILMENT_STARTED", _("No guaranteed order is being fulfilled"))
def fulfilment_not_started(case: Case) -> Mapping[int, Finding]:
    """R22: bound to a cross-border logistics guarantee, and some order has a fulfilment number."""
    bound = [campaign for campaign in case.campaigns if campaign.logistics_guarantee]
    if not bound:
        return {}
    shown = policies.active(GuardRules, case.now).evidence_shown
    found = fulfilment.started(case.store, [campaign.code for campaign in bound], shown=shown)
    return {
        campaign.pk: Finding(
            ngettext(
                "A logistics guarantee is bound, and %(shown)s order has a fulfilment number: %(orders)s.",
                "A logistics guarantee is bound, and %(shown)s orders have fulfilment numbers: %(orders)s.",
                found[campaign.code].orders,
            )
            % {
                "shown": display.number(found[campaign.code].orders),
                "orders": display.series([*found[campaign.code].sample, *_more(found[campaign.code].orders, shown)]),
            },
            {"orders": found[campaign.code].orders, "sample": list(found[campaign.code].sample)},
            Fix(
                _("See these orders"),
                reverse("orders:list", kwargs={"store": case.store.slug}) + f"?campaign={campaign.code}&fulfilled=on",
            ),
        )
        for campaign in bound
        if campaign.code in found
    }


def _more(count: int, shown: int) -> list[str]:
    return ["…"] if count > shown else []


#: Per campaign over its SKUs on sale: how many, how many never sold in the window, how many sold only above the campaign price, and the
#: worst of those. Where the campaign discounts the order, the price before order discounts counts.
_PROTECTED = """
    SELECT campaign_id, count(*), count(*) FILTER (WHERE deal IS NULL), count(*) FILTER (WHERE deal > price),
        (array_agg(ARRAY[sku, deal::text, price::text] ORDER BY deal - price DESC, sku) FILTER (WHERE deal > price))[:%(shown)s],
        min(currency)
    FROM (
        SELECT i.campaign_id, s.code AS sku, s.currency, COALESCE(i.price, s.sale_price) AS price, min(d.price) AS deal
        FROM campaigns_campaignitem AS i
        JOIN listings_sku AS s ON s.id = i.sku_id
        JOIN listings_listing AS l ON l.id = i.listing_id AND l.state = 'on_sale'
        LEFT JOIN orders_lowestdeal AS d ON d.sku_id = i.sku_id AND d.at >= %(since)s
        WHERE i.campaign_id = ANY(%(ids)s) AND i.ended_at IS NULL
            AND (cardinality(%(only)s::bigint[]) = 0 OR i.sku_id = ANY(%(only)s))
        GROUP BY i.campaign_id, i.price, s.id
    ) AS sold GROUP BY campaign_id
"""


@dataclass(frozen=True, slots=True)
class Protected:
    """How the lowest deal prices of a campaign's SKUs on sale compare with its prices; `worst` is (SKU, lowest deal, campaign price)."""

    checked: int
    without_deal: int
    above: int
    worst: tuple[tuple[str, Decimal, Decimal], ...]
    currency: str


def protected_prices(case: Case, campaigns: Sequence[Campaign]) -> dict[int, Protected]:
    """Compare for many campaigns with one query. Raises RuntimeError when the policy's window is longer than deals are remembered."""
    rules = policies.active(GuardRules, case.now)
    if rules.lowest_deal_days > policies.active(OrderRules, case.now).deal_memory_days:
        raise RuntimeError("the window of the lowest deal price is longer than deals are remembered")
    since = case.now - timedelta(days=rules.lowest_deal_days)
    given: dict[str, Any] = {
        "ids": [row.pk for row in campaigns],
        "only": list(case.only_skus),
        "since": since,
        "shown": rules.evidence_shown,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PROTECTED, given)
        return {
            pk: Protected(
                checked,
                without,
                above,
                tuple((sku, Decimal(deal), Decimal(price)) for sku, deal, price in worst or ()),
                currency,
            )
            for pk, checked, without, above, worst, currency in cursor.fetchall()
        }


@guard("ERR_CLOSE_PRICE_PROTECTED", _("Price Protection kept"))
def price_protection_kept(case: Case) -> Mapping[int, Finding]:
    """R23, R181, literally: every SKU on sale must have sold in the window at or below the campaign price; one never sold only warns."""
    promised = [campaign for campaign in case.campaigns if campaign.price_protected]
    if not promised:
        return {}
    found = protected_prices(case, promised)
    return {
        campaign.pk: _protected_finding(campaign, found[campaign.pk], case)
        for campaign in promised
        if campaign.pk in found
    }


def _protected_finding(campaign: Campaign, found: Protected, case: Case) -> Finding:
    rules = policies.active(GuardRules, case.now)
    evidence: dict[str, Any] = {
        "days": rules.lowest_deal_days,
        "skus_on_sale": found.checked,
        "above": found.above,
        "without_deal": found.without_deal,
        "currency": found.currency,
        "skus": [
            {
                "sku": sku,
                "lowest_deal": money.text(deal, found.currency),
                "campaign_price": money.text(price, found.currency),
            }
            for sku, deal, price in found.worst
        ],
    }
    if found.above:
        pairs = [
            f"{sku} {display.money(deal, found.currency)} > {display.money(price, found.currency)}"
            for sku, deal, price in found.worst
        ]
        return Finding(
            ngettext(
                "The lowest deal price of the last %(days)s days is above the campaign price for %(shown)s SKU: %(pairs)s.",
                "The lowest deal price of the last %(days)s days is above the campaign price for %(shown)s SKUs: %(pairs)s.",
                found.above,
            )
            % {
                "days": rules.lowest_deal_days,
                "shown": display.number(found.above),
                "pairs": display.series([*pairs, *_more(found.above, rules.evidence_shown)]),
            },
            evidence,
            Fix(
                _("Compare the prices"),
                reverse("campaigns:items", kwargs={"store": case.store.slug, "code": campaign.code}),
            ),
        )
    if found.without_deal:
        return Finding(
            ngettext(
                "%(shown)s SKU was not sold in the last %(days)s days, so there is no deal price to compare.",
                "%(shown)s SKUs were not sold in the last %(days)s days, so there is no deal price to compare.",
                found.without_deal,
            )
            % {"days": rules.lowest_deal_days, "shown": display.number(found.without_deal)},
            evidence,
            status="warning",
        )
    return Finding(
        _now("Every SKU on sale was sold in the last %(days)s days at or below the campaign price.")
        % {"days": rules.lowest_deal_days},
        evidence,
        status="passed",
    )


@guard("ERR_CLOSE_AFFILIATE_ACTIVE", _("No affiliate plan running"))
def no_affiliate_running(case: Case) -> Mapping[int, Finding]:
    """R29, R33: the plan is paused first."""
    rules = policies.active(GuardRules, case.now)
    found = affiliates.running(case.store, [campaign.pk for campaign in case.campaigns], shown=rules.evidence_shown)
    url = reverse("campaigns:affiliates", kwargs={"store": case.store.slug})
    return {
        pk: Finding(
            ngettext(
                "%(shown)s affiliate plan still runs: %(names)s.",
                "%(shown)s affiliate plans still run: %(names)s.",
                plans.plans,
            )
            % {
                "shown": display.number(plans.plans),
                "names": display.series([*plans.names, *_more(plans.plans, rules.evidence_shown)]),
            },
            {
                "plans": plans.plans,
                "running": [{"id": id_, "name": name} for id_, name in zip(plans.ids, plans.names, strict=True)],
            },
            Fix(_("Pause the plan in the affiliate centre"), url),
        )
        for pk, plans in found.items()
    }


@guard("ERR_CLOSE_DEPOSIT_ARREARS", _("Marketing deposit paid"))
def deposit_paid(case: Case) -> Mapping[int, Finding]:
    """R31."""
    owed = deposits.arrears(case.store)
    if not owed:
        return {}
    amounts = display.series(display.money(amount, currency) for currency, amount in owed.items())
    return case.all_alike(
        Finding(
            _now("The store owes marketing deposit: %(amounts)s.") % {"amounts": amounts},
            {
                "arrears": [
                    {"currency": currency, "amount": money.text(amount, currency)} for currency, amount in owed.items()
                ]
            },
            Fix(_("Pay the deposit"), reverse("finance:deposit", kwargs={"store": case.store.slug})),
        )
    )
