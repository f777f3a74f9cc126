"""The leftover hunter: what is or was left of stopped campaigns on all sites and clients of a store, and clearing it (R43, R145)."""

from __future__ import annotations

from collections.abc import Sequence
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
from campaigns.models import Campaign, Check, Closing, Leftover, Occasion
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
    """清理残留 for these leftovers: offers switched off, the campaigns' leftover pages wanted anew, all their pages read again at once.

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
    for campaign_id in chosen.values_list("campaign_id", flat=True):
        counts[campaign_id] = counts.get(campaign_id, 0) + 1
    rows = finding.locked(Campaign.objects.filter(store_id=store.pk, pk__in=counts, state__in=sorted(STOPPED)))
    campaigns = {row.pk: row for row in rows}
    if not campaigns:
        return Cleared(0, 0, 0)
    pages = leftovers.clear(list(campaigns.values()), now=now)
    _look_at_once(campaigns, now)
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


def _look_at_once(campaigns: dict[int, Campaign], now: datetime) -> None:
    """Read all pages of these campaigns again now; a clean-up look that waits already is made now instead."""
    waiting = Check.objects.filter(campaign__in=campaigns, state="pending", occasion=Occasion.CLEANUP)
    planned = set(waiting.values_list("campaign_id", flat=True))
    waiting.update(due_at=now)
    closings = dict(
        Closing.objects.filter(campaign__in=campaigns, taken_back_at=None)
        .order_by("campaign_id", "-id")
        .distinct("campaign_id")
        .values_list("campaign_id", "id")
    )
    plans = {pk: (closings.get(pk), 0.0) for pk in campaigns if pk not in planned}
    check_plan.plan_each(plans, occasion=Occasion.CLEANUP, now=now)
    transaction.on_commit(wake_checks, robust=True)
