"""Coupons that live and die with a campaign: the links, the verbs that make and end them, and what the coupon room asks of them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import QuerySet, Sum
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import about, verb
from campaigns import coupon_acts, finding
from campaigns.models import Campaign, CampaignCoupon, CampaignState
from campaigns.writing import refuse
from core import clock, codes
from core.errors import Conflict, FieldError
from coupons import finding as coupon_finding
from coupons import links, shortages, stopping, telling
from coupons.models import Bond, Coupon, CouponState, PausedBy, Reservation
from coupons.shortages import Shortage
from policies.rules import CampaignRules

S = CampaignState
RIGHT, COUPON_RIGHT = "campaigns.edit", "coupons.manage"
#: Campaigns that a coupon may join: those that are not over and are not being called off.
LINKABLE = (S.DRAFT, S.IN_REVIEW, S.SCHEDULED, S.RUNNING, S.PAUSED)
#: A coupon leaves before its campaign has died; what died stays as it was recorded.
LEAVABLE = (*LINKABLE, S.REJECTED)
OPEN = (CouponState.DRAFT, CouponState.ACTIVE, CouponState.PAUSED)


class Links:
    """The campaign room's side of `coupons.links`."""

    def choices(self, store: Store, *, now: datetime) -> list[tuple[str, str]]:
        """(code, label) of the campaigns that a new coupon may be linked to, newest first; one query."""
        most = policies.active(CampaignRules, now).link_choices
        rows = Campaign.objects.filter(store=store, state__in=LINKABLE, ends_at__gt=now).order_by("-id")[:most]
        return [(row.code, f"{row.label} · {row.code}") for row in rows]

    def refusal(self, store: Store, code: str, starts_at: datetime, ends_at: datetime) -> FieldError | None:
        """Why a coupon with this window cannot be linked to this campaign. One that only reaches beyond it is held within it."""
        campaign = Campaign.objects.filter(store=store, code=codes.normalise(code)).first()
        if campaign is None:
            return FieldError("campaign", "ERR_NOT_FOUND", str(finding.unknown(code).detail))
        return _refusal(campaign, starts_at, ends_at, clock.now())

    def link(self, coupon: Coupon, code: str, *, actor: Actor, now: datetime) -> None:
        """Link a coupon within the transaction that made it."""
        store = coupon.store
        check(actor, store, RIGHT, now=now)
        campaign = finding.locked(Campaign.objects.filter(store=store, code=codes.normalise(code))).first()
        if campaign is None:
            raise finding.unknown(code)
        _join(campaign, coupon, actor=actor, now=now)

    def of(self, store_id: int, coupon_ids: Collection[int]) -> dict[int, links.Linked]:
        """The campaigns of these coupons, by coupon; one query."""
        rows = CampaignCoupon.objects.filter(store_id=store_id, coupon_id__in=list(coupon_ids)).select_related(
            "campaign"
        )
        return {row.coupon_id: _linked(row.campaign) for row in rows}

    def own_window(self, coupon: Coupon) -> tuple[datetime, datetime] | None:
        """The window that the coupon was given, of which its campaign may leave a part; None without a campaign."""
        row = CampaignCoupon.objects.filter(coupon=coupon).first() if coupon.bond else None
        return None if row is None else (row.own_starts_at, row.own_ends_at)

    def moved(self, coupon: Coupon, *, actor: Actor, now: datetime) -> None:
        """A linked draft was given another window: keep it as its own, and hold it within its campaign's."""
        link = CampaignCoupon.objects.filter(coupon=coupon).select_related("campaign__store").first()
        if link is None:
            return
        link.own_starts_at, link.own_ends_at = coupon.starts_at, coupon.ends_at
        link.save(update_fields=["own_starts_at", "own_ends_at"])
        coupon_acts.realign(link.campaign, actor=actor, now=now)


def join() -> None:
    """Say to the coupon room where the links are."""
    links.join(Links())


