"""From draft to start: create, edit, items, submit, review, withdraw, delete, copy (design.md §4).

Stopping is `campaigns.stopping`, the end is `campaigns.closing`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Store, User
from accounts.rights import check, check_staff
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import about, verb
from campaigns import entry, finding, items, offers
from campaigns.caps import check_reach
from campaigns.checking import GoodItem, check_items, check_text, check_window, warnings_of
from campaigns.events import Event, tell
from campaigns.inputs import EDITABLE, CampaignInput, ItemInput
from campaigns.kinds import offered, spec
from campaigns.models import Campaign, CampaignItem, CampaignState
from campaigns.outcomes import Saved
from campaigns.starting import start_now
from core import codes, display
from core.errors import Conflict, FieldError, InvalidInput

S = CampaignState
RIGHT = "campaigns.edit"
ATTEMPTS = 8

#: What may still be changed, by state. While it runs, its end may move; everything else stays as buyers were promised.
OPEN_FIELDS: dict[str, frozenset[str]] = {
    S.DRAFT: EDITABLE,
    S.SCHEDULED: EDITABLE,
    S.RUNNING: frozenset({"ends_at"}),
    S.PAUSED: frozenset({"ends_at"}),
}


@verb("campaign.create", right=RIGHT)
def create_campaign(store: Store, data: CampaignInput, *, actor: Actor, now: datetime) -> Saved:
    """Make a draft with its items. Raises InvalidInput with every broken field at once; overlaps and below-cost prices only warn."""
    check(actor, store, RIGHT, now=now)
    entry.ensure_may_enter(store, now=now)
    kind = offered(data.kind)
    values = {"name": data.name, "name_zh": data.name_zh, "min_items": data.min_items, "rules": data.rules}
    errors = [*check_text(values, kind, now), *check_window(data.starts_at, data.ends_at, now)]
    good, wrong = check_items(store, data.items, kind, now)
    _refuse([*errors, *wrong])
    _check_caps(store, good, actor, now)
    campaign = _insert(
        store,
        kind=data.kind,
        name=data.name.strip(),
        name_zh=data.name_zh.strip(),
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        rules=dict(data.rules),
        price_protected=data.price_protected,
        logistics_guarantee=data.logistics_guarantee,
        min_items=data.min_items,
        stacks=data.stacks,
        created_by=_person(actor),
        created_at=now,
        updated_at=now,
    )
    items.put(campaign, good)
    _record("campaign.create", campaign, store, {}, _settings(campaign), actor, now)
    return Saved(campaign, warnings_of(campaign, now))


@verb("campaign.edit", right=RIGHT)
def edit_campaign(
    store: Store,
    code: str,
    changes: Mapping[str, Any],
    *,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Saved:
    """Change what the state leaves open (`OPEN_FIELDS`); `items` replaces the list. Before the end only; audited with before and after.

    Raises InvalidInput with every broken field, Conflict ERR_STATE for a field that is closed, VersionConflict.
    """
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    _ensure_open(campaign, changes, now)
    kind = spec(campaign.kind)
    starts_at, ends_at = changes.get("starts_at", campaign.starts_at), changes.get("ends_at", campaign.ends_at)
    errors = check_text(changes, kind, now)
    if {"starts_at", "ends_at"} & set(changes):
        errors += check_window(starts_at, ends_at, now)
    good: list[GoodItem] = []
    if "items" in changes:
        good, wrong = check_items(store, changes["items"], kind, now)
        errors += wrong
    _refuse(errors)
    if "items" in changes:
        _check_caps(store, good, actor, now)
    else:
        check_reach(store, campaign, RIGHT, actor=actor, now=now)
    before = _settings(campaign)
    for name, value in changes.items():
        if name != "items":
            setattr(campaign, name, value.strip() if isinstance(value, str) else value)
    if "items" in changes:
        items.put(campaign, good, replace=True)
    _save(campaign, now)
    if campaign.started_at is not None:
        offers.reset([campaign], now=now)
    _record("campaign.edit", campaign, store, before, _settings(campaign), actor, now)
    if campaign.state == S.SCHEDULED and campaign.starts_at <= now:
        start_now([campaign], now=now, actor=actor)
    return Saved(campaign, warnings_of(campaign, now))


@verb("campaign.add_items", right=RIGHT)
def add_items(
    store: Store,
    code: str,
    new: Sequence[ItemInput],
    *,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Saved:
    """Add items (a SKU that is there gets the new price): before the start, and while running where the kind allows.

    While the campaign runs they are before buyers at once.
    """
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    kind = spec(campaign.kind)
    allowed = {S.DRAFT, S.SCHEDULED} | ({S.RUNNING, S.PAUSED} if kind.items_while_running else set())
    _ensure_state(campaign, allowed, now)
    if not new:
        _refuse([FieldError("items", "ERR_REQUIRED", _("Name at least one item."))])
    good, wrong = check_items(store, new, kind, now, present=campaign.item_count)
    if campaign.started_at is not None:
        wrong += _fixed_prices(campaign, good)
    _refuse(wrong)
    before = campaign.item_count
    items.put(campaign, good)
    _check_caps(store, good, actor, now, campaign)
    _save(campaign, now)
    if campaign.state == S.RUNNING:
        offers.switch_on([campaign], now=now)
    change = {"items": campaign.item_count, "added": [item.sku for item in new][:100], "count": len(new)}
    _record("campaign.add_items", campaign, store, {"items": before}, change, actor, now)
    return Saved(campaign, warnings_of(campaign, now))


@verb("campaign.remove_items", right=RIGHT)
def remove_items(
    store: Store, code: str, skus: Sequence[str], *, version: int | None = None, actor: Actor, now: datetime
) -> Saved:
    """Take items out before the start (移除商品)."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    _ensure_state(campaign, {S.DRAFT, S.SCHEDULED}, now)
    inside = set(
        CampaignItem.objects.filter(campaign=campaign, sku__code__in=list(skus)).values_list("sku__code", flat=True)
    )
    _refuse(
        FieldError(f"skus.{index}", "ERR_SKU_UNKNOWN", _("%(sku)s is not in this campaign.") % {"sku": sku[:64]})
        for index, sku in enumerate(skus)
        if sku not in inside
    )
    before = campaign.item_count
    items.remove(campaign, skus)
    _save(campaign, now)
    change = {"items": campaign.item_count, "removed": list(skus)[:100]}
    _record("campaign.remove_items", campaign, store, {"items": before}, change, actor, now)
    return Saved(campaign, warnings_of(campaign, now))


