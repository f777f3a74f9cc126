"""The patrol: public pages of everything that was ever closed are read in turn, a few at a time, for what should be gone (R43, R145).

Checks end some hours after a close. A cache, a restored backup or a merchant's own server may bring an old promotion back weeks later;
nobody would look. So pages of listings that were in a closed campaign are read for ever, as long as no check has to be made. What is found
becomes a leftover like any other: cleared, published again, looked at again, told when it stays.

The place reached is kept with the patrol's beat. Losing it is harmless: it begins anew.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

import policies
from campaigns import check_plan, finding, leftovers
from campaigns.checks import seat
from campaigns.comparing import PRICE, TAG, Suspect
from campaigns.edges import CLOSED
from campaigns.hunting import closings_of
from campaigns.models import Campaign, Check, CheckState, Closing, Occasion
from core import clock
from core.heartbeat import beat
from core.models import Heartbeat
from core.scopes import across_stores
from policies import timing
from policies.rules import ClosingRules, ProbeRules
from publishing.addresses import PageAddress, pages_of
from publishing.probe import PageReading, visit_each

logger = logging.getLogger(__name__)

HEARTBEAT = "campaigns.patrol"
#: The patrol's own seat among the readers of pages: one turn at a time in the whole installation.
SEAT = 1000

# Driven by the items' index on the listing, so that a turn costs what it reads, however large the catalogue is.
_LISTINGS = """
    SELECT DISTINCT i.listing_id, i.store_id FROM campaigns_campaignitem i JOIN campaigns_campaign c ON c.id = i.campaign_id
    WHERE i.listing_id > %(at)s AND c.state = ANY(%(closed)s) AND c.closed_at < %(before)s
    ORDER BY i.listing_id LIMIT %(limit)s
"""
# A price is a leftover when a closed campaign asked it and nothing may ask it now; the latest such campaign is named.
_PRICES = """
    SELECT DISTINCT ON (v.n) v.n, i.campaign_id
    FROM unnest(%(numbers)s::int[], %(skus)s::text[], %(currencies)s::text[], %(prices)s::numeric[]) AS v(n, sku, currency, price)
    JOIN listings_sku s ON s.store_id = %(store)s AND s.code = v.sku AND s.currency = v.currency AND s.sale_price <> v.price
    JOIN campaigns_campaignitem i ON i.sku_id = s.id AND i.price = v.price
    JOIN campaigns_campaign c ON c.id = i.campaign_id AND c.state = ANY(%(closed)s) AND c.closed_at < %(before)s
    WHERE NOT EXISTS (
        SELECT FROM listings_liveoffer o
        WHERE o.sku_id = s.id AND o.active AND o.starts_at <= %(now)s AND o.ends_at > %(now)s AND o.price = v.price)
    ORDER BY v.n, c.closed_at DESC
