"""The panel on a listing's page: where buyers find it, and whether each site shows the last change (R50)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext_lazy as _

from core import faults
from listings.hooks import Panel
from publishing.addresses import public_url
from publishing.models import Publication


def panel(store_id: int, listing_id: int, rights: frozenset[str], now: datetime) -> Panel | None:
    """Public addresses with the stamp that buyers read and the change that is wanted; one query."""
    told = (
        Publication.objects.filter(store_id=store_id, listing_id=listing_id, site__is_active=True)
        .select_related("site__store", "page", "refused")
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
            "refused": _refused(row),
        }
        for row in told
    ]
    return Panel(_("Language sites"), "publishing/_listing_panel.html", {"rows": rows}) if rows else None


def _refused(row: Publication) -> str:
    """Why the site's server does not take the page as it is wanted, in words; empty when it was not refused."""
    found = getattr(row, "refused", None)
    return faults.say(found.fault) if found is not None and found.version == row.desired_version else ""
