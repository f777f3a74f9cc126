"""Affiliate plans (联盟营销中心): created running, paused, resumed. A running one stands in the way of a permanent cancel (R29, R33)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import QuerySet
from django.utils.translation import gettext as _

import policies
from accounts.models import Store, User
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from campaigns.finding import locked
from campaigns.models import AffiliateLink, AffiliatePlan, Campaign, CampaignState, PlanState
from core import codes
from core.errors import Conflict, FieldError, InvalidInput, NotFound, VersionConflict
from policies.rules import CampaignRules

S = CampaignState
#: What a plan can promote: campaigns that are not over and are not being called off.
PROMOTABLE = (S.DRAFT, S.IN_REVIEW, S.SCHEDULED, S.RUNNING, S.PAUSED)
RIGHT, STOP_RIGHT = "campaigns.edit", "campaigns.pause"

_RUNNING = """
    SELECT l.campaign_id, count(*), (array_agg(p.id ORDER BY p.id))[:%(shown)s], (array_agg(p.name ORDER BY p.id))[:%(shown)s]
    FROM campaigns_affiliatelink AS l JOIN campaigns_affiliateplan AS p ON p.id = l.plan_id
    WHERE l.campaign_id = ANY(%(ids)s) AND l.store_id = %(store)s AND p.state = 'running' GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Promoting:
    """The running plans of one campaign: how many, ids and names of the first of them."""

    plans: int
    ids: tuple[int, ...]
    names: tuple[str, ...]


def running(store: Store, campaign_ids: Sequence[int], *, shown: int) -> dict[int, Promoting]:
    """The campaigns, by id, that a running plan promotes; one query whatever their number."""
    with connection.cursor() as cursor:
        cursor.execute(_RUNNING, {"ids": list(campaign_ids), "store": store.pk, "shown": shown})
        return {pk: Promoting(count, tuple(ids), tuple(names)) for pk, count, ids, names in cursor.fetchall()}


def plans_of(store: Store) -> QuerySet[AffiliatePlan]:
    """The store's plans with their campaigns, newest first."""
    rows = AffiliatePlan.objects.filter(store=store).prefetch_related("links__campaign")
    return rows.order_by("-id")


def document(plan: AffiliatePlan) -> dict[str, Any]:
    """The API's document of a plan."""
    found = sorted(link.campaign.code for link in plan.links.all())
    return {"id": plan.pk, "name": plan.name, "state": plan.state, "campaigns": found, "version": plan.version}


@verb("affiliate_plan.create", right=RIGHT)
def create_plan(store: Store, *, name: str, campaigns: Sequence[str], actor: Actor, now: datetime) -> AffiliatePlan:
    """Make a plan that promotes campaigns of the store, given by code; it runs at once.

    Raises InvalidInput with every broken field: a name of 1 to 120 characters, at least one campaign, each of this store and not over.
    """
    check(actor, store, RIGHT, now=now)
    name = name.strip()
    found = {row.code: row for row in locked(Campaign.objects.filter(store=store, code__in=_codes(campaigns, now)))}
    errors = _broken(name, campaigns, found, now)
    if errors:
        raise InvalidInput(_("The plan was not made: please put right what is marked."), errors)
    person = User.objects.filter(pk=actor.id).first() if actor.id is not None else None
    plan = AffiliatePlan.objects.create(store=store, name=name, created_by=person, created_at=now, state_since=now)
    AffiliateLink.objects.bulk_create(AffiliateLink(store=store, plan=plan, campaign=row) for row in found.values())
    after = {"name": name, "state": plan.state, "campaigns": sorted(found)}
    record(Entry("affiliate_plan.create", _target(plan, store), after=after, right=RIGHT), actor=actor, now=now)
    return plan


def _codes(campaigns: Sequence[str], now: datetime) -> list[str]:
    most = policies.active(CampaignRules, now).plan_campaigns
    return [codes.normalise(code) for code in campaigns[: most + 1]]


