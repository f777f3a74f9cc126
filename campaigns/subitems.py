"""Closing single items: of a platform promotion (R4), each an object of its own under the guards of stopping; and 终止商品参与, by which a
store takes items out of its own campaign that has started, the way out of a conflict (R30).

From the moment the promotion is handed in, the platform's own lock stands in the way of the store (R21); platform staff may end items for
it, and meet every other guard: what was promised to buyers binds them too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check, check_staff
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import verb
from campaigns import check_plan, finding, guards, offers, page_copy
from campaigns.events import Event, tell
from campaigns.kinds import spec
from campaigns.lifecycle import ensure_own
from campaigns.models import Campaign, CampaignItem, CampaignState, Occasion
from campaigns.writing import ensure_state, refuse, save
from core.errors import Conflict, FieldError

S = CampaignState
RIGHT = "campaigns.cancel"
EDIT = "campaigns.edit"
OPEN = frozenset({S.IN_REVIEW, S.SCHEDULED, S.RUNNING, S.PAUSED})
#: What is the platform's to decide, and what concerns the store's member who asks: staff are bound by neither.
STAFF_PASS = frozenset(
    {
        "ERR_CLOSE_PLATFORM_LOCKED",
        "ERR_CLOSE_PLATFORM_ENFORCED",
        "ERR_ACCOUNT_STATE",
        "ERR_KYC",
        "ERR_STORE_UNDECORATED",
    }
)


@verb("campaign.end_items", right=RIGHT)
def end_items(
    store: Store,
    code: str,
    skus: Sequence[str],
    *,
    reason: str = "",
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Campaign:
    """The store closes items of its own. Raises Conflict with `blockers` when a guard refuses, InvalidInput for SKUs that are not in."""
    check(actor, store, RIGHT, now=now, listings=len(set(skus)))
    return _end(store, code, skus, reason, version, actor, now, frozenset(), RIGHT)


@verb("campaign.release_items")
def release_items(
    store: Store,
    code: str,
    skus: Sequence[str],
    *,
    reason: str,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Campaign:
    """Platform staff close items for the store, with a reason that is recorded; guards as for the store, the platform's lock aside."""
    check_staff(actor)
    if not reason.strip():
        refuse([FieldError("reason", "ERR_REQUIRED", _("Say why these items leave."))])
    return _end(store, code, skus, reason, version, actor, now, STAFF_PASS, "")


@verb("campaign.withdraw_items", right=EDIT)
def withdraw_items(
    store: Store,
    code: str,
    skus: Sequence[str],
    *,
    reason: str = "",
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Campaign:
    """终止商品参与: items leave a campaign of the store's own that has started; buyers see their sale price at once.

    Some item must remain. Meets the guards of a pause, as moving the end earlier does. Raises Conflict with `blockers`, InvalidInput.
    """
    check(actor, store, EDIT, now=now, listings=len(set(skus)))
    campaign = finding.lock(store, code, version=version)
    ensure_state(campaign, {S.RUNNING, S.PAUSED}, now)
    ensure_own(campaign)
    items = _chosen(campaign, skus)
    _guard(store, campaign, [item.sku_id for item in items], actor, now, frozenset(), action="pause")
    return _take_out(campaign, store, items, _Said("campaign.withdraw_items", EDIT, reason), actor, now)


def _end(
    store: Store,
    code: str,
    skus: Sequence[str],
    reason: str,
    version: int | None,
    actor: Actor,
    now: datetime,
    passing: frozenset[str],
    right: str,
) -> Campaign:
    campaign = finding.lock(store, code, version=version)
    if not spec(campaign.kind).sub_items:
        message = _("Items of this kind are not closed one by one once it has been handed in.")
        raise Conflict("ERR_ITEMS_STAY", message, state=campaign.state)
    ensure_state(campaign, set(OPEN), now)
    items = _chosen(campaign, skus)
    _guard(store, campaign, [item.sku_id for item in items], actor, now, passing)
    name = "campaign.end_items" if right else "campaign.release_items"
    return _take_out(campaign, store, items, _Said(name, right, reason), actor, now)


@dataclass(frozen=True, slots=True)
class _Said:
    """What the record says of items that leave."""

    name: str
    right: str
    reason: str


def _take_out(
    campaign: Campaign, store: Store, items: Sequence[CampaignItem], said: _Said, actor: Actor, now: datetime
) -> Campaign:
    """Close the items, take their offers from buyers, tell the sites, plan the looks at the pages (R47), write the record."""
    reason = said.reason
    CampaignItem.objects.filter(pk__in=[item.pk for item in items]).update(
        ended_at=now, end_reason=reason.strip()[:540]
    )
    save(campaign, now)
    touched = offers.switch_off_items(campaign, [item.sku_id for item in items], now=now)
    page_copy.ask(campaign, items, now=now)
    if campaign.started_at is not None:
        check_plan.plan([campaign], Occasion.ITEMS, now=now, at_once=True, skus=[item.sku_id for item in items])
    codes = [item.sku.code for item in items]
    entry = Entry(
        said.name,
        finding.target(campaign, store),
        after={"removed": codes[:100], "count": len(codes), "offers": touched.offers.get(campaign.code, 0)},
        reason=reason.strip()[:500],
        right=said.right,
    )
    record(entry, actor=actor, now=now)
    tell([Event("campaign.items_ended", campaign, {"skus": codes[:100], "count": len(codes)})], now=now)
    return campaign


def _chosen(campaign: Campaign, skus: Sequence[str]) -> list[CampaignItem]:
    """The items that are to leave; some must remain. Raises InvalidInput."""
    wanted = list(dict.fromkeys(skus))
    taking_part = CampaignItem.objects.filter(campaign=campaign, ended_at=None)
    items = {item.sku.code: item for item in taking_part.filter(sku__code__in=wanted).select_related("sku", "listing")}
    errors = [
        FieldError(
            f"skus.{n}", "ERR_SKU_UNKNOWN", _("%(sku)s does not take part in this campaign.") % {"sku": sku[:64]}
        )
        for n, sku in enumerate(wanted)
        if sku not in items
    ]
    if not wanted:
        errors.append(FieldError("skus", "ERR_REQUIRED", _("Name at least one item.")))
    least = max(1, campaign.min_items)
    if not errors and taking_part.count() - len(items) < least:
        errors.append(FieldError("skus", "ERR_MIN_ITEMS", _("At least %(n)s items have to take part.") % {"n": least}))
    refuse(errors)
    return [items[sku] for sku in wanted]


def _guard(
    store: Store,
    campaign: Campaign,
    sku_ids: Sequence[int],
    actor: Actor,
    now: datetime,
    passing: frozenset[str],
    action: str = "cancel",
) -> None:
    """The guards of a cancel, over these items alone where a guard looks at items. That an item leaves is what ends its conflict (R30)."""
    case = guards.Case(store, [campaign], action, actor, now, only_skus=tuple(sku_ids))
    rows = guards.evaluate(case, skip=guards.CHECKED_BY_VERBS | passing | {"ERR_CLOSE_PRICE_CONFLICT"})[campaign.pk]
    blockers = [row for row in rows if row.blocks]
    if blockers:
        detail = " ".join(str(row.detail) for row in blockers)
        raise Conflict(blockers[0].code, detail, blockers=[row.as_dict() for row in blockers])
