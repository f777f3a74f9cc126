"""The panel on a listing's page: where buyers find it, and whether each site shows the last change (R50)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from listings.hooks import Panel
from publishing.addresses import public_url
from publishing.models import Publication


def panel(store_id: int, listing_id: int, rights: frozenset[str], now: datetime) -> Panel | None:
    """Public addresses with the stamp that buyers read and the change that is wanted; one query."""
    told = (
        Publication.objects.filter(store_id=store_id, listing_id=listing_id, site__is_active=True)
        .select_related("site__store", "page")
        .order_by("site")
    )
    rows = [
        {
            "site": row.site.code,
            "language": row.site.language,
            "url": public_url(row.site, listing_id) if row.published_version else "",
            "stamp": row.page.stamp if row.published_version else None,
            "wanted": row.wanted_at,
            "current": row.desired_version == row.published_version,
        }
        for row in told
    ]
    return Panel(_("Language sites"), "publishing/_listing_panel.html", {"rows": rows}) if rows else None
