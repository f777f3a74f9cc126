"""The start of issuing: the checks before it, and the engine that creation and activation share (R57: effective at once)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from core.errors import Conflict
from coupons import checking, eligibility, reserving
from coupons.edges import set_state
from coupons.inputs import CouponWarning
from coupons.models import Coupon
from coupons.writing import RIGHT, refuse, wrong_state


def ensure_may_start(store: Store, coupon: Coupon, *, actor: Actor, now: datetime) -> tuple[CouponWarning, ...]:
    """Everything that creation asks, asked again of a draft: prices, goods and the store may have changed since. Answers the warnings.

    Raises PermissionRefused, Conflict (state, eligibility, cap of the loan) or InvalidInput with every fault.
    """
    check(actor, store, RIGHT, now=now)
    eligibility.ensure_open(store, now=now)
    if coupon.state != "draft":
        raise wrong_state(coupon, ("draft",))
    found = checking.check(store, checking.current_of(coupon), now=now, coupon=coupon)
    refuse(found.errors)
    check(actor, store, RIGHT, now=now, listings=found.goods.listings, percent_off=found.percent_off)
    return found.warnings


def start(coupons: Sequence[Coupon], *, now: datetime) -> None:
    """Move drafts to `active` and hold their stock back; set-based, inside the caller's transaction. Who calls records it.

    Raises Conflict ERR_STATE when one of them is no draft any more.
    """
    ids = sorted(coupon.pk for coupon in coupons)
    moved = set_state(Coupon.objects.filter(pk__in=ids), transition="activate", now=now, activated_at=now)
    if moved != len(ids):
        raise Conflict("ERR_STATE", _("A coupon is no draft any more."))
    reserving.hold(ids, now=now)
