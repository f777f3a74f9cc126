"""The facts of a store that coupons keep: read by its eligibility, set by platform staff (R57, R174)."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Kyc, Store
from accounts.signals import StoreFact, keep_fact
from core.errors import FieldError, InvalidInput
from coupons.models import Evidence

#: The level of an Alipay+ account whose owner is known; what "KYC verified" stands for when nothing else was said.
FULL_LEVEL = 2


def of(store: Store) -> Evidence:
    """What is known of the store; an empty row when nothing was said. One query."""
    return Evidence.objects.filter(store=store).first() or Evidence(store=store)


def alipay_level(store: Store, known: Evidence) -> int:
    """The KYC level of the store's Alipay+ account: as set, else as the KYC of the account says."""
    if known.alipay_level is not None:
        return known.alipay_level
    return FULL_LEVEL if store.kyc == Kyc.VERIFIED else 0


def _wrong(key: str, message: str) -> InvalidInput:
    return InvalidInput(message, [FieldError(key, "ERR_INVALID", message)])


def _level(value: Any) -> int | None:
    if value is not None and (isinstance(value, bool) or value not in range(FULL_LEVEL + 1)):
        raise _wrong("alipay_level", _("Write 0, 1 or 2."))
    return None if value is None else int(value)


def _rating(value: Any) -> Decimal | None:
    if value is None:
        return None
    try:
        found = Decimal(str(value))
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 <= found <= 100):  # a share
        raise _wrong("positive_rating", _("Write a percentage such as 97.5."))
    return round(found, 2)


def _logistics(value: Any) -> bool | None:
    if value is not None and not isinstance(value, bool):
        raise _wrong("official_logistics", _("Write true or false."))
    return value


def _fact(key: str, clean: Callable[[Any], Any]) -> StoreFact:
    def read(store: Store) -> Any:
        found = getattr(of(store), key)
        return str(found) if isinstance(found, Decimal) else found

    def write(store: Store, value: Any, now: datetime) -> None:
        Evidence.objects.update_or_create(store=store, defaults={key: clean(value)})

    return StoreFact(key, read, write)


for _key, _clean in (("alipay_level", _level), ("positive_rating", _rating), ("official_logistics", _logistics)):
    keep_fact(_fact(_key, _clean))