@verb("campaign.submit", right=RIGHT)
def submit(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Campaign:
    """Hand a draft in: kinds that are reviewed wait for platform staff, others are scheduled; one whose start has come starts at once."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    _ensure_state(campaign, {S.DRAFT}, now)
    entry.ensure_may_enter(store, now=now)
    check_reach(store, campaign, RIGHT, actor=actor, now=now)
    errors = check_window(campaign.starts_at, campaign.ends_at, now)
    if campaign.item_count == 0:
        errors.append(FieldError("items", "ERR_NO_ITEMS", _("A campaign needs at least one item.")))
    if campaign.item_count < campaign.min_items:
        message = _("At least %(n)s items have to take part.") % {"n": campaign.min_items}
        errors.append(FieldError("items", "ERR_MIN_ITEMS", message))
    _refuse(errors)
    if spec(campaign.kind).reviewed:
        campaign.submit_for_review()
    else:
        campaign.schedule()
    _save(campaign, now)
    _record("campaign.submit", campaign, store, {"state": S.DRAFT}, {"state": campaign.state}, actor, now)
    tell([Event("campaign.submitted", campaign, {"state": campaign.state})], now=now)
    if campaign.state == S.SCHEDULED and campaign.starts_at <= now:
        start_now([campaign], now=now, actor=actor)
    return campaign


@verb("campaign.approve")
def approve(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Campaign:
    """Platform staff let an enrolment in; it starts at once when its start has come."""
    check_staff(actor)
    campaign = finding.lock(store, code, version=version)
    _ensure_state(campaign, {S.IN_REVIEW}, now)
    campaign.approve()
    _save(campaign, now)
    _record("campaign.approve", campaign, store, {"state": S.IN_REVIEW}, {"state": campaign.state}, actor, now)
    tell([Event("campaign.approved", campaign, {"state": campaign.state})], now=now)
    if campaign.starts_at <= now:
        start_now([campaign], now=now, actor=actor)
    return campaign


@verb("campaign.reject")
def reject(
    store: Store, code: str, *, reason: str, version: int | None = None, actor: Actor, now: datetime
) -> Campaign:
    """Platform staff refuse an enrolment, with a reason."""
    check_staff(actor)
    campaign = finding.lock(store, code, version=version)
    if campaign.state != S.IN_REVIEW:
        raise _wrong_state(campaign, {S.IN_REVIEW})
    campaign.reject()
    campaign.stop_reason, campaign.stop_note = "rejected", reason.strip()[:500]
    _save(campaign, now)
    _record("campaign.reject", campaign, store, {"state": S.IN_REVIEW}, {"state": campaign.state}, actor, now, reason)
    tell([Event("campaign.rejected", campaign, {"state": campaign.state})], now=now)
    return campaign


@verb("campaign.revise", right=RIGHT)
def revise(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Campaign:
    """A rejected enrolment back to the desk, as a draft."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    if campaign.state != S.REJECTED:
        raise _wrong_state(campaign, {S.REJECTED})
    campaign.revise()
    campaign.stop_reason = campaign.stop_note = ""
    _save(campaign, now)
    _record("campaign.revise", campaign, store, {"state": S.REJECTED}, {"state": campaign.state}, actor, now)
    return campaign


@verb("campaign.withdraw", right=RIGHT)
def withdraw_enrolment(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Campaign:
    """撤销报名: out of review, back to a draft; platform promotions by staff only (R21)."""
    campaign = finding.lock(store, code, version=version)
    if spec(campaign.kind).staff_withdraw:
        check_staff(actor)
    else:
        check(actor, store, RIGHT, now=now)
    if campaign.state != S.IN_REVIEW:
        raise _wrong_state(campaign, {S.IN_REVIEW})
    campaign.withdraw_enrolment()
    _save(campaign, now)
    _record("campaign.withdraw", campaign, store, {"state": S.IN_REVIEW}, {"state": campaign.state}, actor, now)
    return campaign


@verb("campaign.delete", right=RIGHT)
def delete_draft(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> None:
    """Delete a draft for good; everything later is history and stays (R37)."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    if campaign.state != S.DRAFT:
        raise _wrong_state(campaign, {S.DRAFT})
    _record("campaign.delete", campaign, store, _settings(campaign), {}, actor, now)
    campaign.delete()


@verb("campaign.copy", right=RIGHT)
def copy_as_draft(
    store: Store,
    code: str,
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    name: str = "",
    actor: Actor,
    now: datetime,
) -> Saved:
    """复制为新活动: the same settings and items as a new draft. Without times it starts a day from now and lasts as long as the first."""
    check(actor, store, RIGHT, now=now)
    source = finding.get(store, code)
    about(finding.target(source, store))
    entry.ensure_may_enter(store, now=now)
    check_reach(store, source, RIGHT, actor=actor, now=now)
    offered(source.kind)
    start = starts_at or (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    end = ends_at or start + (source.ends_at - source.starts_at)
    _refuse(check_window(start, end, now))
    kept = ("kind", "name_zh", "rules", "price_protected", "logistics_guarantee", "min_items", "stacks")
    campaign = _insert(
        store,
        **{field: getattr(source, field) for field in kept},
        name=name.strip() or source.name,
        starts_at=start,
        ends_at=end,
        created_by=_person(actor),
        created_at=now,
        updated_at=now,
    )
    items.copy(source, campaign)
    _record("campaign.copy", campaign, store, {"copied_from": source.code}, _settings(campaign), actor, now)
    return Saved(campaign, warnings_of(campaign, now))


# -- helpers -----------------------------------------------------------------------------------------------------------------


def _insert(store: Store, **values: Any) -> Campaign:
    """Write the row under a fresh code; a code that is taken is thrown again."""
    for attempt in range(1, ATTEMPTS + 1):
        try:
            with transaction.atomic():
                return Campaign.objects.create(store=store, code=codes.new_code("C"), **values)
        except IntegrityError as error:
            if attempt == ATTEMPTS or "campaigns_campaign_code" not in str(error):
                raise
    raise AssertionError("unreachable")


def _save(campaign: Campaign, now: datetime) -> None:
    campaign.version += 1
    campaign.updated_at = now
    campaign.save()


def _refuse(errors: Iterable[FieldError]) -> None:
    wrong = list(errors)
    if wrong:
        detail = str(wrong[0].message) if len(wrong) == 1 else _("%(n)s things are not right.") % {"n": len(wrong)}
        raise InvalidInput(detail, wrong)


def _check_caps(
    store: Store, good: Sequence[GoodItem], actor: Actor, now: datetime, campaign: Campaign | None = None
) -> None:
    """Stay inside the lent right: the listings of the whole campaign, the deepest discount of what is being written."""
    if not good:
        return
    listings = len({item.listing_id for item in good})
    if campaign is not None:
        listings = CampaignItem.objects.filter(campaign=campaign).values("listing_id").distinct().count()
    check(actor, store, RIGHT, now=now, listings=listings, percent_off=max(item.percent_off for item in good))


def _fixed_prices(campaign: Campaign, good: Sequence[GoodItem]) -> list[FieldError]:
    """Once it has started, the price of an item that is in stays what buyers were promised."""
    inside = CampaignItem.objects.filter(campaign=campaign, sku__in=[item.sku_id for item in good])
    standing = dict(inside.values_list("sku_id", "price"))
    return [
        FieldError(f"{item.where}.price", "ERR_PRICE_FIXED", _("%(sku)s is in with another price.") % {"sku": item.sku})
        for item in good
        if item.sku_id in standing and item.price != standing[item.sku_id]
    ]


def _ensure_open(campaign: Campaign, changes: Mapping[str, Any], now: datetime) -> None:
    unknown = sorted(set(changes) - EDITABLE)
    if unknown:
        _refuse(FieldError(name, "ERR_UNKNOWN_FIELD", _("This cannot be changed.")) for name in unknown)
    _ensure_state(campaign, set(OPEN_FIELDS), now)
    closed = sorted(set(changes) - OPEN_FIELDS[campaign.state])
    if closed:
        raise Conflict(
            "ERR_STATE",
            _("While the campaign is “%(state)s” only these can change: %(open)s.")
            % {"state": campaign.get_state_display(), "open": ", ".join(sorted(OPEN_FIELDS[campaign.state]))},
            state=campaign.state,
            fields=closed,
        )


def _ensure_state(campaign: Campaign, allowed: set[Any], now: datetime) -> None:
    """In one of the states, and a live campaign not past its end."""
    if campaign.state not in allowed:
        raise _wrong_state(campaign, allowed)
    if campaign.state not in (S.DRAFT,) and campaign.ends_at <= now:
        raise Conflict("ERR_CLOSE_ENDED", _("%(code)s has ended.") % {"code": campaign.code}, state=campaign.state)


def _wrong_state(campaign: Campaign, allowed: set[Any]) -> Conflict:
    words = display.series(CampaignState(state).label for state in sorted(allowed))
    return Conflict(
        "ERR_STATE",
        _("The campaign is “%(state)s”; this needs: %(allowed)s.")
        % {"state": campaign.get_state_display(), "allowed": words},
        state=campaign.state,
        allowed=sorted(str(state) for state in allowed),
    )


def _person(actor: Actor) -> User | None:
    return User.objects.filter(pk=actor.id).first() if actor.id is not None else None


def _settings(campaign: Campaign) -> dict[str, Any]:
    """The settings as the record keeps them."""
    names = (
        "kind", "name", "name_zh", "state", "starts_at", "ends_at", "rules", "price_protected", "logistics_guarantee",
        "min_items", "stacks", "item_count",
    )  # fmt: skip
    return {name: getattr(campaign, name) for name in names}


def _record(
    action: str,
    campaign: Campaign,
    store: Store,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    actor: Actor,
    now: datetime,
    reason: str = "",
) -> None:
    same = set(before) & set(after)
    changed = {name for name in after if name not in same or before[name] != after[name]}
    entry_ = Entry(
        action,
        finding.target(campaign, store),
        before={name: value for name, value in before.items() if name in changed or name not in after},
        after={name: after[name] for name in changed},
        reason=reason[:500],
        right="" if action in ("campaign.approve", "campaign.reject") else RIGHT,
    )
    record(entry_, actor=actor, now=now)
