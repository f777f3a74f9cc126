"""Figures as people read them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from babel.numbers import format_decimal, format_percent
from django.utils.functional import Promise

from core import display
from insights.formulas import KEYS, METRICS, Figures, Metric

UNKNOWN = "—"
_BY_KEY = {metric.key: metric for metric in METRICS}


@dataclass(frozen=True, slots=True)
class Tile:
    """One metric as shown: its word, its value, how it is worked out."""

    key: str
    label: str | Promise
    value: str
    formula: str | Promise


def shown(metric: Metric, value: Any, currency: str) -> str:
    """`12,804`, `4.12%`, `US$1,234.50`, `2.65`; a dash for what is unknown."""
    if value is None:
        return UNKNOWN
    if metric.form == "count":
        return display.number(value)
    if metric.form == "money":
        return display.money(value, currency)
    return percent(value) if metric.form == "rate" else ratio(value)


def percent(value: Decimal | float) -> str:
    """A share of one: `4.12%`."""
    return str(format_percent(value, format="#,##0.00%", locale=display.locale()))


def ratio(value: Decimal | float) -> str:
    """`2.65`."""
    return str(format_decimal(value, format="#,##0.00", locale=display.locale()))


def tiles(figures: Figures, keys: Iterable[str] = KEYS) -> list[Tile]:
    """The metrics of these keys, ready to be shown."""
    return [
        Tile(key, metric.label, shown(metric, getattr(figures, key), figures.currency), metric.formula)
        for key in keys
        for metric in (_BY_KEY[key],)
    ]
