"""A change from the refusal mirror, opened as a new draft: the coupon as it is, a code of its own, its time beginning now."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Store
from audit.actors import Actor
from audit.verbs import about, verb
from core.errors import FieldError, InvalidInput
from coupons import checking, creating, finding
from coupons.inputs import CouponInput, Saved
from coupons.mirror import Change
from coupons.models import Coupon
from coupons.writing import RIGHT

_DAYS = ("later_end", "earlier_start")
_LISTS = ("regions", "logistics", "channels", "sites", "listings", "categories")
_AMOUNTS = ("min_order", "budget")
_FIELDS = (*_DAYS, *_LISTS, *_AMOUNTS, "quota", "first_order_only")
_LONGEST = 4000


def read_change(field: str, value: str) -> Change:
    """A change as a form sends it back: the field, and the value as JSON. Raises InvalidInput for one that no mirror makes."""
    try:
        told = json.loads(value) if field in _FIELDS and len(value) <= _LONGEST else None
        fits = (
            (field in _DAYS and isinstance(told, int) and not isinstance(told, bool) and 0 < told < 10_000)
            or (field in _LISTS and isinstance(told, list) and all(isinstance(one, str | int) for one in told))
            or (field == "first_order_only" and told is False)
            or (field in _AMOUNTS and isinstance(told, str) and Decimal(told).is_finite())
            or (field == "quota" and isinstance(told, str) and told.isascii() and told.isdigit())
        )
    except (ValueError, InvalidOperation, RecursionError):
        fits, told = False, None
    if not fits:
        words = _("This is no change that the refusal mirror offers. Open the page again.")
        raise InvalidInput(words, [FieldError("field", "ERR_CHOICE", words)])
    return Change(field, told)


@verb("coupon.copy_with", right=RIGHT)
def copy_with(store: Store, code: str, change: Change | None, *, actor: Actor, now: datetime) -> Saved:
    """Make a draft of a coupon's terms with one change (None: as it is). The draft is valid from now on for as long as the coupon was.

    Raises what `creating.create` raises: a coupon that could not be made by hand cannot be made by a mirror either.
    """
    coupon = finding.get(store, code)
    about(finding.target(coupon, store))
    return creating.create(store, proposed(coupon, change, now=now), draft=True, actor=actor, now=now)


def proposed(coupon: Coupon, change: Change | None, *, now: datetime) -> CouponInput:
    """The coupon as it would be asked for again, with one change."""
    span = coupon.ends_at - coupon.starts_at
    given = replace(checking.current_of(coupon), code="", starts_at=now, ends_at=now + span)
    if coupon.stacks_from or coupon.stacks_until:
        moved = now - coupon.starts_at
        given = replace(
            given,
            stacks_from=coupon.stacks_from + moved if coupon.stacks_from else None,
            stacks_until=coupon.stacks_until + moved if coupon.stacks_until else None,
        )
    return replace(given, **_as_input(given, change)) if change else given


def _as_input(given: CouponInput, change: Change) -> dict[str, Any]:
    """The change as fields of the input."""
    value = change.value
    if change.field in _DAYS and given.ends_at:
        return {"ends_at": given.ends_at + timedelta(days=value)}
    if change.field == "listings":
        return {"pool": replace(given.pool, listings=[*given.pool.listings, *value])}
    if change.field == "categories":
        return {"pool": replace(given.pool, categories=[*given.pool.categories, *value])}
    return {change.field: int(value) if change.field == "quota" else value}
