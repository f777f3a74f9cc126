"""Finding a store's coupons by code, with or without their locks, and naming them for the record."""

from __future__ import annotations

import re
import unicodedata

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from accounts.models import Store
from audit.record import Target
from audit.verbs import about
from core.errors import FieldError, NotFound, VersionConflict
from coupons.inputs import PoolInput
from coupons.models import Coupon, PoolBrand, PoolCategory, PoolListing

_CODE = re.compile(r"[A-Z0-9](?:[A-Z0-9-]{1,38}[A-Z0-9])")


def normalise(typed: str) -> str:
    """A typed code as it is kept: full-width letters made plain, capitals, no blanks around it."""
    return unicodedata.normalize("NFKC", typed).strip().upper()


def malformed(code: str) -> FieldError | None:
    """Why a normalised text cannot be a code that buyers enter, under `code`; None when it can."""
    if _CODE.fullmatch(code):
        return None
    words = _("3 to 40 capital letters, digits and hyphens, a letter or digit at both ends.")
    return FieldError("code", "ERR_COUPON_CODE", words)


def get(store: Store, code: str) -> Coupon:
    """The store's coupon with this code, and its counters. Raises NotFound, also for another store's."""
    return _one(Coupon.objects.select_related("tally"), store, code)


def lock(store: Store, code: str, *, version: int | None = None) -> Coupon:
    """Lock the coupon and name it for the record; a stale `version` raises VersionConflict with the coupon as it stands."""
    coupon = _one(locked(Coupon.objects.all()), store, code)
    about(target(coupon, store))
    check_version(coupon, version)
    return coupon


def locked(rows: QuerySet[Coupon]) -> QuerySet[Coupon]:
    """The house's row lock: the coupons alone, in id order."""
    return rows.select_for_update(of=("self",), no_key=True).order_by("id")


def check_version(coupon: Coupon, version: int | None) -> None:
    """Raise VersionConflict when the caller read another version than the one that stands (R17)."""
    if version is not None and version != coupon.version:
        raise VersionConflict(
            _("%(code)s was changed after you read it. Look at it again, then repeat your change.")
            % {"code": coupon.code},
            current(coupon),
        )


def current(coupon: Coupon) -> dict[str, object]:
    """The few fields that tell a stale reader what happened."""
    return {
        "code": coupon.code,
        "state": coupon.state,
        "version": coupon.version,
        "name": coupon.name,
        "starts_at": coupon.starts_at,
        "ends_at": coupon.ends_at,
    }


def target(coupon: Coupon, store: Store) -> Target:
    """The coupon as the audit log names it."""
    return Target("coupon", coupon.code, coupon.name, store_id=coupon.store_id, store_label=store.name)


def unknown(code: str) -> NotFound:
    """The error for a code that this store does not have."""
    return NotFound(_("There is no coupon %(code)s in this store.") % {"code": code[:40]})


def _one(rows: QuerySet[Coupon], store: Store, code: str) -> Coupon:
    coupon = rows.filter(store_id=store.pk, code=normalise(code)).first() if "\x00" not in code else None
    if coupon is None:
        raise unknown(code)
    return coupon


def pool_input(coupon: Coupon) -> PoolInput:
    """A coupon's pool as it is named: ids, codes, names. Three queries."""
    listings = PoolListing.objects.filter(coupon=coupon).order_by("id").values_list("listing_id", flat=True)
    categories = PoolCategory.objects.filter(coupon=coupon).order_by("id").values_list("category__code", flat=True)
    brands = PoolBrand.objects.filter(coupon=coupon).order_by("id").values_list("brand__name", flat=True)
    return PoolInput(listings=list(listings), categories=list(categories), brands=list(brands))
