"""What sites should show: `want()` bumps the desired version of listings on every active site, in the change's own transaction.

Publishing then happens outside it: one outbox row per site says "look now", and the sweep finds what even that row missed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from django.db import connection

import policies
from core import outbox
from core.database import arrays
from policies.rules import PublishingRules

TOPIC = "publish.site"

# Rows are locked in one order (listing, site) by everybody, so that two changes of the same listings never deadlock.
_WANT = """
    INSERT INTO publishing_publication AS p
        (store_id, site_id, listing_id, desired_version, published_version, wanted_at)
    SELECT l.store_id, s.id, l.id, 1, 0, %(now)s
    FROM listings_listing l JOIN publishing_site s ON s.store_id = l.store_id AND s.is_active
    WHERE l.store_id = %(store)s AND l.id = ANY(%(listings)s::bigint[])
    ORDER BY l.id, s.id
    ON CONFLICT (listing_id, site_id)
    DO UPDATE SET desired_version = p.desired_version + 1, wanted_at = GREATEST(p.wanted_at, excluded.wanted_at)
"""
_WANT_FOUND = """
    INSERT INTO publishing_publication AS p
        (store_id, site_id, listing_id, desired_version, published_version, wanted_at)
    SELECT l.store_id, s.id, l.listing_id, 1, 0, %(now)s
    FROM ({found}) l JOIN publishing_site s ON s.store_id = l.store_id AND s.is_active
    ORDER BY l.listing_id, s.id
    ON CONFLICT (listing_id, site_id)
    DO UPDATE SET desired_version = p.desired_version + 1, wanted_at = GREATEST(p.wanted_at, excluded.wanted_at)
"""
_SITES = "SELECT id FROM publishing_site WHERE store_id = %s AND is_active ORDER BY id"

# A site that comes late, or comes back, is owed every listing it was not told of as it stands now.
_WANT_SITE = """
    INSERT INTO publishing_publication AS p
        (store_id, site_id, listing_id, desired_version, published_version, wanted_at)
    SELECT l.store_id, %(site)s, l.id, 1, 0, %(now)s
    FROM listings_listing l WHERE l.store_id = %(store)s
    ORDER BY l.id
    ON CONFLICT (listing_id, site_id)
    DO UPDATE SET desired_version = p.desired_version + 1, wanted_at = GREATEST(p.wanted_at, excluded.wanted_at)
"""


def key_of(site_id: int) -> str:
    """The outbox key of a site: one waiting row per site is enough."""
    return f"site:{site_id}"


def want(store_id: int, listing_ids: Iterable[int], *, now: datetime) -> int:
    """Ask every active site of the store to show these listings as they stand; answers how many pages are wanted anew.

    To be called inside the transaction of the change; it writes one outbox row per site at most (R86). Listings of other stores are
    ignored. Two statements for any number of listings, and two for the outbox.
    """
    ids = sorted(set(listing_ids))
    if not ids:
        return 0
    # No rows back: one for each of twenty thousand pages takes as long as a tenth of the writing.
    with connection.cursor() as cursor:
        cursor.execute(_WANT, {"store": store_id, "listings": arrays.numbers(ids), "now": now})
        pages = int(cursor.rowcount)
    if pages:
        call(store_id, _sites(store_id), now=now)
    return pages


def want_found(found: str, given: Mapping[str, Any], *, stores: Sequence[int], now: datetime) -> int:
    """`want` for the listings that a query finds, which then need not travel here and back: ten thousand campaigns that end in one second
    have a hundred thousand. Answers how many pages are wanted anew.

    `found` is SQL of this house that answers `store_id, listing_id` without repeats, with the parameters `given`; `stores` are the stores
    it may find.
    """
    with connection.cursor() as cursor:
        cursor.execute(_WANT_FOUND.format(found=found), {**given, "now": now})
        pages = int(cursor.rowcount)
    if pages:
        for store_id in stores:
            call(store_id, _sites(store_id), now=now)
    return pages


def _sites(store_id: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(_SITES, [store_id])
        return [pk for (pk,) in cursor.fetchall()]


def want_site(store_id: int, site_id: int, *, now: datetime) -> int:
    """Ask one site to show all listings of its store (a new site, or one that comes back); answers how many pages."""
    with connection.cursor() as cursor:
        cursor.execute(_WANT_SITE, {"store": store_id, "site": site_id, "now": now})
        pages = cursor.rowcount
    call(store_id, [site_id], now=now)
    return int(pages)


def call(store_id: int | None, site_ids: Sequence[int], *, now: datetime) -> int:
    """Call a publisher to each of the sites, unless one is called already; answers how many new calls were written."""
    if not site_ids:
        return 0
    rows = {key_of(site_id): {"site": site_id} for site_id in site_ids}
    hurry = policies.active(PublishingRules, now).hurry
    return outbox.put_once(TOPIC, rows, store_id=store_id, hurry=hurry, now=now)