def _broken(name: str, campaigns: Sequence[str], found: Mapping[str, Campaign], now: datetime) -> list[FieldError]:
    rules = policies.active(CampaignRules, now)
    errors: list[FieldError] = []
    if not 1 <= len(name) <= rules.name_max:
        message = _("A name of 1 to %(most)s characters.") % {"most": rules.name_max}
        errors.append(FieldError("name", "ERR_INVALID", message))
    if not campaigns:
        errors.append(FieldError("campaigns", "ERR_REQUIRED", _("Name at least one campaign.")))
    if len(campaigns) > rules.plan_campaigns:
        message = _("At most %(most)s campaigns in one plan.") % {"most": rules.plan_campaigns}
        return [*errors, FieldError("campaigns", "ERR_TOO_MANY_ITEMS", message)]
    for index, code in enumerate(campaigns):
        row = found.get(codes.normalise(code))
        if row is None:
            message = _("There is no campaign %(code)s in this store.") % {"code": code[:24]}
            errors.append(FieldError(f"campaigns.{index}", "ERR_NOT_FOUND", message))
        elif row.state not in PROMOTABLE or row.ends_at <= now:
            message = _("%(code)s is over, or is being stopped for good.") % {"code": row.code}
            errors.append(FieldError(f"campaigns.{index}", "ERR_CLOSE_ENDED", message))
    return errors


@verb("affiliate_plan.pause", right=STOP_RIGHT)
def pause_plan(store: Store, plan_id: int, *, version: int | None = None, actor: Actor, now: datetime) -> AffiliatePlan:
    """Pause a running plan; one that is paused already stays as it is. Raises NotFound, PermissionRefused, VersionConflict."""
    check(actor, store, STOP_RIGHT, now=now)
    plan = _lock(store, plan_id, version)
    if plan.state == PlanState.RUNNING:
        plan.pause()
        _moved("affiliate_plan.pause", plan, store, PlanState.RUNNING, actor, now)
    return plan


@verb("affiliate_plan.resume", right=STOP_RIGHT)
def resume_plan(
    store: Store, plan_id: int, *, version: int | None = None, actor: Actor, now: datetime
) -> AffiliatePlan:
    """Let a paused plan run again; one that runs stays as it is. Waits for a close of its campaigns that is under way.

    Raises NotFound, PermissionRefused, VersionConflict, or Conflict ERR_PLAN_OVER when all its campaigns are over.
    """
    check(actor, store, STOP_RIGHT, now=now)
    about(Target("affiliate_plan", str(plan_id), store_id=store.pk, store_label=store.name))
    promoted = list(locked(Campaign.objects.filter(store=store, affiliate_links__plan_id=plan_id)))
    plan = _lock(store, plan_id, version)
    if plan.state == PlanState.RUNNING:
        return plan
    if not any(row.state in PROMOTABLE and row.ends_at > now for row in promoted):
        raise Conflict("ERR_PLAN_OVER", _("Every campaign of this plan is over; there is nothing left to promote."))
    plan.resume()
    _moved("affiliate_plan.resume", plan, store, PlanState.PAUSED, actor, now)
    return plan


def _lock(store: Store, plan_id: int, version: int | None) -> AffiliatePlan:
    rows = AffiliatePlan.objects.filter(store=store, pk=plan_id).prefetch_related("links__campaign")
    plan = rows.select_for_update(of=("self",), no_key=True).first()
    if plan is None:
        raise NotFound(_("There is no such affiliate plan in this store."))
    about(_target(plan, store))
    if version is not None and version != plan.version:
        raise VersionConflict(_("Somebody has changed this plan since you read it."), document(plan))
    return plan


def _moved(action: str, plan: AffiliatePlan, store: Store, before: str, actor: Actor, now: datetime) -> None:
    plan.state_since = now
    plan.version += 1
    plan.save(update_fields=["state", "state_since", "version"])
    entry = Entry(action, _target(plan, store), before={"state": before}, after={"state": plan.state}, right=STOP_RIGHT)
    record(entry, actor=actor, now=now)


def _target(plan: AffiliatePlan, store: Store) -> Target:
    return Target("affiliate_plan", str(plan.pk), plan.name, store.pk, store.name)
