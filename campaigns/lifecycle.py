"""From draft to start: create, edit, items, submit, delete, copy.

The review is `campaigns.reviewing`, stopping `campaigns.stopping`, the end `campaigns.closing`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.verbs import about, verb
from campaigns import check_plan, coupon_acts, coupon_links, entry, finding, items, offers, page_copy
from campaigns.caps import check_reach
from campaigns.checking import GoodItem, check_items, check_text, check_window, managed_items, warnings_of
from campaigns.end_time import ensure_may_end_at
from campaigns.events import Event, tell
from campaigns.inputs import EDITABLE, CampaignInput, ItemInput
from campaigns.kinds import offered, read_rules, spec
from campaigns.listed import Listed
from campaigns.models import Campaign, CampaignItem, CampaignState
from campaigns.outcomes import Saved
from campaigns.starting import start_now
from campaigns.writing import RIGHT, ensure_state, person, record_change, refuse, save, settings_of, wrong_state
from core import codes
from core.errors import Conflict, FieldError

S = CampaignState
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
    values = {"name": data.name, "name_zh": data.name_zh, "min_items": data.min_items}
    rules, faults = read_rules(kind, data.rules, store.currency)
    errors = [*check_text(values, now), *faults, *check_window(data.starts_at, data.ends_at, now)]
    good, wrong = check_items(store, data.items, kind, now)
    refuse([*errors, *wrong])
    _check_caps(store, good, actor, now)
    campaign = _insert(
        store,
        kind=data.kind,
        name=data.name.strip(),
        name_zh=data.name_zh.strip(),
        starts_at=data.starts_at,
        ends_at=data.ends_at,
        rules=rules,
        price_protected=data.price_protected,
        logistics_guarantee=data.logistics_guarantee,
        min_items=data.min_items,
        stacks=data.stacks,
        created_by=person(actor),
        created_at=now,
        updated_at=now,
    )
    items.put(campaign, good)
    record_change("campaign.create", campaign, store, {}, settings_of(campaign), actor, now)
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
    errors = check_text(changes, now)
    if "rules" in changes:
        rules, faults = read_rules(kind, changes["rules"], store.currency)
        changes, errors = {**changes, "rules": rules}, errors + faults
    if {"starts_at", "ends_at"} & set(changes):
        errors += check_window(starts_at, ends_at, now)
    good: list[GoodItem] = []
    if "items" in changes:
        good, wrong = check_items(store, changes["items"], kind, now)
        errors += wrong
    refuse(errors)
    ensure_may_end_at(store, campaign, ends_at, actor=actor, now=now)
    if "items" in changes:
        _check_caps(store, good, actor, now)
    else:
        check_reach(store, campaign, RIGHT, actor=actor, now=now)
    before = settings_of(campaign)
    for name, value in changes.items():
        if name != "items":
            setattr(campaign, name, value.strip() if isinstance(value, str) else value)
    if "items" in changes:
        items.put(campaign, good, replace=True)
    if campaign.state == S.SCHEDULED and {"items", "min_items"} & set(changes):
        refuse(_too_few(campaign, "items" if "items" in changes else "min_items"))
    save(campaign, now)
    if {"starts_at", "ends_at"} & set(changes):
        coupon_acts.realign(campaign, actor=actor, now=now)
    if campaign.started_at is not None:
        offers.reset([campaign], now=now)
    record_change("campaign.edit", campaign, store, before, settings_of(campaign), actor, now)
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

    While the campaign runs they are before buyers at once; an item that had left it alone takes part again, at the price it had.
    """
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    kind = spec(campaign.kind)
    allowed = {S.DRAFT, S.SCHEDULED} | ({S.RUNNING, S.PAUSED} if kind.items_while_running else set())
    ensure_state(campaign, allowed, now)
    ensure_own(campaign)
    if not new:
        refuse([FieldError("items", "ERR_REQUIRED", _("Name at least one item."))])
    good, wrong = check_items(store, new, kind, now, present=campaign.item_count)
    if campaign.started_at is not None:
        wrong += _fixed_prices(campaign, good)
    refuse(wrong)
    before, back = campaign.item_count, _had_left(campaign, good)
    items.put(campaign, good)
    _check_caps(store, good, actor, now, campaign)
    save(campaign, now)
    if campaign.state == S.RUNNING:
        offers.switch_on([campaign], now=now)
        if back:
            check_plan.forgive([campaign.pk], now=now, listings=back)
    change = {"items": campaign.item_count, "added": [item.sku for item in new][:100], "count": len(new)}
    record_change("campaign.add_items", campaign, store, {"items": before}, change, actor, now)
    return Saved(campaign, warnings_of(campaign, now))


