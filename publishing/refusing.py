"""Pages that a merchant's server refuses alone, being too large: set aside, said to the store, shown, and sent again when they change."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import Count, Exists, F, OuterRef
from django.utils.translation import gettext_lazy as _

from accounts.models import Store
from core.faults import Fault, declare
from inbox.send import send
from publishing.models import Publication, RefusedPage, Site
from publishing.snapshots import Snapshot

declare({"page_too_large": _("one product page alone is larger than the server takes (%(bytes)s bytes)")})

_TITLE = 80  # of a title in a message
#: Of publications: those whose wanted version was refused alone.
REFUSED = Exists(RefusedPage.objects.filter(publication=OuterRef("pk"), version=OuterRef("desired_version")))


def set_aside(site: Site, page: Snapshot, fault: Fault, *, now: datetime) -> None:
    """Keep that this page was refused at this version, and tell the store, once until it has passed."""
    about = {name: fact for name, fact in fault.as_dict().items() if name != "site"}  # it stands beside
    with transaction.atomic():
        _row, first = RefusedPage.objects.update_or_create(
            publication_id=page.publication_id,
            defaults={"version": page.version, "fault": about, "refused_at": now},
        )
        if first:
            listing = page.document["listing"]
            params = {
                "site": site.code,
                "pk": listing,
                "title": page.document["title"][:_TITLE],
                "why": fault.as_dict(),
            }
            key = f"page_too_large:{page.publication_id}:{page.version}"
            send(site.store_id, "ERR_PAGE_TOO_LARGE", params, key, "listing", str(listing), now=now)


def refused_pages(store: Store, *, limit: int) -> dict[int, list[Publication]]:
    """The pages of a store that were refused alone, by site, `limit` in all; one query, with their listings."""
    rows = Publication.objects.filter(REFUSED, store=store).select_related("listing", "refused").order_by("site", "id")
    found: dict[int, list[Publication]] = {}
    for row in rows[:limit]:
        found.setdefault(row.site_id, []).append(row)
    return found


def refused_counts(site_ids: Sequence[int]) -> dict[int, int]:
    """How many pages of each of these sites were refused alone as they are wanted; one query, none without sites."""
    if not site_ids:
        return {}
    rows = RefusedPage.objects.filter(publication__site__in=site_ids, version=F("publication__desired_version"))
    return dict(rows.order_by().values_list("publication__site").annotate(n=Count("publication")))


def ask_again(site: Site) -> int:
    """Have what was set aside of a site sent again; answers how many pages."""
    return RefusedPage.objects.filter(publication__site=site).delete()[0]
