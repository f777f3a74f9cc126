"""Leftovers: what a buyer could still see of a stopped promotion, since when; cleared, published again, told when it stays (R43, R145)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Count, Min

from campaigns import offers
from campaigns.comparing import Suspect
from campaigns.edges import STOPPED
from campaigns.events import Event, tell
from campaigns.models import Campaign, CampaignState, Check, Leftover
from core import display
from inbox.send import Note, send_many
from publishing.desire import want

_UPSERT = """
    INSERT INTO campaigns_leftover AS l (store_id, campaign_id, listing_id, site_id, client, what, page_url, excerpt,
        first_seen_at, last_seen_at)
    SELECT %(store)s, %(campaign)s, v.listing, v.site, v.client, v.what, v.url, v.excerpt, %(now)s, %(now)s
    FROM unnest(%(listings)s::bigint[], %(sites)s::bigint[], %(clients)s::text[], %(whats)s::text[], %(urls)s::text[],
        %(excerpts)s::text[]) AS v(listing, site, client, what, url, excerpt)
    ORDER BY v.listing, v.site, v.client, v.what
    ON CONFLICT (campaign_id, listing_id, site_id, client, what) WHERE cleared_at IS NULL
    DO UPDATE SET last_seen_at = excluded.last_seen_at, excerpt = excluded.excerpt
"""
_CLEAR = """
    UPDATE campaigns_leftover l SET cleared_at = %(now)s
    FROM unnest(%(listings)s::bigint[], %(sites)s::bigint[], %(clients)s::text[]) AS v(listing, site, client)
    WHERE l.campaign_id = %(campaign)s AND l.cleared_at IS NULL AND l.last_seen_at < %(now)s
        AND l.listing_id = v.listing AND l.site_id = v.site AND l.client = v.client
"""


def note(
    campaign: Campaign,
    found: Sequence[Suspect],
    seen: Collection[tuple[int, int, str]],
    *,
    now: datetime,
) -> None:
    """Keep what was found, and close what was a leftover where it was looked (`seen`: site, listing, client) and is none any more."""
    rows = list({(one.listing_id, one.site_id, one.client, one.what): one for one in found}.values())
    pages = sorted(seen)
    with connection.cursor() as cursor:
        if rows:
            cursor.execute(
                _UPSERT,
                {
                    "store": campaign.store_id,
                    "campaign": campaign.pk,
                    "now": now,
                    "listings": [one.listing_id for one in rows],
                    "sites": [one.site_id for one in rows],
                    "clients": [one.client for one in rows],
                    "whats": [one.what for one in rows],
                    "urls": [one.url[:500] for one in rows],
                    "excerpts": [one.excerpt[:500] for one in rows],
                },
            )
        if pages:
            cursor.execute(
                _CLEAR,
                {
                    "campaign": campaign.pk,
                    "now": now,
                    "listings": [listing for _site, listing, _client in pages],
                    "sites": [site for site, _listing, _client in pages],
                    "clients": [client for _site, _listing, client in pages],
                },
            )


def clear(campaigns: Sequence[Campaign], *, now: datetime, only: Collection[int] | None = None) -> int:
    """Take every open leftover of these campaigns off: offers switched off, pages wanted anew on all sites; answers how many pages.

    `only` names the leftovers whose pages are wanted anew. Of a campaign that goes on, the offers of items that ended alone are switched
    off (R4). The rows of the campaigns are locked. A constant number of statements per store.
    """
    open_rows = Leftover.objects.filter(campaign__in=[campaign.pk for campaign in campaigns], cleared_at=None)
    if only is not None:
        open_rows = open_rows.filter(pk__in=only)
    listings: dict[int, set[int]] = {}
    for store_id, listing_id in open_rows.values_list("store_id", "listing_id").distinct():
        listings.setdefault(store_id, set()).add(listing_id)
    pages = offers.switch_off([one for one in campaigns if one.state in STOPPED], now=now).pages
    if going_on := [one for one in campaigns if one.state not in STOPPED]:
        pages += offers.switch_off_ended(going_on, now=now).pages
    for store_id in sorted(listings):
        pages += want(store_id, listings[store_id], now=now)
    if listings:
        open_rows.update(republished_at=now)
    return pages


def report(campaigns: Sequence[Campaign], *, now: datetime) -> int:
    """Tell people about leftovers that stayed after clearing: one message per campaign and site, with a page, what it is, its age.

    Answers how many. One query, and one statement per store.
    """
    known = {campaign.pk: campaign for campaign in campaigns}
    if not known:
        return 0
    groups = (
        Leftover.objects.filter(campaign__in=known, cleared_at=None, republished_at__isnull=False)
        .order_by("campaign_id", "site_id")
        .values("campaign_id", "site_id", "site__code")
        .annotate(
            pages=Count("listing_id", distinct=True), page=Min("page_url"), what=Min("what"), seen=Min("first_seen_at")
        )
    )
    notes: dict[int, list[Note]] = {}
    sites: dict[int, list[str]] = {}
    for group in groups:
        campaign = known[group["campaign_id"]]
        notes.setdefault(campaign.store_id, []).append(_note_of(campaign, group, now))
        sites.setdefault(campaign.pk, []).append(group["site__code"])
    for store_id, rows in notes.items():
        send_many(store_id, rows, now=now)
    if sites:
        tell([Event("campaign.leftover_found", known[pk], {"sites": codes}) for pk, codes in sites.items()], now=now)
    return sum(len(rows) for rows in notes.values())


def _note_of(campaign: Campaign, group: Mapping[str, Any], now: datetime) -> Note:
    begun = stopped_at(campaign) if campaign.state in STOPPED else group["seen"]
    return Note(
        "ERR_LEFTOVER",
        f"leftover:{campaign.code}:{group['site_id']}:{begun:%Y%m%dT%H%M%S}",
        {
            "campaign": campaign.code,
            "code": campaign.code,
            "site": group["site__code"],
            "pages": group["pages"],
            "page": group["page"],
            "what": group["what"],
            "minutes": display.number(max(0, int((now - begun).total_seconds() // 60))),
        },
        "campaign",
        campaign.code,
    )


def since(check: Check) -> datetime:
    """Since when nothing of what a check looks for may be seen."""
    if moment := (check.scope or {}).get("since"):
        return datetime.fromisoformat(moment)
    return stopped_at(check.campaign)


def stopped_at(campaign: Campaign) -> datetime:
    """Since when nothing of the campaign may be seen."""
    if campaign.state == CampaignState.PAUSED and campaign.paused_at is not None:
        return campaign.paused_at
    if campaign.closed_at is not None and campaign.closed_at < campaign.ends_at:
        return campaign.closed_at
    return campaign.ends_at
