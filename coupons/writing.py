"""What the verbs that write coupons share: refusing with every fault, the row with its pool and counters, the record."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

from accounts.models import Store
from audit.actors import Actor
from audit.record import Entry, record
from core import codes, display
from core.errors import Conflict, FieldError, InvalidInput
from coupons import finding, labels
from coupons.checking import Checked
from coupons.models import Coupon, CouponState, CouponTally, PoolBrand, PoolCategory, PoolListing
from coupons.pool import Pool

RIGHT = "coupons.manage"
ATTEMPTS = 8
#: Characters of a made code; 32 to the tenth, so that guessing one is hopeless.
CODE_LENGTH = 10
_COLUMNS = (
    "name", "name_zh", "kind", "face_value", "currency", "min_order", "starts_at", "ends_at", "quota", "per_buyer", "regions",
    "logistics", "channels", "sites", "segment", "first_order_only", "stacks_with_platform", "stacks_from", "stacks_until", "budget",
    "cpc_cost",
)  # fmt: skip
#: What the record keeps of a coupon.
_RECORDED = (*_COLUMNS, "state")


def refuse(errors: Iterable[FieldError]) -> None:
    """Raise InvalidInput with every fault; nothing when there is none."""
    wrong = list(errors)
    if wrong:
        detail = str(wrong[0].message) if len(wrong) == 1 else _("%(n)s things are not right.") % {"n": len(wrong)}
        raise InvalidInput(detail, wrong)


def wrong_state(coupon: Coupon, allowed: Iterable[str]) -> Conflict:
    """The refusal of an act in this state: where the coupon stands, and which states the act needs (ERR_STATE)."""
    needed = sorted(allowed)
    words = display.series(CouponState(state).label for state in needed)
    return Conflict(
        "ERR_STATE",
        _("The coupon is “%(state)s”; this needs: %(allowed)s.")
        % {"state": coupon.get_state_display(), "allowed": words},
        state=coupon.state,
        allowed=needed,
    )


def insert(store: Store, checked: Checked, *, now: datetime) -> Coupon:
    """Write the row as a draft with its counters and its pool. A code is made when none was given; one that another takes meanwhile is
    refused (InvalidInput), a made one is made again."""
    values = _named({name: checked.values[name] for name in _COLUMNS})
    given = checked.values["code"]
    for left in reversed(range(ATTEMPTS)):
        try:
            with transaction.atomic():
                coupon = Coupon.objects.create(
                    store=store, code=given or _new_code(), created_at=now, updated_at=now, **values
                )
            break
        except IntegrityError:
            if given:
                refuse([_taken(given)])
            if not left:
                raise
    CouponTally.objects.create(coupon=coupon, store=store, quota=coupon.quota, budget=coupon.budget)
    put_pool(coupon, checked.pool)
    return coupon


def overwrite(coupon: Coupon, checked: Checked, *, now: datetime) -> None:
    """Write a draft anew: columns, counters, pool."""
    values = _named({name: checked.values[name] for name in _COLUMNS})
    for name, value in values.items():
        setattr(coupon, name, value)
    coupon.code = checked.values["code"] or coupon.code
    coupon.version += 1
    coupon.updated_at = now
    try:
        with transaction.atomic():
            coupon.save(update_fields=[*_COLUMNS, "code", "version", "updated_at"])
    except IntegrityError:
        refuse([_taken(coupon.code)])
    CouponTally.objects.filter(coupon=coupon).update(quota=coupon.quota, budget=coupon.budget)
    for model in (PoolListing, PoolCategory, PoolBrand):
        model.objects.filter(coupon=coupon).delete()
    put_pool(coupon, checked.pool)


def put_pool(coupon: Coupon, pool: Pool) -> None:
    """Write the rows of a pool; three statements at most."""
    owned = {"store_id": coupon.store_id, "coupon": coupon}
    PoolListing.objects.bulk_create([PoolListing(listing_id=pk, **owned) for pk in pool.listings])
    PoolCategory.objects.bulk_create([PoolCategory(category_id=pk, **owned) for pk in pool.categories])
    PoolBrand.objects.bulk_create([PoolBrand(brand_id=pk, **owned) for pk in pool.brands])


def _named(values: dict[str, Any]) -> dict[str, Any]:
    """A coupon without a name is called by its terms, in both languages."""
    if values["name"] or values["name_zh"]:
        return values | {"name": values["name"] or values["name_zh"]}
    made = Coupon(**values)
    for name, language in (("name", "en"), ("name_zh", "zh-hans")):
        with translation.override(language):
            values[name] = labels.terms(made)
    return values


def _new_code() -> str:
    return "".join(secrets.choice(codes.ALPHABET) for _place in range(CODE_LENGTH))


def _taken(code: str) -> FieldError:
    return FieldError("code", "ERR_COUPON_CODE_TAKEN", _("This store has a coupon %(code)s already.") % {"code": code})


def settings_of(coupon: Coupon) -> dict[str, Any]:
    """The settings as the record keeps them."""
    return {name: getattr(coupon, name) for name in _RECORDED}


def record_change(
    action: str,
    coupon: Coupon,
    store: Store,
    before: Mapping[str, Any],
    after: Mapping[str, Any],
    *,
    actor: Actor,
    now: datetime,
) -> None:
    """Tell the audit log what changed: of `before` and `after` only what differs."""
    changed = {name for name in after if name not in before or before[name] != after[name]}
    entry = Entry(
        action,
        finding.target(coupon, store),
        before={name: value for name, value in before.items() if name in changed or name not in after},
        after={name: after[name] for name in changed},
        right=RIGHT,
    )
    record(entry, actor=actor, now=now)
