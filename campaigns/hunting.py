"""The leftover hunter: what is or was left of stopped campaigns on all sites and clients of a store, and clearing it (R43, R145)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record_many
from audit.verbs import about, verb
from campaigns import check_plan, finding, leftovers
from campaigns.edges import STOPPED
from campaigns.models import Campaign, CampaignItem, Closing, Leftover, Occasion
from campaigns.nudges import wake_checks
from core import codes
from core.errors import FieldError, InvalidInput
from policies.rules import ClosingRules


@dataclass(frozen=True)
class LeftoverFilter:
    """What a list of leftovers may ask for; empty members do not filter. `state`: open, cleared or all; `older_than` in hours."""

    state: str = "open"
    site: str = ""
    client: str = ""
    what: str = ""
    q: str = ""
    older_than: int | None = None


def matching(store_id: int, wanted: LeftoverFilter, *, now: datetime) -> QuerySet[Leftover]:
    """Leftovers of a store, newest first, to be paged by key."""
    rows = Leftover.objects.filter(store_id=store_id)
    if wanted.state != "all":
        rows = rows.filter(cleared_at__isnull=wanted.state != "cleared")
    if wanted.site:
        rows = rows.filter(site__code=wanted.site)
    if wanted.client:
        rows = rows.filter(client=wanted.client)
    if wanted.what:
        rows = rows.filter(what=wanted.what)
    if wanted.older_than is not None:
        rows = rows.filter(first_seen_at__lte=now - timedelta(hours=wanted.older_than))
    if text := wanted.q.strip():
        rows = rows.filter(campaign__in=Campaign.objects.filter(store_id=store_id, code=codes.normalise(text)))
    return rows.order_by("-id")


@dataclass(frozen=True)
class Cleared:
    """What a clearing came to: leftovers, the campaigns they are of, pages told to the sites."""

    leftovers: int
    campaigns: int
    pages: int


@verb("campaign.clear_leftovers", right="campaigns.pause")
def clear_leftovers(store: Store, ids: Sequence[int], *, actor: Actor, now: datetime) -> Cleared:
    """清理残留 for these leftovers: offers switched off, their pages wanted anew, and these pages, no others, read again at once.

    Leftovers that are cleared, unknown, or another store's are passed over. Raises InvalidInput when none or too many are chosen. The
    number of statements does not depend on how many there are.
    """
    about(Target("store", store.slug, store.name, store.pk, store.name))
    check(actor, store, "campaigns.pause", now=now)
    most = policies.active(ClosingRules, now).clear_max
    if not ids or len(ids) > most:
        words = _("Choose at least one leftover.") if not ids else _("At most %(n)s leftovers at once.") % {"n": most}
        raise InvalidInput(str(words), [FieldError("pick", "ERR_REQUIRED" if not ids else "ERR_RANGE", str(words))])
    chosen = Leftover.objects.filter(store_id=store.pk, pk__in=list(ids), cleared_at=None)
    counts: dict[int, int] = {}
    places: dict[int, set[tuple[int, int]]] = {}
    for campaign_id, site_id, listing_id in chosen.values_list("campaign_id", "site_id", "listing_id"):
        counts[campaign_id] = counts.get(campaign_id, 0) + 1
        places.setdefault(campaign_id, set()).add((site_id, listing_id))
    rows = finding.locked(Campaign.objects.filter(store_id=store.pk, pk__in=counts))
    campaigns = {row.pk: row for row in rows}
    if not campaigns:
        return Cleared(0, 0, 0)
    pages = leftovers.clear(list(campaigns.values()), now=now, only=ids)
    _look_at_once(campaigns, places, now)
    entries = [
        Entry(
            "campaign.clear_leftovers",
            finding.target(campaign, store),
            after={"leftovers": counts[pk]},
            right="campaigns.pause",
        )
        for pk, campaign in campaigns.items()
    ]
    record_many(entries, actor=actor, now=now)
    return Cleared(sum(counts[pk] for pk in campaigns), len(campaigns), pages)


def _look_at_once(
    campaigns: Mapping[int, Campaign], places: Mapping[int, Collection[tuple[int, int]]], now: datetime
) -> None:
    """Read these pages of the campaigns again now. Where a campaign goes on, only what its ended items may not show counts."""
    closings = closings_of(list(campaigns))
    ended: dict[int, list[int]] = {}
    going_on = [pk for pk, campaign in campaigns.items() if campaign.state not in STOPPED]
    if going_on:
        listings = {listing for pk in going_on for _site, listing in places[pk]}
        gone = CampaignItem.objects.filter(campaign__in=going_on, listing__in=listings, ended_at__isnull=False)
        for campaign_id, sku_id in gone.values_list("campaign_id", "sku_id"):
            ended.setdefault(campaign_id, []).append(sku_id)
    looks = []
    for pk in campaigns:
        scope = check_plan.of_pages(places[pk])
        if pk in ended:
            scope |= {"skus": ended[pk]}
        looks.append(check_plan.Look(pk, closings.get(pk), 0.0, scope))
    check_plan.plan_each(looks, occasion=Occasion.CLEANUP, now=now)
    transaction.on_commit(wake_checks, robust=True)


def closings_of(campaign_ids: Sequence[int]) -> dict[int, int]:
    """The latest close of each of these campaigns that was not taken back, by campaign id; one query."""
    rows = Closing.objects.filter(campaign__in=campaign_ids, taken_back_at=None).order_by("campaign_id", "-id")
    return dict(rows.distinct("campaign_id").values_list("campaign_id", "id"))
