"""创建新券: create, edit and delete a coupon before it is issued (R53–R57). What stops it afterwards is `coupons.lifecycle`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Target
from audit.verbs import about, verb
from coupons import checking, eligibility, finding, issuing, links
from coupons.inputs import CouponInput, Saved
from coupons.models import Coupon, CouponState
from coupons.writing import RIGHT, insert, overwrite, record_change, refuse, settings_of, wrong_state


@verb("coupon.create", right=RIGHT)
def create(store: Store, data: CouponInput, *, draft: bool = False, actor: Actor, now: datetime) -> Saved:
    """Make a coupon: issued at once, or kept as a draft.

    Raises PermissionRefused, Conflict (eligibility with `blockers`: R57, R178; ERR_GRANT_CAP) or InvalidInput with every fault at once.
    """
    code = finding.normalise(data.code)
    about(Target("coupon", code or "new", data.name, store_id=store.pk, store_label=store.name))
    check(actor, store, RIGHT, now=now)
    eligibility.ensure_open(store, now=now)
    found = checking.check(store, data, now=now)
    refuse(found.errors)
    check(actor, store, RIGHT, now=now, listings=found.goods.listings, percent_off=found.percent_off)
    coupon = insert(store, found, now=now)
    room = links.room()
    if data.campaign.strip() and room is not None:
        room.link(coupon, data.campaign.strip(), actor=actor, now=now)
    if not draft:
        issuing.start([coupon], now=now)
    coupon = finding.get(store, coupon.code)
    record_change("coupon.create", coupon, store, {}, settings_of(coupon), actor=actor, now=now)
    return Saved(coupon, found.warnings)


@verb("coupon.edit", right=RIGHT)
def edit(
    store: Store, code: str, changes: Mapping[str, Any], *, version: int | None = None, actor: Actor, now: datetime
) -> Saved:
    """Change a draft: fields of `CouponInput` but `campaign`; what is left out stays. A new face value past the brake is typed again.

    Raises what `create` raises, Conflict ERR_STATE once it is issued, VersionConflict.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code, version=version)
    if coupon.state != CouponState.DRAFT:
        raise wrong_state(coupon, (CouponState.DRAFT,))
    links.show_own_window(coupon)
    eligibility.ensure_open(store, now=now)
    found = checking.check(store, changed(coupon, changes), now=now, coupon=coupon)
    refuse(found.errors)
    check(actor, store, RIGHT, now=now, listings=found.goods.listings, percent_off=found.percent_off)
    before = settings_of(coupon)
    overwrite(coupon, found, now=now)
    links.moved(coupon, actor=actor, now=now)
    record_change("coupon.edit", coupon, store, before, settings_of(coupon), actor=actor, now=now)
    return Saved(finding.get(store, coupon.code), found.warnings)


def changed(coupon: Coupon, changes: Mapping[str, Any]) -> CouponInput:
    """A draft with changes. Its face value counts as confirmed as long as it, and the kind, stay."""
    as_it_was = checking.current_of(coupon)
    if {"face_value", "kind"} & set(changes):
        as_it_was = replace(as_it_was, confirm_face_value=None)
    return replace(as_it_was, **changes)


@verb("coupon.delete", right=RIGHT)
def delete_draft(store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime) -> None:
    """Delete a draft for good; everything later is history and stays (R37)."""
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code, version=version)
    if coupon.state != CouponState.DRAFT:
        raise wrong_state(coupon, (CouponState.DRAFT,))
    record_change("coupon.delete", coupon, store, settings_of(coupon), {}, actor=actor, now=now)
    coupon.delete()