@verb("campaign.remove_items", right=RIGHT)
def remove_items(
    store: Store, code: str, skus: Sequence[str], *, version: int | None = None, actor: Actor, now: datetime
) -> Saved:
    """Take items out before the start (移除商品). What was handed in keeps as many as it needs (R160)."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    ensure_state(campaign, {S.DRAFT, S.SCHEDULED}, now)
    ensure_own(campaign)
    if not skus:
        refuse([FieldError("skus", "ERR_REQUIRED", _("Name at least one item."))])
    inside = set(
        CampaignItem.objects.filter(campaign=campaign, sku__code__in=list(skus)).values_list("sku__code", flat=True)
    )
    refuse(
        FieldError(f"skus.{index}", "ERR_SKU_UNKNOWN", _("%(sku)s is not in this campaign.") % {"sku": sku[:64]})
        for index, sku in enumerate(skus)
        if sku not in inside
    )
    before = campaign.item_count
    if campaign.state == S.SCHEDULED:
        going = CampaignItem.objects.filter(campaign=campaign, sku__code__in=list(skus)).select_related(
            "sku", "listing"
        )
        page_copy.ask(campaign, list(going.order_by("id")), now=now)
    items.remove(campaign, skus)
    if campaign.state == S.SCHEDULED:
        refuse(_too_few(campaign, "skus"))
    save(campaign, now)
    change = {"items": campaign.item_count, "removed": list(skus)[:100]}
    record_change("campaign.remove_items", campaign, store, {"items": before}, change, actor, now)
    return Saved(campaign, warnings_of(campaign, now))


@verb("campaign.submit", right=RIGHT)
def submit(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Campaign:
    """Hand a draft in: kinds that are reviewed wait for platform staff, others are scheduled; one whose start has come starts at once."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    ensure_state(campaign, {S.DRAFT}, now)
    entry.ensure_may_enter(store, now=now)
    check_reach(store, campaign, RIGHT, actor=actor, now=now)
    errors = check_window(campaign.starts_at, campaign.ends_at, now)
    refuse([*errors, *_too_few(campaign, "items"), *managed_items(campaign, now)])
    if spec(campaign.kind).reviewed:
        campaign.submit_for_review()
        campaign.submitted_at, campaign.reviewed_at = now, None
        campaign.reviewed_by = campaign.review_reason = campaign.review_note = ""
    else:
        campaign.schedule()
    save(campaign, now)
    record_change("campaign.submit", campaign, store, {"state": S.DRAFT}, {"state": campaign.state}, actor, now)
    tell([Event("campaign.submitted", campaign, {"state": campaign.state})], now=now)
    if campaign.state == S.SCHEDULED and campaign.starts_at <= now:
        start_now([campaign], now=now, actor=actor)
    return campaign