@verb("campaign.link_coupon", right=RIGHT)
def link_coupon(
    store: Store, code: str, coupon_code: str, *, version: int | None = None, actor: Actor, now: datetime
) -> Campaign:
    """Link a coupon of the store to a campaign: from now on it lives and dies with it. One that is linked to it already stays as it is.

    Needs `campaigns.edit` and `coupons.manage`; `version` is the coupon's as the caller read it. Raises NotFound, VersionConflict,
    Conflict: ERR_STATE or ERR_CLOSE_ENDED where one of them is over, ERR_COUPON_LINKED, ERR_COUPON_WINDOW when their windows share no
    moment.
    """
    check(actor, store, RIGHT, now=now)
    _ensure_named(coupon_code)
    check(actor, store, COUPON_RIGHT, now=now)
    campaign = finding.lock(store, code)
    coupon = coupon_finding.lock(store, coupon_code)
    about(finding.target(campaign, store))
    if CampaignCoupon.objects.filter(campaign=campaign, coupon=coupon).exists():
        return campaign
    coupon_finding.check_version(coupon, version)
    if coupon.state not in OPEN:
        message = _("%(code)s is “%(state)s”; a coupon that is over joins no campaign.")
        raise Conflict("ERR_STATE", message % {"code": coupon.code, "state": coupon.get_state_display()})
    refusal = _refusal(campaign, coupon.starts_at, coupon.ends_at, now)
    if refusal is not None:
        raise Conflict(refusal.code, refusal.message, state=campaign.state)
    _join(campaign, coupon, actor=actor, now=now)
    coupon_acts.stand(campaign, coupon, actor=actor, right=RIGHT, now=now)
    return campaign


@verb("campaign.unlink_coupon", right=RIGHT)
def unlink_coupon(
    store: Store, code: str, coupon_code: str, *, version: int | None = None, actor: Actor, now: datetime
) -> Campaign:
    """Take a coupon out of a campaign that is not over: it stands on its own again, with its own window. What the campaign stopped stays
    stopped until a person resumes it.

    `version` is the coupon's as the caller read it. Raises NotFound, also for a coupon of another campaign, VersionConflict, Conflict
    ERR_STATE once the campaign is closed or being called off.
    """
    check(actor, store, RIGHT, now=now)
    _ensure_named(coupon_code)
    check(actor, store, COUPON_RIGHT, now=now)
    campaign = finding.lock(store, code)
    coupon = coupon_finding.lock(store, coupon_code)
    about(finding.target(campaign, store))
    link = CampaignCoupon.objects.filter(campaign=campaign, coupon=coupon).first()
    if link is None:
        raise coupon_finding.unknown(coupon_code)
    coupon_finding.check_version(coupon, version)
    if campaign.state not in LEAVABLE or campaign.ends_at <= now:
        message = _("%(code)s is over or is being called off: its coupons go with it.") % {"code": campaign.code}
        raise Conflict("ERR_STATE", message, state=campaign.state)
    if link.froze:
        stopping.unfreeze([coupon.pk], actor=actor, right=RIGHT, now=now)
    changes: dict[str, object] = {"bond": Bond.NONE, "version": coupon.version + 1, "updated_at": now}
    if coupon.state in OPEN:
        changes |= {"starts_at": link.own_starts_at, "ends_at": link.own_ends_at}
    if coupon.paused_by == PausedBy.CAMPAIGN:
        changes["paused_by"] = PausedBy.OPERATOR
    link.delete()
    Coupon.objects.filter(pk=coupon.pk).update(**changes)
    _record("campaign.unlink_coupon", campaign, coupon, {"coupon": coupon.code}, {}, actor, now)
    return campaign


def die_with_draft(campaign: Campaign, *, actor: Actor, now: datetime) -> int:
    """Void the coupons of a draft that is being deleted; answers how many."""
    done = coupon_acts.void([campaign], reason=telling.CAMPAIGN_DELETED, actor=actor, right=RIGHT, now=now)
    ids = list(CampaignCoupon.objects.filter(campaign=campaign).values_list("coupon_id", flat=True))
    Coupon.objects.filter(pk__in=ids).update(bond=Bond.NONE)
    return done[campaign.pk].coupons if campaign.pk in done else 0


@dataclass(frozen=True, slots=True)
class LinkedCoupon:
    """A coupon of a campaign as the campaign's page shows it: claimed and not used, units of stock it holds, what it could not hold."""

    coupon: Coupon
    unused: int
    units: int
    shortage: Shortage


