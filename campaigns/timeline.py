"""The windows of campaigns as a picture: positions on a line of time, for an SVG that the server draws (R30)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo

from campaigns.conflicts import Rival

WIDTH, HEAD, LANE, SIDE = 760, 26, 46, 8
#: How much of the picture may lie before now; what began earlier is cut off there and drawn open.
PAST_SHARE = 4
STEPS = tuple(
    timedelta(hours=hours) for hours in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 720, 1440, 2160, 4380, 8760, 17520)
)
MOST_TICKS = 7


@dataclass(frozen=True, slots=True)
class Bar:
    """A campaign's window: left edge and width, top of its lane; `open_left`: it began before the picture does."""

    campaign: Rival
    x: float
    width: float
    y: int
    open_left: bool


@dataclass(frozen=True, slots=True)
class Tick:
    """A line of the axis. `label` is the local time, `edge` where its text must stop so as not to leave the picture."""

    x: float
    label: str
    anchor: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Everything the template draws. `clashes` are (left edge, width) of times in which two of the campaigns conflict."""

    width: int
    height: int
    bars: tuple[Bar, ...]
    ticks: tuple[Tick, ...]
    now: float
    now_anchor: str
    clashes: tuple[tuple[float, float], ...]


def picture(campaigns: Sequence[Rival], *, now: datetime, zone: tzinfo) -> Picture | None:
    """The picture of these windows; None when nothing of them lies ahead."""
    rows = [one for one in campaigns if one.ends_at > now]
    if not rows:
        return None
    until = max(one.ends_at for one in rows)
    since = max(min(now, *(one.starts_at for one in rows)), now - (until - now) / PAST_SHARE)
    span = (until - since).total_seconds()

    def at(moment: datetime) -> float:
        share = (moment - since).total_seconds() / span
        return round(SIDE + min(max(share, 0.0), 1.0) * (WIDTH - 2 * SIDE), 1)

    bars = []
    for lane, one in enumerate(rows):
        left = at(one.starts_at)
        bars.append(
            Bar(one, left, max(3.0, round(at(one.ends_at) - left, 1)), HEAD + lane * LANE, one.starts_at < since)
        )
    clashes = tuple((at(first), max(2.0, round(at(last) - at(first), 1))) for first, last in _clashes(rows, since))
    here = at(now)
    return Picture(
        WIDTH, HEAD + len(rows) * LANE + 4, tuple(bars), _ticks(since, until, at, zone), here, _anchor(here), clashes
    )  # fmt: skip


def _anchor(x: float) -> str:
    return "start" if x < 60 else "end" if x > WIDTH - 60 else "middle"


def _clashes(rows: Sequence[Rival], since: datetime) -> list[tuple[datetime, datetime]]:
    """Times in which two conflict, joined where they touch."""
    found = sorted(
        (max(one.starts_at, two.starts_at, since), min(one.ends_at, two.ends_at))
        for at, one in enumerate(rows)
        for two in rows[at + 1 :]
        if one.conflicts(two)
    )
    joined: list[tuple[datetime, datetime]] = []
    for first, last in found:
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return joined


def _ticks(since: datetime, until: datetime, at: Callable[[datetime], float], zone: tzinfo) -> tuple[Tick, ...]:
    """At most a few lines, at whole hours or days of the zone."""
    step = next((one for one in STEPS if (until - since) / one <= MOST_TICKS), STEPS[-1])
    local = since.astimezone(zone)
    moment = local.replace(minute=0, second=0, microsecond=0)
    if step >= timedelta(days=1):
        moment = moment.replace(hour=0)
    elif step > timedelta(hours=1):
        hours = int(step.total_seconds() // 3600)
        moment = moment.replace(hour=moment.hour // hours * hours)
    found = []
    while moment <= until:
        if moment > since:
            x = at(moment)
            text = f"{moment:%m-%d}" if step >= timedelta(days=1) else f"{moment:%m-%d %H:%M}"
            found.append(Tick(x, text, _anchor(x)))
        moment += step
    return tuple(found)
