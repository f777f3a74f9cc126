"""The fields of a coupon one by one: what each may be (R54–R57, R75, R77, R182). Nothing here asks the store's goods."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

from babel import Locale
from django.utils.translation import gettext as _

from core import display, money
from core.errors import FieldError
from coupons import finding
from coupons.inputs import CouponInput
from coupons.labels import CHANNELS, LOGISTICS
from coupons.models import CouponKind
from policies.rules import CouponRules

#: Codes that CLDR knows and ISO 3166 has not given to a country.
_NO_COUNTRY = frozenset({"EU", "EZ", "UN", "QO", "XA", "XB", "ZZ", "AC", "CP", "CQ", "DG", "EA", "IC", "TA", "XK"})
NAME_MAX = 120
"""As the columns of the table have it."""


@dataclass
class Values:
    """What was read, by the column's name, and everything that is wrong. A field that is wrong is not among the values."""

    rules: CouponRules
    now: datetime
    good: dict[str, Any] = field(default_factory=dict)
    errors: list[FieldError] = field(default_factory=list)

    def wrong(self, name: str, code: str, message: Any) -> None:
        """Note a fault."""
        self.errors.append(FieldError(name, code, message))

    def amount(self, name: str, value: Any, currency: str, *, required: bool) -> Decimal | None:
        """Read an amount above zero; None when it is wrong or missing."""
        if value in (None, ""):
            if required:
                self.wrong(name, "ERR_REQUIRED", _("Write an amount."))
            return None
        found = money.parse(value, currency, name, positive=True)
        if isinstance(found, FieldError):
            self.errors.append(found)
            return None
        self.good[name] = found
        return found


@cache
def countries() -> frozenset[str]:
    """ISO 3166-1 alpha-2 codes."""
    known = map(str, Locale.parse("en").territories)
    return frozenset(code for code in known if len(code) == 2 and code.isalpha()) - _NO_COUNTRY


def country_words(code: str) -> str:
    """A country's name in the page's language."""
    return str(display.locale().territories.get(code, code))


def read(
    data: CouponInput, store_currency: str, sites: Callable[[], Sequence[str]], rules: CouponRules, now: datetime
) -> Values:
    """Check every field on its own. `sites` answers the store's site codes; it is asked only when the coupon names some."""
    values = Values(rules, now)
    _kind(values, data)
    _texts(values, data)
    currency = _currency(values, data, store_currency)
    _amounts(values, data, currency)
    _window(values, data)
    _counts(values, data)
    _places(values, data, sites)
    _stacking(values, data)
    values.good["first_order_only"] = bool(data.first_order_only)
    return values


def _kind(values: Values, data: CouponInput) -> None:
    if data.kind not in CouponKind.values:
        choices = display.series(CouponKind.values)
        values.wrong("kind", "ERR_CHOICE", _("Choose one of: %(choices)s.") % {"choices": choices})
    else:
        values.good["kind"] = data.kind


def _texts(values: Values, data: CouponInput) -> None:
    for name in ("name", "name_zh"):
        text = str(getattr(data, name)).strip()
        if len(text) > NAME_MAX:
            values.wrong(name, "ERR_LENGTH", _("At most %(n)s characters.") % {"n": NAME_MAX})
        elif any(ord(sign) < 32 for sign in text):  # below the blank: control characters
            values.wrong(name, "ERR_TEXT_CHARACTER", _("A control character is in the text; type it again."))
        else:
            values.good[name] = text
    code = finding.normalise(data.code)
    if code and (fault := finding.malformed(code)):
        values.errors.append(fault)
    else:
        values.good["code"] = code


def _currency(values: Values, data: CouponInput, store_currency: str) -> str:
    currency = (data.currency or store_currency).strip().upper()
    if currency not in values.rules.min_order:
        offered = display.series(sorted(values.rules.min_order))
        words = _("Coupons can be in: %(offered)s. The rules name a least minimum order for these only.")
        values.wrong("currency", "ERR_COUPON_CURRENCY", words % {"offered": offered})
        return currency if currency in money.currencies() else "USD"
    values.good["currency"] = currency
    return currency


def _amounts(values: Values, data: CouponInput, currency: str) -> None:
    rules, floor = values.rules, values.rules.min_order.get(currency)
    face = values.amount("face_value", data.face_value, currency, required=True)
    if data.kind == CouponKind.NO_THRESHOLD and data.min_order in (None, ""):
        least = floor
        if floor is not None:
            values.good["min_order"] = floor
    else:
        least = values.amount("min_order", data.min_order, currency, required=True)
        _floor(values, data.kind, least, floor, currency)
    if face is not None and least is not None and face >= least:
        words = _("The face value %(face)s is not below the minimum order %(least)s. Are the two swapped?")
        shown = {"face": display.money(face, currency), "least": display.money(least, currency)}
        values.wrong("face_value", "ERR_COUPON_FACE_VALUE", words % shown)
    for name in ("budget", "cpc_cost"):
        values.good[name] = None
        values.amount(name, getattr(data, name), currency, required=False)
    if face is not None and data.kind == CouponKind.NO_THRESHOLD and face > rules.no_threshold_brake:
        _brake(values, face, data.confirm_face_value, currency)


def _floor(values: Values, kind: str, least: Decimal | None, floor: Decimal | None, currency: str) -> None:
    """At least the compulsory minimum (R55); a no-threshold coupon has exactly that (R182)."""
    if least is None or floor is None:
        return
    shown = {"floor": display.money(floor, currency)}
    if least < floor:
        values.wrong("min_order", "ERR_COUPON_FLOOR", _("The minimum order amount must be at least %(floor)s.") % shown)
    elif kind == CouponKind.NO_THRESHOLD and least > floor:
        words = _(
            "A no-threshold coupon has the platform's floor of %(floor)s; for more, create a spend-and-save coupon."
        )
        values.wrong("min_order", "ERR_COUPON_FLOOR", words % shown)


