"""How much a lent right reaches: the caps of a grant against the size of a campaign."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import connection

from accounts.models import Store
from accounts.rights import MAX_LISTINGS, cap_refusal, check, grantors, listings_cap
from audit.actors import Actor
from campaigns.models import Campaign
from core.errors import DomainError

_REACH = """
    SELECT count(DISTINCT i.listing_id),
        COALESCE(max(ceil((s.sale_price - i.price) * 100 / s.sale_price)) FILTER (WHERE s.sale_price > 0 AND i.price < s.sale_price), 0)
    FROM campaigns_campaignitem i JOIN listings_sku s ON s.id = i.sku_id WHERE i.campaign_id = %s
"""
_LISTINGS = """
    SELECT campaign_id, count(DISTINCT listing_id),
        CASE WHEN count(DISTINCT listing_id) <= %(cap)s THEN array_agg(DISTINCT listing_id) END
    FROM campaigns_campaignitem WHERE campaign_id = ANY(%(ids)s) GROUP BY 1
"""
_OF_JOB = """
    SELECT DISTINCT i.listing_id
    FROM campaigns_bulkrow r JOIN campaigns_campaign c ON c.code = r.code
    JOIN campaigns_campaignitem i ON i.campaign_id = c.id
    WHERE r.job_id = %s AND r.result = 'done'
"""


def check_reach(store: Store, campaign: Campaign, right: str, *, actor: Actor, now: datetime) -> None:
    """Refuse unless the whole campaign, whoever wrote its items, lies inside the actor's loan of `right`: listings, deepest discount.

    Two queries. Raises PermissionRefused or Conflict ERR_GRANT_CAP.
    """
    with connection.cursor() as cursor:
        cursor.execute(_REACH, [campaign.pk])
        listings, percent = cursor.fetchone()
    check(actor, store, right, now=now, listings=listings, percent_off=int(percent))


def refused_by_cap(
    store: Store,
    campaigns: Sequence[Campaign],
    right: str,
    *,
    actor: Actor,
    now: datetime,
    bulk_job: int | None = None,
) -> dict[str, DomainError]:
    """The campaigns, by code, that reach past the actor's loan of `right`.

    The cap counts the listings of the whole call, each once: campaigns are let in, in the order given, while all that were let in hold no
    more listings than the cap together. `bulk_job` names the call when it takes several batches: what it has done counts, too. One query
    without a cap; at most four with one.
    """
    if actor.is_system or not right or not campaigns:
        return {}
    cap = listings_cap(actor, store, right, now)
    if cap is None:
        return {}
    reached = _done_before(bulk_job)
    small = _listings_of(campaigns, cap)
    names: list[str] | None = None
    refused: dict[str, DomainError] = {}
    for campaign in campaigns:
        size, listings = small.get(campaign.pk, (0, frozenset()))
        asked = len(reached | listings) if size <= cap else len(reached) + size
        if asked <= cap:
            reached |= listings
            continue
        names = grantors(store) if names is None else names
        refused[campaign.code] = cap_refusal(right, MAX_LISTINGS, cap, asked, names)
    return refused


def _listings_of(campaigns: Sequence[Campaign], cap: int) -> dict[int, tuple[int, frozenset[int]]]:
    """How many listings each campaign holds, and which, unless they are more than the cap."""
    with connection.cursor() as cursor:
        cursor.execute(_LISTINGS, {"ids": [campaign.pk for campaign in campaigns], "cap": cap})
        return {pk: (size, frozenset(listings or ())) for pk, size, listings in cursor.fetchall()}


def _done_before(bulk_job: int | None) -> set[int]:
    """The listings that a bulk job has reached already."""
    if bulk_job is None:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(_OF_JOB, [bulk_job])
        return {listing for (listing,) in cursor.fetchall()}
