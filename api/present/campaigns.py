"""Campaigns, and the report of a close."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from api.fields import write_moment
from campaigns import bulk as jobs
from campaigns.checking import warnings_of
from campaigns.forecasting import Forecast
from campaigns.models import BulkJob, Campaign, CampaignItem, Check, Closing, Leftover
from campaigns.report import differences_of
from core import clock, money
from policies import timing

_KEPT_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?\+00:00", re.ASCII)
_STEP = ("key", "state", "done", "total", "finished_at", "evidence")


def rows(campaigns: Sequence[Campaign]) -> list[dict[str, Any]]:
    """Campaigns in a list: no query more."""
    return [_row(campaign) for campaign in campaigns]


def one(campaign: Campaign) -> dict[str, Any]:
    """One campaign with its items and what deserves a look."""
    warnings = [warning.as_dict() for warning in warnings_of(campaign, clock.now())]
    return _row(campaign) | {"items": _items(campaign), "warnings": warnings}


def _row(campaign: Campaign) -> dict[str, Any]:
    closes_at = campaign.closed_at or campaign.ends_at + timing.expiry_grace()
    return {
        "code": campaign.code,
        "kind": campaign.kind,
        "name": campaign.name,
        "name_zh": campaign.name_zh,
        "state": campaign.state,
        "starts_at": write_moment(campaign.starts_at),
        "ends_at": write_moment(campaign.ends_at),
        "closes_at": write_moment(closes_at),
        "started_at": write_moment(campaign.started_at),
        "paused_at": write_moment(campaign.paused_at),
        "take_back_until": write_moment(campaign.cancel_final_at) if campaign.state == "cancelling" else None,
        "item_count": campaign.item_count,
        "rules": campaign.rules,
        "price_protected": campaign.price_protected,
        "logistics_guarantee": campaign.logistics_guarantee,
        "min_items": campaign.min_items,
        "stacks": campaign.stacks,
        "platform_enforced": campaign.platform_enforced,
        "submitted_at": write_moment(campaign.submitted_at),
        "review": _review(campaign),
        "version": campaign.version,
    }


def _review(campaign: Campaign) -> dict[str, Any] | None:
    if campaign.reviewed_at is None:
        return None
    decided_at = write_moment(campaign.reviewed_at)
    return {"decided_at": decided_at, "reason": campaign.review_reason, "note": campaign.review_note}


def prices(found: Sequence[Forecast]) -> list[dict[str, Any]]:
    """What buyers pay at a moment; no query."""
    return [
        {
            "sku": row.item.sku.code,
            "currency": row.item.sku.currency,
            "sale_price": money.text(row.price.sale_price, row.item.sku.currency),
            "unit_price": money.text(row.price.unit_price, row.item.sku.currency),
            "campaigns": [offer.campaign for offer in row.price.winner.offers] if row.price.winner else [],
            "order_campaigns": row.order_campaigns,
        }
        for row in found
    ]


def _items(campaign: Campaign) -> list[dict[str, Any]]:
    found = CampaignItem.objects.filter(campaign=campaign).order_by("id")
    return [
        {
            "sku": sku,
            "price": None if price is None else money.text(price, currency),
            "currency": currency,
            "ended_at": write_moment(ended_at),
        }
        for sku, price, currency, ended_at in found.values_list("sku__code", "price", "sku__currency", "ended_at")
    ]


def bulk(job: BulkJob) -> dict[str, Any]:
    """What became of a bulk job, row by row; an error always has its blockers, be they none. Two queries at most."""
    rows = [
        {"code": row["code"], "result": row["result"], "error": row["error"] and {"blockers": [], **row["error"]}}
        for row in jobs.results(job)
    ]
    frozen = jobs.frozen_of(job)
    return {"results": rows, "frozen": {"coupons": frozen.coupons, "claimed_unused": frozen.claims}}


def closing(found: Closing, prices: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """The report of a close; `prices` are the SKUs whose sale price waits for a decision. Two queries."""
    return {
        "closed_at": write_moment(found.closed_at),
        "close_kind": found.close_kind,
        "forecast": found.forecast,
        "result": found.result,
        "differences": [
            {name: row[name] for name in ("key", "forecast", "result", "why")} for row in differences_of(found)
        ],
        "steps": [{name: _in_utc(step.get(name)) for name in _STEP} for step in found.steps],
        "checks": _checks(found),
        "prices_to_review": list(prices),
    }


def _in_utc(value: Any) -> Any:
    """The same with its times as the API writes them; a report keeps them as Python does."""
    if isinstance(value, dict):
        return {name: _in_utc(inner) for name, inner in value.items()}
    if isinstance(value, str) and _KEPT_TIME.fullmatch(value):
        return write_moment(datetime.fromisoformat(value))
    return value


def _checks(found: Closing) -> list[dict[str, Any]]:
    """What each client saw on each site, check by check, with the leftovers that were there at the time."""
    checks = Check.objects.filter(closing=found, started_at__isnull=False).order_by("due_at", "id")
    leftovers = list(
        Leftover.objects.filter(campaign_id=found.campaign_id).select_related("site").order_by("id")[:1000]
    )
    return [
        {
            "at": write_moment(check.finished_at or check.started_at),
            "site": seen["site"],
            "client": seen["client"],
            "state": seen["state"],
            "leftovers": [_leftover(one) for one in leftovers if _seen_by(one, check, seen)],
        }
        for check in checks
        for seen in check.results
    ]


def _seen_by(one: Leftover, check: Check, seen: dict[str, Any]) -> bool:
    if one.site.code != seen["site"] or one.client != seen["client"]:
        return False
    began, ended = check.started_at, check.finished_at
    return (ended is None or one.first_seen_at <= ended) and (began is None or one.last_seen_at >= began)


def _leftover(one: Leftover) -> dict[str, Any]:
    return {
        "listing": one.listing_id,
        "what": one.what,
        "page": one.page_url,
        "excerpt": one.excerpt,
        "first_seen_at": write_moment(one.first_seen_at),
        "last_seen_at": write_moment(one.last_seen_at),
        "cleared_at": write_moment(one.cleared_at),
    }