@verb("campaign.delete", right=RIGHT)
def delete_draft(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> None:
    """Delete a draft for good; everything later is history and stays (R37)."""
    check(actor, store, RIGHT, now=now)
    campaign = finding.lock(store, code, version=version)
    if campaign.state != S.DRAFT:
        raise wrong_state(campaign, {S.DRAFT})
    coupon_links.die_with_draft(campaign, actor=actor, now=now)
    record_change("campaign.delete", campaign, store, settings_of(campaign), {}, actor, now)
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
    refuse(check_window(start, end, now))
    kept = ("kind", "name_zh", "rules", "price_protected", "logistics_guarantee", "min_items", "stacks")
    campaign = _insert(
        store,
        **{field: getattr(source, field) for field in kept},
        name=name.strip() or source.name,
        starts_at=start,
        ends_at=end,
        created_by=person(actor),
        created_at=now,
        updated_at=now,
    )
    items.copy(source, campaign)
    record_change("campaign.copy", campaign, store, {"copied_from": source.code}, settings_of(campaign), actor, now)
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


def _too_few(campaign: Campaign, field: str) -> list[FieldError]:
    """What keeps a campaign with so few items from being handed in, or staying so; items that left alone do not count. One query."""
    found = CampaignItem.objects.filter(campaign=campaign, ended_at=None).count()
    errors = []
    if not found and spec(campaign.kind).needs_items:
        errors.append(FieldError(field, "ERR_NO_ITEMS", _("A campaign needs at least one item.")))
    if found < campaign.min_items:
        message = _("At least %(n)s items have to take part.") % {"n": campaign.min_items}
        errors.append(FieldError(field, "ERR_MIN_ITEMS", message))
    return errors


def _had_left(campaign: Campaign, good: Sequence[GoodItem]) -> list[int]:
    """The listings of those items that had left the campaign alone."""
    if campaign.started_at is None:
        return []
    gone = CampaignItem.objects.filter(
        campaign=campaign, sku__in=[item.sku_id for item in good], ended_at__isnull=False
    )
    return list(gone.values_list("listing_id", flat=True))


def _fixed_prices(campaign: Campaign, good: Sequence[GoodItem]) -> list[FieldError]:
    """Once it has started, the price of an item that is in stays what buyers were promised."""
    inside = CampaignItem.objects.filter(campaign=campaign, sku__in=[item.sku_id for item in good])
    standing = dict(inside.values_list("sku_id", "price"))
    return [
        FieldError(f"{item.where}.price", "ERR_PRICE_FIXED", _("%(sku)s is in with another price.") % {"sku": item.sku})
        for item in good
        if item.sku_id in standing and item.price != standing[item.sku_id]
    ]


def is_own(campaign: Campaign | Listed) -> bool:
    """Whether the settings are still the store's: not those of a promotion that was handed in (R21), nor of what the platform enforces."""
    handed_in = spec(campaign.kind).by_platform and campaign.state not in (S.DRAFT, S.REJECTED)
    return not (handed_in or campaign.platform_enforced)


def ensure_own(campaign: Campaign) -> None:
    """Raise Conflict where the settings are the platform's (R21, R25)."""
    if campaign.platform_enforced:
        code, words = "ERR_CLOSE_PLATFORM_ENFORCED", _("The platform enforces %(code)s: nothing of it can be changed.")
    elif not is_own(campaign):
        code, words = (
            "ERR_CLOSE_PLATFORM_LOCKED",
            _("%(code)s was handed in to the platform: nothing of it can be changed."),
        )
    else:
        return
    raise Conflict(code, words % {"code": campaign.code}, state=campaign.state)


def _ensure_open(campaign: Campaign, changes: Mapping[str, Any], now: datetime) -> None:
    unknown = sorted(set(changes) - EDITABLE)
    if unknown:
        refuse(FieldError(name, "ERR_UNKNOWN_FIELD", _("This cannot be changed.")) for name in unknown)
    ensure_state(campaign, set(OPEN_FIELDS), now)
    ensure_own(campaign)
    closed = sorted(set(changes) - OPEN_FIELDS[campaign.state])
    if closed:
        raise Conflict(
            "ERR_STATE",
            _("While the campaign is “%(state)s” only these can change: %(open)s.")
            % {"state": campaign.get_state_display(), "open": ", ".join(sorted(OPEN_FIELDS[campaign.state]))},
            state=campaign.state,
            fields=closed,
        )
