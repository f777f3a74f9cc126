"""How money, numbers and moments are shown to a reader: one place for pages, messages and exports.

Django's Chinese format groups no thousands, so numbers go through Babel (CLDR); moments are shown in the store's zone,
with its name, and in UTC.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from functools import cache
from typing import Literal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import get_timezone_name
from babel.numbers import format_currency, format_decimal
from babel.units import format_unit
from django.utils.functional import Promise
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from core.money import places, quantise

ZONE_NAMES: dict[str, str | Promise] = {
    "Asia/Shanghai": _("Beijing time"),
    "America/Los_Angeles": _("US Pacific time"),
    "UTC": "UTC",
}


@cache
def _locale(language: str) -> Locale:
    return Locale.parse("zh_Hans" if language.lower().startswith("zh") else "en")


def locale() -> Locale:
    """The CLDR locale of the active language: Simplified Chinese or English."""
    return _locale(get_language() or "en")


def is_chinese() -> bool:
    """Whether the page speaks Chinese."""
    return locale().language == "zh"


def series(words: Iterable[object]) -> str:
    """Words in a row inside a sentence: `logo、banner` in Chinese, `logo, banner` in English."""
    return ("、" if is_chinese() else ", ").join(str(word) for word in words)


def money(amount: Decimal, currency: str) -> str:
    """`US$1,234.50` in Chinese, `$1,234.50` in English; as many places as the currency has (ISO 4217)."""
    return str(format_currency(quantise(amount, currency), currency, locale=locale(), currency_digits=True))


def amount(value: Decimal, currency: str) -> str:
    """The same figure without its sign, for columns that name the currency in their header."""
    pattern = "#,##0" + ("." + "0" * places(currency) if places(currency) else "")
    return str(format_decimal(quantise(value, currency), format=pattern, locale=locale()))


def number(value: int | Decimal) -> str:
    """A count with grouped thousands: `12,804`."""
    if isinstance(
        value, int
    ):  # CLDR groups both languages by thousands with a comma; asking it takes longer than the cell around it
        return f"{value:,}"
    return str(format_decimal(value, locale=locale()))


def zone(name: str) -> tzinfo:
    """The zone of a store's `time_zone` field."""
    return UTC if name == "UTC" else ZoneInfo(name)


def zone_key(zone: tzinfo) -> str:
    """The IANA name of a zone: `Asia/Shanghai`, `UTC`."""
    return str(getattr(zone, "key", None) or "UTC")


def zone_label(zone: tzinfo, moment: datetime) -> str:
    """What a reader calls the zone: 北京时间, US Pacific time, or CLDR's name for the others."""
    key = zone_key(zone)
    return str(ZONE_NAMES.get(key) or get_timezone_name(moment.astimezone(zone), width="long", locale=locale()))


def zone_offset(zone: tzinfo, moment: datetime) -> str:
    """The zone's distance from UTC at that moment: `UTC+8`, `UTC-3:30`."""
    delta = moment.astimezone(zone).utcoffset()
    minutes = round(delta.total_seconds() / 60) if delta else 0
    if not minutes:
        return "UTC"
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'+' if minutes > 0 else '-'}{hours}" + (f":{rest:02}" if rest else "")


def stamp(moment: datetime, *, seconds: bool = False) -> str:
    """`2026-11-27 16:00` as the moment's own zone has it; ISO order in both languages."""
    return moment.isoformat(" ", "seconds" if seconds else "minutes")[: 19 if seconds else 16]


def local_and_utc(moment: datetime, zone: tzinfo, *, seconds: bool = False) -> tuple[str, str]:
    """The moment in the zone, and in UTC (without the date when it is the same day)."""
    local, utc = moment.astimezone(zone), moment.astimezone(UTC)
    far = stamp(utc, seconds=seconds)
    return stamp(local, seconds=seconds), f"{far[11:] if local.date() == utc.date() else far} UTC"


def sentence(moment: datetime, zone: tzinfo) -> str:
    """For the middle of a sentence: `2026-11-27 16:00 北京时间（08:00 UTC）`; a UTC store gets no bracket."""
    local, utc = local_and_utc(moment, zone)
    if zone_key(zone) == "UTC":
        return f"{local} UTC"
    bracket = f"（{utc}）" if is_chinese() else f" ({utc})"
    return f"{local} {zone_label(zone, moment)}{bracket}"


def lasting(seconds: float) -> str:
    """How long something lasts, in its two largest units: `1 day`, `45 seconds`, `1小时 30分钟`."""
    if seconds < 60:
        length: Literal["short", "long"] = "short" if is_chinese() else "long"
        return str(format_unit(round(seconds), "duration-second", length=length, locale=locale()))
    since = datetime(2000, 1, 1, tzinfo=UTC)
    return span(since, since + timedelta(seconds=seconds))


def span(since: datetime, until: datetime) -> str:
    """How long from one moment to another, in its two largest units: `7 days 3 hours`, `7天 3小时`."""
    minutes = max(0, round((until - since).total_seconds() / 60))
    parts = (("day", minutes // 1440), ("hour", minutes // 60 % 24), ("minute", minutes % 60))
    # CLDR keeps the Chinese units under "short"; they are the full words there.
    length: Literal["short", "long"] = "short" if is_chinese() else "long"

    def told(count: int, unit: str) -> str:
        return str(format_unit(count, f"duration-{unit}", length=length, locale=locale()))

    words = [told(count, unit) for unit, count in parts if count][:2] or [told(0, "minute")]
    return ("" if is_chinese() else " ").join(words)