def _brake(values: Values, face: Decimal, typed: Any, currency: str) -> None:
    """A mistyped no-threshold coupon has closed shops overnight: a large one is typed twice."""
    again = money.parse(typed, currency, "confirm_face_value") if typed not in (None, "") else None
    if again == face:
        return
    words = _(
        "A no-threshold coupon of %(face)s takes that off every order from the floor on. Type the face value again."
    )
    values.wrong("confirm_face_value", "ERR_CONFIRM_FACE_VALUE", words % {"face": display.money(face, currency)})


def _window(values: Values, data: CouponInput) -> None:
    rules, now, starts_at, ends_at = values.rules, values.now, data.starts_at, data.ends_at
    if starts_at is None:
        values.wrong("starts_at", "ERR_REQUIRED", _("Say when it starts."))
    elif starts_at > now + timedelta(days=rules.latest_start_days):
        values.wrong("starts_at", "ERR_DATE_ABSURD", _("The start lies too far ahead."))
    elif starts_at < now - timedelta(days=rules.max_days):
        values.wrong("starts_at", "ERR_DATE_ABSURD", _("The start lies too far in the past."))
    else:
        values.good["starts_at"] = starts_at
    if ends_at is None:
        values.wrong("ends_at", "ERR_REQUIRED", _("Say when it ends."))
    elif starts_at is not None and ends_at <= starts_at:
        values.wrong("ends_at", "ERR_WINDOW", _("The end must come after the start."))
    elif ends_at <= now:
        values.wrong("ends_at", "ERR_WINDOW_PAST", _("The end has passed already."))
    elif starts_at is not None and not timedelta(days=rules.min_days) <= ends_at - starts_at <= timedelta(
        days=rules.max_days
    ):
        words = _("A coupon is valid for %(least)s to %(most)s days; this one for %(span)s.")
        shown = {"least": rules.min_days, "most": rules.max_days, "span": display.span(starts_at, ends_at)}
        values.wrong("ends_at", "ERR_COUPON_VALIDITY", words % shown)
    else:
        values.good["ends_at"] = ends_at


def _counts(values: Values, data: CouponInput) -> None:
    rules = values.rules
    if data.quota is None:
        values.wrong("quota", "ERR_REQUIRED", _("Say how many may be claimed."))
    elif not 1 <= data.quota <= rules.max_quota:
        words = _("Between 1 and %(most)s.") % {"most": display.number(rules.max_quota)}
        values.wrong("quota", "ERR_RANGE", words)
    else:
        values.good["quota"] = data.quota
    if data.per_buyer != rules.per_buyer:
        words = _("The claim limit is %(n)s for each buyer and coupon: the platform demands it.") % {
            "n": rules.per_buyer
        }
        values.wrong("per_buyer", "ERR_COUPON_PER_BUYER", words)
    else:
        values.good["per_buyer"] = rules.per_buyer


def _places(values: Values, data: CouponInput, sites: Callable[[], Sequence[str]]) -> None:
    logistics = values.rules.worry_free if data.logistics is None else data.logistics
    regions = [str(code).strip().upper() for code in data.regions]
    _subset(values, "regions", regions, countries(), _("“%(code)s” is not a country code such as RU or BR (ISO 3166)."))
    _subset(
        values,
        "logistics",
        logistics,
        LOGISTICS,
        _("“%(code)s” is not a way of shipping that a coupon can be limited to."),
    )
    _subset(values, "channels", data.channels, CHANNELS, _("“%(code)s” is not a channel."))
    known = sites() if data.sites else ()
    _subset(values, "sites", data.sites, known, _("This store has no site “%(code)s”."))


def _subset(values: Values, name: str, given: Sequence[Any], known: Any, words: str) -> None:
    bad = [(place, code) for place, code in enumerate(given) if code not in known]
    for place, code in bad[: values.rules.warning_sample]:
        values.wrong(f"{name}.{place}", "ERR_CHOICE", words % {"code": str(code)[:20]})
    if not bad:
        values.good[name] = list(dict.fromkeys(given))


def _stacking(values: Values, data: CouponInput) -> None:
    """Stacking with platform subsidies, in a window of its own inside the validity (R77)."""
    good = values.good
    good["stacks_with_platform"] = bool(data.stacks_with_platform)
    good["stacks_from"] = good["stacks_until"] = None
    given: Mapping[str, datetime | None] = {"stacks_from": data.stacks_from, "stacks_until": data.stacks_until}
    if not data.stacks_with_platform:
        for name in [name for name, moment in given.items() if moment is not None]:
            values.wrong(name, "ERR_COUPON_STACKING", _("Only a coupon that stacks has a window for it."))
        return
    starts_at, ends_at = data.starts_at, data.ends_at
    for name, moment in given.items():
        inside = moment is None or (
            (starts_at is None or starts_at <= moment) and (ends_at is None or moment <= ends_at)
        )
        if inside:
            good[name] = moment
        else:
            values.wrong(name, "ERR_COUPON_STACKING", _("It must lie inside the coupon's validity."))
    if data.stacks_from and data.stacks_until and data.stacks_until <= data.stacks_from:
        values.wrong("stacks_until", "ERR_WINDOW", _("The end must come after the start."))