def rows_of(campaign: Campaign) -> QuerySet[Coupon]:
    """The coupons of a campaign with their counters, newest first."""
    return Coupon.objects.filter(campaign_link__campaign=campaign).select_related("tally").order_by("-id")


def coupons_of(campaign: Campaign) -> list[LinkedCoupon]:
    """The coupons of a campaign, newest first; four queries, one where there are none."""
    rows = CampaignCoupon.objects.filter(campaign=campaign).select_related("coupon__tally").order_by("-coupon_id")
    found: Sequence[Coupon] = [row.coupon for row in rows]
    if not found:
        return []
    ids = [coupon.pk for coupon in found]
    unused = stopping.unused(ids)
    held = Reservation.objects.filter(coupon__in=ids).order_by().values_list("coupon_id")
    units: dict[int, int] = dict(held.annotate(n=Sum("units")))
    short = shortages.of([coupon.pk for coupon in found if coupon.state == CouponState.ACTIVE])
    return [
        LinkedCoupon(one, unused.get(one.pk, 0), units.get(one.pk, 0), short.get(one.pk, Shortage())) for one in found
    ]


def open_for(store: Store, campaign: Campaign) -> list[tuple[str, str]]:
    """(code, label) of the store's coupons that may join this campaign, newest first."""
    most = policies.active(CampaignRules, clock.now()).link_choices
    rows = Coupon.objects.filter(
        store=store, state__in=OPEN, bond=Bond.NONE, ends_at__gt=campaign.starts_at, starts_at__lt=campaign.ends_at
    )
    return [(row.code, f"{row.label or row.code} · {row.code}") for row in rows.order_by("-id")[:most]]


# -- helpers -----------------------------------------------------------------------------------------------------------------


def _ensure_named(coupon_code: str) -> None:
    if not coupon_code.strip():
        refuse([FieldError("coupon", "ERR_REQUIRED", _("Name a coupon."))])


def _refusal(campaign: Campaign, starts_at: datetime, ends_at: datetime, now: datetime) -> FieldError | None:
    if campaign.state not in LINKABLE or campaign.ends_at <= now:
        message = _("%(code)s is over, or is being stopped for good.") % {"code": campaign.code}
        return FieldError("campaign", "ERR_CLOSE_ENDED", message)
    if max(starts_at, campaign.starts_at) >= min(ends_at, campaign.ends_at):
        message = _("The coupon and %(code)s share no moment: look at their times.") % {"code": campaign.code}
        return FieldError("campaign", "ERR_COUPON_WINDOW", message)
    return None


def _join(campaign: Campaign, coupon: Coupon, *, actor: Actor, now: datetime) -> None:
    """Write the link, the bond, and the window that lies within the campaign's."""
    link = CampaignCoupon(
        store_id=campaign.store_id,
        campaign=campaign,
        coupon=coupon,
        own_starts_at=coupon.starts_at,
        own_ends_at=coupon.ends_at,
        linked_at=now,
    )
    try:
        with transaction.atomic():
            link.save(force_insert=True)
    except IntegrityError as error:
        if "coupon_id" not in str(error):
            raise
        message = _("%(code)s belongs to a campaign already.") % {"code": coupon.code}
        raise Conflict("ERR_COUPON_LINKED", message) from None
    starts_at, ends_at = max(coupon.starts_at, campaign.starts_at), min(coupon.ends_at, campaign.ends_at)
    bond = coupon_acts.bond_of(campaign)
    Coupon.objects.filter(pk=coupon.pk).update(
        bond=bond, starts_at=starts_at, ends_at=ends_at, version=coupon.version + 1, updated_at=now
    )
    coupon.bond, coupon.starts_at, coupon.ends_at, coupon.version = bond, starts_at, ends_at, coupon.version + 1
    _record("campaign.link_coupon", campaign, coupon, {}, {"coupon": coupon.code}, actor, now)


def _linked(campaign: Campaign) -> links.Linked:
    return links.Linked(campaign.code, campaign.label, campaign.state, campaign.state == S.RUNNING)


def _record(
    action: str,
    campaign: Campaign,
    coupon: Coupon,
    before: dict[str, object],
    after: dict[str, object],
    actor: Actor,
    now: datetime,
) -> None:
    target = finding.target(campaign, coupon.store)
    record(Entry(action, target, before=before, after=after, right=RIGHT), actor=actor, now=now)
