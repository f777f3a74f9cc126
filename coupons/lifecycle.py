"""Verbs of one coupon after its creation: start issuing, stop, resume, void (R54, R57, R59). What they do to rows is `coupons.stopping`."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import verb
from core import money
from core.errors import Conflict, FieldError, InvalidInput
from coupons import costs, events, finding, issuing, links, shortages, stopping, telling
from coupons.models import Bond, Coupon, CouponState, CouponTally, PausedBy
from coupons.shortages import Shortage

S = CouponState
RIGHT = "coupons.manage"
LIVE = frozenset({S.ACTIVE, S.PAUSED})


@dataclass(frozen=True, slots=True)
class Acted:
    """A coupon after a verb: claimed ones that it voided, units of stock that it gave back or holds again, and what it could not hold."""

    coupon: Coupon
    claims: int = 0
    units: int = 0
    shortage: Shortage = Shortage()


@verb("coupon.activate", right=RIGHT)
def activate(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Acted:
    """Issue a draft: effective at once (R57). Everything that creation asks is asked again; its stock is held back.

    Raises what creation raises, Conflict (ERR_STATE) unless it is a draft, ERR_COUPON_WINDOW after its end, VersionConflict.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code, version=version)
    _ensure_state(coupon, {S.DRAFT})
    ensure_not_over(coupon, now)
    links.show_own_window(coupon)
    issuing.ensure_may_start(store, coupon, actor=actor, now=now)
    issuing.start([coupon], now=now)
    if coupon.bond == Bond.BOUND and not _campaign_runs(coupon):
        Coupon.objects.filter(pk=coupon.pk).update(bond=Bond.WAITS)
    record(
        Entry("coupon.activate", finding.target(coupon, store), {"state": S.DRAFT}, {"state": S.ACTIVE}, right=RIGHT),
        actor=actor,
        now=now,
    )
    fresh = _fresh(coupon)
    events.tell("coupon.activated", [events.Event(store.pk, fresh.code, fresh.version, {"state": S.ACTIVE})], now=now)
    return Acted(fresh, shortage=shortages.of([coupon.pk]).get(coupon.pk, Shortage()))


@verb("coupon.pause", right=RIGHT)
def pause(
    store: Store,
    code: str,
    *,
    reason: str = "",
    freeze_claimed: bool = False,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Acted:
    """暂停发放: no further claim; claimed ones stay usable unless `freeze_claimed` (冻结使用). Stock held back is free again.

    Raises Conflict (ERR_STATE) unless it is issued, NotFound, PermissionRefused, VersionConflict.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code, version=version)
    _ensure_state(coupon, {S.ACTIVE})
    done = stopping.stop_issuing(
        [coupon.pk], by=PausedBy.OPERATOR, actor=actor, reason=reason.strip(), freeze=freeze_claimed, right=RIGHT, now=now
    )  # fmt: skip
    return _acted(coupon, done)


@verb("coupon.resume", right=RIGHT)
def resume(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> Acted:
    """恢复发放, whoever stopped it, only its campaign's stop is the campaign's; answers the stock that could not be held again.

    Raises Conflict: ERR_STATE unless it stands still, ERR_COUPON_WINDOW after its end, ERR_COUPON_CAMPAIGN while its campaign does not
    run, ERR_COUPON_BUDGET while the budget that stopped it bears no further redemption: nobody could claim it.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code, version=version)
    _ensure_state(coupon, {S.PAUSED})
    ensure_not_over(coupon, now)
    _ensure_campaign_runs(coupon)
    _ensure_budget(coupon)
    done = stopping.let_go_on([coupon.pk], by=PausedBy(coupon.paused_by), actor=actor, right=RIGHT, now=now)
    return _acted(coupon, done, shortages.of([coupon.pk]).get(coupon.pk, Shortage()))


@verb("coupon.void", right=RIGHT)
def void(
    store: Store,
    code: str,
    *,
    reason: str = "",
    confirm_code: str | None = None,
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> Acted:
    """作废 for good: the coupon and every claimed one not used yet; orders already placed keep theirs. The store is told how many and why.

    `confirm_code`, where given, is the coupon's own code as a person typed it. Raises InvalidInput ERR_CONFIRM_CODE for another one,
    Conflict ERR_STATE for a draft (it is deleted) and for a coupon that is over.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code, version=version)
    if confirm_code is not None and finding.normalise(confirm_code) != coupon.code:
        message = _("Type the code of this coupon: %(code)s.") % {"code": coupon.code}
        raise InvalidInput(message, [FieldError("confirm_code", "ERR_CONFIRM_CODE", message)], code="ERR_CONFIRM_CODE")
    _ensure_state(coupon, LIVE)
    done = stopping.void(
        [coupon.pk], reason=telling.BY_HAND, note=reason.strip(), actor=actor, right=RIGHT, now=now
    )  # fmt: skip
    return _acted(coupon, done)


# -- helpers -----------------------------------------------------------------------------------------------------------------


def ensure_not_over(coupon: Coupon, now: datetime) -> None:
    """Raise Conflict ERR_COUPON_WINDOW once the coupon's end has come."""
    if coupon.ends_at <= now:
        message = _("The end of %(code)s has come; create a further coupon.") % {"code": coupon.code}
        raise Conflict("ERR_COUPON_WINDOW", message, state=coupon.state)


def _campaign_runs(coupon: Coupon) -> bool:
    campaign = links.of(coupon.store_id, [coupon.pk]).get(coupon.pk)
    return campaign is None or campaign.running


def _ensure_campaign_runs(coupon: Coupon) -> None:
    campaign = links.of(coupon.store_id, [coupon.pk]).get(coupon.pk) if coupon.bond == Bond.BOUND else None
    if campaign is not None and not campaign.running:
        message = _("Its campaign %(code)s does not run. Resume the campaign: the coupon goes on with it.")
        raise Conflict("ERR_COUPON_CAMPAIGN", message % {"code": campaign.code}, campaign=campaign.code)


def _ensure_budget(coupon: Coupon) -> None:
    if coupon.paused_by != PausedBy.BUDGET:
        return
    tally = CouponTally.objects.get(coupon=coupon)
    if tally.budget is not None and costs.exhausted(coupon, tally):
        told = {"spent": money.text(tally.spent, coupon.currency), "budget": money.text(tally.budget, coupon.currency)}
        words = _(
            "Its money budget bears no further redemption. Raise or lift the budget: issuing then goes on by itself."
        )
        raise Conflict("ERR_COUPON_BUDGET", words, coupon=coupon.code, currency=coupon.currency, **told)


def _ensure_state(coupon: Coupon, allowed: Collection[str]) -> None:
    if coupon.state not in allowed:
        message = _("%(code)s is “%(state)s”; this cannot be done with it now.")
        raise Conflict(
            "ERR_STATE", message % {"code": coupon.code, "state": coupon.get_state_display()}, state=coupon.state
        )


def _fresh(coupon: Coupon) -> Coupon:
    return Coupon.objects.select_related("tally").get(pk=coupon.pk)


def _acted(coupon: Coupon, done: stopping.Done, shortage: Shortage = Shortage()) -> Acted:  # noqa: B008 - it is frozen
    return Acted(_fresh(coupon), done.claims.get(coupon.pk, 0), done.units.get(coupon.pk, 0), shortage)
