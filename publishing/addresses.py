"""Where a buyer finds a listing: the public address per site."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from django.conf import settings

from publishing.models import Publication, Publisher, Site

#: Where the listing's number goes in a merchant's own page address.
PLACE = "{listing}"


@dataclass(frozen=True, slots=True)
class PageAddress:
    """One public page: the listing, the site, and the address that a buyer's client opens."""

    listing_id: int
    site_id: int
    site: str
    url: str


def shop_path(store_slug: str, site_code: str) -> str:
    """The path of a site's front page on this installation."""
    return f"/shop/{store_slug}/{site_code}/"


def public_url(site: Site, listing_id: int) -> str:
    """The public address of a listing on a site; empty for a merchant's own site whose page address is not known.

    Reads `site.store.slug`: load the site with its store.
    """
    if site.publisher == Publisher.HTTP:
        return site.page_url.replace(PLACE, str(listing_id))
    return f"{settings.PUBLIC_URL}{shop_path(site.store.slug, site.code)}{listing_id}/"


def public_urls(store_id: int, listing_ids: Iterable[int]) -> Mapping[int, dict[str, str]]:
    """For each listing its address on every active site of the store, by site code; one query."""
    sites = _sites(store_id)
    return {
        listing_id: {site.code: url for site in sites if (url := public_url(site, listing_id))}
        for listing_id in listing_ids
    }


def pages_of(store_id: int, listing_ids: Iterable[int]) -> list[PageAddress]:
    """The public pages of these listings on all active sites, site after site; two queries.

    Only pages that a site was ever told of: a listing that was never published has no page that a buyer could open.
    """
    ids = list(listing_ids)
    addresses = {site.id: site for site in _sites(store_id)}
    told = (
        Publication.objects.filter(
            store_id=store_id, listing__in=ids, site__in=list(addresses), published_version__gt=0
        )
        .order_by("site", "listing")
        .values_list("site_id", "listing_id")
    )
    pages = [
        PageAddress(listing_id, site_id, addresses[site_id].code, public_url(addresses[site_id], listing_id))
        for site_id, listing_id in told
    ]
    return [page for page in pages if page.url]


def _sites(store_id: int) -> list[Site]:
    return list(Site.objects.filter(store_id=store_id, is_active=True).select_related("store").order_by("id"))
