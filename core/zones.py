"""The time zones a store may live in: those of the IANA database that Python and PostgreSQL both know, in the order of their clocks."""

from __future__ import annotations

from datetime import datetime
from functools import cache, lru_cache
from zoneinfo import ZoneInfo, available_timezones

from babel import Locale
from babel.dates import get_timezone_location
from django.utils.translation import gettext as _

from core import display

_MACHINES_OWN = frozenset({"localtime", "Factory"})
"""Names of the machine's setting, not of a place; PostgreSQL does not know the first, so that a report by day would fail."""
_PLACES = frozenset(
    {"Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"}
)
_OFTEN = ("Asia/Shanghai", "America/Los_Angeles", "UTC")

Group = tuple[str, list[tuple[str, str]]]


@cache
def known() -> frozenset[str]:
    """Every name that a store may have, old names of the database (`US/Pacific`) among them."""
    return frozenset(available_timezones() - _MACHINES_OWN)


def choices(moment: datetime, present: str = "") -> list[Group]:
    """Zones to choose from, for a form: those often used, then all places by the distance from UTC at `moment`, then by name.

    A label holds the distance, the name and the place in the reader's language, so that a search finds any of them. `present` is
    the zone in use, which is offered even when it is an old name.
    """
    rest = {name for name in known() if name.partition("/")[0] in _PLACES} | {present} & known()
    far = sorted((_distance(name, moment), name) for name in rest.difference(_OFTEN))
    return [
        (_("Often used"), [(name, _label(name, moment)) for name in _OFTEN]),
        (_("All zones by their distance from UTC"), [(name, _label(name, moment)) for _far, name in far]),
    ]


def _distance(name: str, moment: datetime) -> float:
    delta = moment.astimezone(_zone(name)).utcoffset()
    return delta.total_seconds() if delta else 0.0


def _label(name: str, moment: datetime) -> str:
    distance = display.zone_offset(_zone(name), moment)
    if name == "UTC":
        return name
    words = str(display.ZONE_NAMES.get(name) or _place(name, display.locale()))
    return f"{distance} · {name} · {words}"


@cache
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


@lru_cache(maxsize=2048)
def _place(name: str, locale: Locale) -> str:
    return str(get_timezone_location(name, locale=locale, return_city=True))
