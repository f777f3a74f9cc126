"""Money is Decimal with its currency's own number of places (ISO 4217), never float."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache

from babel.numbers import get_currency_precision, list_currencies
from django.utils.translation import gettext as _

from core.errors import FieldError

LARGEST = Decimal("9999999999")


#: Decimal places of every column of money; currencies with more (CLF, UYW: units of account with four) would come back rounded.
MOST_PLACES = 3


@cache
def currencies() -> frozenset[str]:
    """ISO 4217 codes known to CLDR whose amounts we can hold."""
    return frozenset(code for code in list_currencies() if places(code) <= MOST_PLACES)


@cache
def places(currency: str) -> int:
    """Number of decimal places of a currency: 2 for USD, 0 for JPY, 3 for KWD."""
    return int(get_currency_precision(currency))


def quantise(amount: Decimal, currency: str) -> Decimal:
    """Round half up to the currency's places."""
    return amount.quantize(Decimal(1).scaleb(-places(currency)), rounding=ROUND_HALF_UP)


def text(amount: Decimal, currency: str) -> str:
    """The API's form: a string with exactly the currency's places."""
    return str(quantise(amount, currency))


def parse(value: object, currency: str, field: str, *, positive: bool = False) -> Decimal | FieldError:
    """Read an amount from text. Answers the Decimal, or a FieldError that says what is wrong.

    Refused: not a number, NaN, more places than the currency has, negative (or zero when `positive`), absurdly large.
    """
    try:
        amount = Decimal(str(value).strip().replace("_", "?"))  # Python reads 1_0 as 10; nobody else does
    except (InvalidOperation, ValueError):
        if value is None or not str(value).strip():
            return FieldError(field, "ERR_MONEY_FORMAT", _("Write an amount, such as 12.50."))
        message = _("“%(given)s” is not an amount; write it as 12.50.") % {"given": str(value)[:40]}
        return FieldError(field, "ERR_MONEY_FORMAT", message)
    if not amount.is_finite():
        return FieldError(field, "ERR_MONEY_FORMAT", _("An amount must be a finite number."))
    if amount < 0 or (positive and amount == 0):
        message = _("An amount must be above zero.") if positive else _("An amount must not be negative.")
        return FieldError(field, "ERR_MONEY_RANGE", message)
    if amount > LARGEST:
        return FieldError(field, "ERR_MONEY_RANGE", _("An amount must not exceed %(most)s.") % {"most": LARGEST})
    exact = quantise(amount, currency)
    if exact != amount:
        words = {"currency": currency, "n": places(currency), "given": str(amount)[:40]}
        message = _("%(currency)s has %(n)s decimal places; %(given)s has more.") % words
        return FieldError(field, "ERR_MONEY_PLACES", message)
    return exact


def allocate(total: Decimal, weights: Sequence[Decimal], currency: str) -> list[Decimal]:
    """Split `total` over `weights` by largest remainder, so that the parts add up exactly."""
    base = sum(weights, Decimal(0))
    if not weights:
        return []
    unit = Decimal(1).scaleb(-places(currency))
    units = int((quantise(total, currency) / unit).to_integral_value())
    if base == 0:
        shares = [Decimal(units) / len(weights)] * len(weights)
    else:
        shares = [units * weight / base for weight in weights]
    floors = [int(share) for share in shares]
    order = sorted(range(len(weights)), key=lambda i: (-(shares[i] - floors[i]), i))
    for index in order[: units - sum(floors)]:
        floors[index] += 1
    return [floor * unit for floor in floors]
