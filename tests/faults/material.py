"""Campaigns by the thousand in a few statements, and the proof that each was closed once."""

from __future__ import annotations

import json
import os
import statistics
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import transaction

from audit.actors import system
from audit.models import AuditEvent
from campaigns.models import Campaign, CampaignItem, Check, Closing, Kind
from campaigns.starting import start_now
from campaigns.tests.conftest import Shop
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from listings.models import LiveOffer
from tests import factories as make

#: `python -m benchmarks faults` sets it; `make test` runs small.
FULL = os.environ.get("FAULTS") == "full"


def size(small: int, full: int) -> int:
    """How many: bounded for every day, all of the bench for the benchmark."""
    return full if FULL else small


def report(fault: str, **figures: Any) -> None:
    """Hand what was measured to the benchmark, if one asked."""
    page = os.environ.get("FAULTS_REPORT")
    if page:
        with Path(page).open("a") as lines:
            lines.write(json.dumps({"fault": fault, **figures}) + "\n")


def lay_out(shop: Shop, number: int, *, ends: Sequence[datetime], now: datetime) -> list[Campaign]:
    """Running campaigns over the shop's SKUs; each takes the next of `ends` as its end.

    In one transaction: a worker that met them between being written and being started would close them before.
    """
    with in_store(shop.store.pk), transaction.atomic():
        rows = Campaign.objects.bulk_create(
            Campaign(
                store=shop.store, code=make.campaign_code(), kind=Kind.LIMITED_TIME_DISCOUNT, name=f"Campaign {n}", state="scheduled",
                starts_at=min(now, ends[n % len(ends)]) - timedelta(days=1), ends_at=ends[n % len(ends)], item_count=len(shop.skus),
                created_at=now, stacks=True,
            )
            for n in range(number)
        )  # fmt: skip
        CampaignItem.objects.bulk_create(
            CampaignItem(store=shop.store, campaign=row, sku=sku, listing_id=sku.listing_id, price=Decimal("18.90"))
            for row in rows
            for sku in shop.skus
        )
        start_now(rows, now=now, actor=system("test"))
    return rows


def count(state: str) -> int:
    """How many campaigns of all stores stand there."""
    with across_stores("the test looks at everything"):
        return Campaign.objects.filter(state=state).count()


def closed_once(campaigns: Sequence[Campaign]) -> None:
    """Every campaign was closed by the clock, and every effect of its close is there once. Nobody delivers the outbox meanwhile."""
    codes = [campaign.code for campaign in campaigns]
    with across_stores("the test looks at everything"):
        rows = Campaign.objects.filter(code__in=codes)
        assert Counter(rows.values_list("state", "version")) == {("ended", 4): len(codes)}
        closings = Counter(Closing.objects.filter(campaign__code__in=codes).values_list("campaign__code", flat=True))
        checks = Counter(Check.objects.filter(campaign__code__in=codes).values_list("campaign__code", flat=True))
        events = Counter(AuditEvent.objects.filter(object_id__in=codes).values_list("object_id", "action"))
        told = OutboxMessage.objects.filter(payload__event="campaign.ended", payload__code__in=codes)
        news = Counter(told.values_list("payload__code", flat=True))
        assert not LiveOffer.objects.filter(campaign_code__in=codes, active=True).exists()
    once = Counter(codes)
    assert closings == once
    assert news == once
    assert checks == Counter(dict.fromkeys(codes, 3))
    for action in ("campaign.reach_end", "campaign.end"):
        assert Counter({code: n for (code, name), n in events.items() if name == action}) == once, action


def lateness(campaigns: Sequence[Campaign], grace: timedelta) -> dict[str, float]:
    """Seconds between when each campaign was to be closed and when the record says it was."""
    due = {campaign.code: campaign.ends_at + grace for campaign in campaigns}
    with across_stores("the test looks at everything"):
        rows = AuditEvent.objects.filter(action="campaign.end", object_id__in=list(due)).values_list("object_id", "at")
        late = sorted((at - due[code]).total_seconds() for code, at in rows)
    return {
        "least": late[0], "p50": statistics.median(late), "p99": late[int(len(late) * 0.99) - 1], "worst": late[-1],
    }  # fmt: skip
