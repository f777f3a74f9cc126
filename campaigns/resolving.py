"""Taking a way out of a conflict: what it would change, and doing it through the verb that owns the change (R30)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from audit.actors import Actor
from campaigns import conflicts, finding, lifecycle, stacking, subitems
from campaigns.conflicts import Summary
from campaigns.models import Campaign, CampaignItem
from campaigns.ways_out import STARTED, WayOut
from core.errors import FieldError, InvalidInput
from policies.rules import ConflictRules


@dataclass(frozen=True, slots=True)
class Effect:
    """What a way would do to one campaign: conflicts as they stand and would be; its items that take part; SKUs that would leave."""

    campaign: Campaign
    before: Summary
    after: Summary
    items: int
    leaving: tuple[str, ...] = ()

    @property
    def left(self) -> int:
        """Items that would stay."""
        return self.items - len(self.leaving)


def effects(store: Store, way: WayOut, *, now: datetime) -> list[Effect]:
    """What the way would do, campaign by campaign; changes nothing. Raises NotFound, InvalidInput."""
    sample = policies.active(ConflictRules, now).sample
    campaigns = finding.get_all(store, way.campaigns)
    leaving = tuple(_leaving(store, campaigns[0], way)) if way.way == "withdraw" else ()
    before = conflicts.summaries(store.pk, campaigns, now=now, sample=sample)
    after = conflicts.of_changed(
        store.pk,
        campaigns,
        starts_at=way.starts_at,
        ends_at=way.ends_at,
        stacking=way.way == "stack",
        without=leaving,
        now=now,
        sample=sample,
    )
    taking_part = CampaignItem.objects.filter(campaign__in=campaigns, ended_at=None).order_by().values("campaign_id")
    items: dict[int, int] = dict(taking_part.annotate(n=Count("id")).values_list("campaign_id", "n"))
    return [
        Effect(one, before.get(one.pk, Summary()), after.get(one.pk, Summary()), items.get(one.pk, 0), leaving)
        for one in campaigns
    ]


def take(store: Store, way: WayOut, *, versions: Mapping[str, int], actor: Actor, now: datetime | None = None) -> None:
    """Do what the way says, through the verb that owns it: audited there, its right checked there. Raises what the verb raises."""
    given = {} if now is None else {"now": now}
    if way.way == "stack":
        stacking.declare_stacking(store, way.campaigns, versions=versions, actor=actor, **given)
        return
    (code,) = way.campaigns
    version = versions.get(code)
    if way.way == "move":
        change = {"ends_at": way.ends_at} if way.ends_at else {"starts_at": way.starts_at}
        lifecycle.edit_campaign(store, code, change, version=version, actor=actor, **given)
        return
    campaign = finding.get(store, code)
    withdraw = subitems.withdraw_items if campaign.state in STARTED else lifecycle.remove_items
    withdraw(store, code, _leaving(store, campaign, way), version=version, actor=actor, **given)


def _leaving(store: Store, campaign: Campaign, way: WayOut) -> list[str]:
    if way.sku:
        return [way.sku]
    skus = conflicts.shared_skus(campaign, finding.get(store, way.other))
    if not skus:
        message = _("%(code)s and %(other)s share no SKU any more.") % {"code": campaign.code, "other": way.other}
        raise InvalidInput(message, [FieldError("other", "ERR_NO_ITEMS", message)])
    return skus