"""


@dataclass
class _Turn:
    """What one turn came to."""

    read: int = 0
    failed: int = 0
    found: int = 0


def run() -> int:
    """Read the next pages of closed campaigns, when no check is due and the last turn is long enough ago; answers how many were read."""
    now = clock.read()
    rules = policies.active(ClosingRules, now)
    last = Heartbeat.objects.filter(name=HEARTBEAT).first()
    if last is not None and now - last.beat_at < timedelta(seconds=rules.patrol_period):
        return 0
    with seat([SEAT]) as seated, across_stores("the patrol reads the pages of every store"):
        if not seated or not rules.patrol_listings or _checks_wait(now):
            return 0
        known: dict[str, Any] = dict(last.detail) if last is not None else {}
        listings = _next_listings(int(known.get("at", 0)), now, rules)
        rounds = int(known.get("round", 0))
        turn = _walk(listings, rounds, now)
        at = listings[-1][0] if len(listings) == rules.patrol_listings else 0
    beat(HEARTBEAT, at=at, round=rounds + (at == 0), read=turn.read, failed=turn.failed, found=turn.found)
    return turn.read


def _checks_wait(now: datetime) -> bool:
    return Check.objects.filter(Q(state=CheckState.RUNNING) | Q(state=CheckState.PENDING, due_at__lte=now)).exists()


def _next_listings(at: int, now: datetime, rules: ClosingRules) -> list[tuple[int, int]]:
    """The next (listing, store) behind `at` that were in a campaign closed long enough ago."""
    given = {"at": at, "limit": rules.patrol_listings, **_closed(now)}
    with connection.cursor() as cursor:
        cursor.execute(_LISTINGS, given)
        return list(cursor.fetchall())


def _closed(now: datetime) -> dict[str, Any]:
    return {"closed": sorted(CLOSED), "before": now - timing.verification_limit(), "now": now}


def _walk(listings: Sequence[tuple[int, int]], rounds: int, now: datetime) -> _Turn:
    by_store: dict[int, list[int]] = {}
    for listing_id, store_id in listings:
        by_store.setdefault(store_id, []).append(listing_id)
    clients = policies.active(ProbeRules, now).clients
    turn = _Turn()
    for store_id, ids in by_store.items():

        def noted(readings: Sequence[PageReading], store_id: int = store_id) -> None:
            good = [reading for reading in readings if not reading.error]
            turn.read += len(good)
            turn.failed += len(readings) - len(good)
            turn.found += _note(store_id, good, clock.read())

        pages = pages_of(store_id, ids)
        visit_each(((page, _client(page, rounds, clients)) for page in pages), on_batch=noted, now=now)
    return turn


def _client(page: PageAddress, rounds: int, clients: Sequence[str]) -> str:
    """Each round another client reads a page."""
    return clients[(page.listing_id + page.site_id + rounds) % len(clients)]


def _note(store_id: int, readings: Sequence[PageReading], now: datetime) -> int:
    """Keep what these pages show of closed campaigns, clear it, and plan the look again; answers how many leftovers."""
    found = _suspects(store_id, readings, now)
    if not found:
        return 0
    with transaction.atomic():
        campaigns = {
            row.pk: row for row in finding.locked(Campaign.objects.filter(pk__in=found, state__in=sorted(CLOSED)))
        }
        for pk, campaign in campaigns.items():
            leftovers.note(campaign, found[pk], (), now=now)
        leftovers.clear(list(campaigns.values()), now=now)
        _look_again(campaigns, found, now)
    logger.warning("the patrol found leftovers of %s closed campaigns in store %s", len(campaigns), store_id)
    return sum(len(found[pk]) for pk in campaigns)


def _suspects(store_id: int, readings: Sequence[PageReading], now: datetime) -> dict[int, list[Suspect]]:
    """What the pages show of campaigns that were closed long enough ago, by campaign; two queries at most."""
    found: dict[int, list[Suspect]] = {}
    codes = {tag for reading in readings for tag in reading.tags}
    closed = _closed(now)
    ids = {}
    if codes:
        rows = Campaign.objects.filter(
            store_id=store_id, code__in=codes, state__in=closed["closed"], closed_at__lt=closed["before"]
        )
        ids = dict(rows.values_list("code", "id"))
    for reading in readings:
        for code in reading.tags & ids.keys():
            found.setdefault(ids[code], []).append(Suspect.on(reading, TAG))
    offers = [(reading, offer) for reading in readings for offer in reading.offers]
    for number, campaign_id in _wrong_prices(store_id, [offer for _reading, offer in offers], closed):
        reading, offer = offers[number]
        found.setdefault(campaign_id, []).append(Suspect.on(reading, PRICE, offer.sku, offer.price))
    return found


def _wrong_prices(store_id: int, offers: Sequence[Any], closed: dict[str, Any]) -> list[tuple[int, int]]:
    if not offers:
        return []
    given = {
        "store": store_id,
        "numbers": list(range(len(offers))),
        "skus": [offer.sku for offer in offers],
        "currencies": [offer.currency for offer in offers],
        "prices": [offer.price for offer in offers],
        **closed,
    }
    with connection.cursor() as cursor:
        cursor.execute(_PRICES, given)
        return list(cursor.fetchall())


def _look_again(campaigns: Mapping[int, Campaign], found: Mapping[int, Sequence[Suspect]], now: datetime) -> None:
    """One look at the pages that showed something, unless one at all pages is planned; the campaigns' closes are open again."""
    planned = Check.objects.filter(campaign__in=campaigns, state__in=check_plan.OPEN, scope__isnull=True)
    whole = set(planned.values_list("campaign_id", flat=True))
    closings = closings_of(list(campaigns))
    wait = float(policies.active(ClosingRules, now).recheck_delay_first)
    looks = [
        check_plan.Look(
            pk, closings.get(pk), wait, check_plan.of_pages((one.site_id, one.listing_id) for one in found[pk])
        )
        for pk in campaigns
        if pk not in whole
    ]
    check_plan.plan_each(looks, occasion=Occasion.CLEANUP, now=now)
    Closing.objects.filter(pk__in=closings.values()).update(next_due_at=now)
