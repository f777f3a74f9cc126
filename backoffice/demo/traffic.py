"""What the demo's storefronts count: impressions, clicks and carts, reported now and then by the product's own verb; some ad spend."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

from accounts.models import Store
from backoffice.demo.film import Film
from backoffice.demo.stage import OWNER, acting
from campaigns.models import Campaign, CampaignItem, CampaignState
from core import clock, display
from core.scopes import in_store
from insights.events import take_events
from insights.models import CampaignFigures
from insights.spending import record_spend

#: Days before the premiere on which a report comes in; each covers the time since the one before.
REPORTS = (16.0, 11.0, 5.96, 1.96, 0.01)
_STEP = timedelta(hours=6)
_GOODS = 4
_SEED = 2026


def report_on(film: Film, store: Store) -> None:
    """Add the reports of a store's storefront to the film."""
    since = film.premiere - timedelta(days=30)
    for age in REPORTS:
        until = film.premiere - timedelta(days=age)
        film.after(_scene(store, since, until), until)
        since = until


def _scene(store: Store, since: datetime, until: datetime) -> Any:
    def run() -> None:
        with in_store(store.pk):
            _report(store, since, until)

    return run


def _report(store: Store, since: datetime, until: datetime) -> None:
    rows: list[dict[str, Any]] = []
    sealed = CampaignFigures.objects.filter(store=store).values_list("campaign_id", flat=True)
    quiet = (CampaignState.DRAFT, CampaignState.IN_REVIEW, CampaignState.REJECTED, CampaignState.SCHEDULED)
    in_force = Campaign.objects.filter(store=store, starts_at__lt=until, ends_at__gt=since).exclude(state__in=quiet)
    for campaign in in_force.exclude(pk__in=sealed).order_by("pk"):
        first = max(since, campaign.starts_at)
        last = min(until, campaign.closed_at or campaign.paused_at or campaign.ends_at, campaign.ends_at)
        if first >= last:
            continue
        rows += _events(campaign, first, last)
        _spend(store, campaign, first, last)
    if rows:
        take_events(store, rows, actor=acting(OWNER))


def _events(campaign: Campaign, first: datetime, last: datetime) -> list[dict[str, Any]]:
    dice = random.Random(f"{_SEED} {campaign.name} {first.day}")  # noqa: S311 - the demo must be the same every time
    skus: list[str | None] = list(
        CampaignItem.objects.filter(campaign=campaign).order_by("id").values_list("sku__code", flat=True)[:_GOODS]
    )
    rows = []
    moment = first
    while moment < last:
        for sku in skus or [None]:
            seen = dice.randrange(40, 160)
            opened = round(seen * dice.uniform(0.03, 0.08))
            counted = {"impression": seen, "click": opened, "add_to_cart": round(opened * dice.uniform(0.1, 0.4))}
            rows += [
                {"kind": kind, "campaign": campaign.code, "sku": sku, "at": clock.rfc3339(moment), "count": count}
                for kind, count in counted.items()
                if count
            ]
        moment += _STEP
    return rows


def _spend(store: Store, campaign: Campaign, first: datetime, last: datetime) -> None:
    """Half of the campaigns are advertised."""
    dice = random.Random(f"{_SEED} {campaign.name}")  # noqa: S311 - demo figures, the same at each load
    if dice.random() < 0.5:
        return
    zone = display.zone(store.time_zone)
    day, end = first.astimezone(zone).date(), last.astimezone(zone).date()
    rows = []
    while day <= end:
        rows.append({"day": f"{day:%Y-%m-%d}", "amount": f"{dice.uniform(0.8, 3.2):.2f}"})
        day += timedelta(days=1)
    record_spend(store, campaign.code, rows, actor=acting(OWNER))
