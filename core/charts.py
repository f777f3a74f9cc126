"""Small bar charts, drawn on the server: only rectangles, no script, no inline style. The table beside is their twin."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from django.utils.functional import Promise

WIDTH, HEIGHT, GAP = 600, 120, 2
Day = Mapping[str, int | Decimal]


@dataclass(frozen=True, slots=True)
class Bar:
    """One day: its rectangle and what a pointer reads."""

    x: float
    y: float
    width: float
    height: float
    title: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A row of bars with its highest value and its first and last day."""

    label: str | Promise
    bars: Sequence[Bar]
    highest: str
    first: date
    last: date
    width: int = WIDTH
    height: int = HEIGHT


def span_of(days: Mapping[date, Day], most: int) -> list[date]:
    """Every day from the first with something to the last, the last `most` of them: a day without anything is a gap, not left out."""
    if not days:
        return []
    first, last = min(days), max(days)
    first = max(first, last - timedelta(days=most - 1))
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def bars(
    label: str | Promise,
    days: Mapping[date, Day],
    axis: Sequence[date],
    key: str,
    words: Mapping[date, str],
    *,
    top: float | None = None,
    least: float = 0.0,
) -> Chart:
    """The chart of one figure over `axis`; `words` says each day's value as people read it.

    `top` is the value that fills the height (default: the highest of these). A day in `days` is drawn at least `least` of the chart's
    units tall, so that a zero can be told from a day of which nothing is known.
    """
    values = [max(0.0, float(days.get(day, {}).get(key, 0))) for day in axis]
    top = max([*values, 0.0]) if top is None else top
    step = WIDTH / len(axis)
    drawn = []
    for n, (day, value) in enumerate(zip(axis, values, strict=True)):
        tall = max(round(HEIGHT * value / top, 1) if top else 0.0, least if day in days else 0.0)
        drawn.append(
            Bar(round(n * step + GAP / 2, 2), round(HEIGHT - tall, 1), round(max(step - GAP, 1), 2), tall, f"{day:%Y-%m-%d}: {words[day]}")
        )  # fmt: skip
    highest = words[axis[values.index(max(values))]]
    return Chart(label, drawn, highest, axis[0], axis[-1])
