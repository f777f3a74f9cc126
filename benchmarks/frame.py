"""What every benchmark shares: a database of its own, interleaved rounds, peak memory, and the section in docs/benchmarks.md."""

from __future__ import annotations

import gc
import itertools
import os
import platform
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection

from backoffice.env import BASE_DIR
from core.signals import nudged

PAGE = BASE_DIR / "docs" / "benchmarks.md"
MIB = 1024 * 1024


@dataclass(frozen=True)
class Line:
    """One line of a table: what was done, floor and ours in seconds (medians), the median of the rounds' ratios, queries and peak memory
    (bytes) of ours, the goal.
    """

    work: str
    floor: float
    ours: float
    ratio: float
    queries: int
    peak: int
    goal: str = ""
    note: str = ""


@contextmanager
def database(name: str) -> Iterator[None]:
    """A migrated database of this run alone, dropped at the end."""
    settings = connection.settings_dict
    settings["TEST"] = {**settings.get("TEST", {}), "NAME": f"bench_{name}_{os.getpid()}"}
    original = settings["NAME"]
    nudged.receivers.clear()  # nobody is to be woken: what is measured is the work itself
    connection.creation.create_test_db(verbosity=0, autoclobber=True, serialize=False)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(original, verbosity=0)


@dataclass(frozen=True)
class Measured:
    """Times of both sides by round, queries and peak memory of ours."""

    floor: list[float]
    ours: list[float]
    queries: int
    peak: int


def interleaved(
    prepare: Callable[[], object],
    floor: Callable[[object], None],
    ours: Callable[[object], None],
    *,
    rounds: int,
    rehearse: Callable[[], object] | None = None,
) -> Measured:
    """Run both sides in turn, each on material of its own from `prepare`, beginning with the other one every second round.

    Both run once before, on smaller material from `rehearse` if given: caches are warm before anything is measured.
    """
    times: dict[str, list[float]] = {"floor": [], "ours": []}
    counted: list[int] = []
    peak = 0
    for side in (floor, ours):
        side((rehearse or prepare)())
    for turn in range(rounds):
        for name in ("floor", "ours") if turn % 2 == 0 else ("ours", "floor"):
            material = prepare()
            gc.collect()
            _settle()
            if name == "floor":
                times["floor"].append(_timed(partial(floor, material)))
                continue
            reset_peak()
            with _counting(counted):
                times["ours"].append(_timed(partial(ours, material)))
            peak = max(peak, peak_memory())
    return Measured(times["floor"], times["ours"], max(counted), peak)


@contextmanager
def _counting(counted: list[int]) -> Iterator[None]:
    """Count the statements of a run (COPY aside) and append the number."""
    number = itertools.count()

    def pass_on(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        next(number)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(pass_on):
        yield
    counted.append(next(number))


def _timed(work: Callable[[], None]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _settle() -> None:
    """Let neither side pay for the other's garbage: statistics fresh, buffers written."""
    with connection.cursor() as cursor:
        cursor.execute("CHECKPOINT")


def reset_peak() -> None:
    """Begin to measure peak memory anew (Linux)."""
    Path("/proc/self/clear_refs").write_text("5")


def peak_memory() -> int:
    """Peak resident memory of this process in bytes since `reset_peak`."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(found.group(1)) * 1024 if found else 0


def line(work: str, measured: Measured, *, goal: str = "", note: str = "") -> Line:
    """The medians of a measurement as a line."""
    return Line(
        work,
        statistics.median(measured.floor),
        statistics.median(measured.ours),
        statistics.median(ours / floor for floor, ours in zip(measured.floor, measured.ours, strict=True)),
        measured.queries,
        measured.peak,
        goal,
        note,
    )


def publish(title: str, lines: Sequence[Line], intro: str, *, keep: bool = True) -> str:
    """Print the table; with `keep` put it into docs/benchmarks.md in place of the last one of that title; answers the section."""
    rows = [
        "| work | floor | ours | ratio | goal | queries | peak memory |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {one.work} | {_span(one.floor)} | {_span(one.ours)} | **{_ratio(one.ratio)}** | {one.goal} | {one.queries:,} |"
            f" {one.peak / MIB:.0f} MiB |"
            for one in lines
        ),
    ]
    notes = [f"- {one.work}: {one.note}" for one in lines if one.note]
    return publish_text(title, [intro, "", *rows, "", *notes], keep=keep)


def publish_text(title: str, text: Sequence[str], *, keep: bool = True) -> str:
    """Print a section of one's own lines; with `keep` put it into docs/benchmarks.md in place of the last one of that title."""
    section = "\n".join(
        [
            f"## {title}",
            "",
            *text,
            "",
            f"_{circumstances()} Floor and ours run in turn; medians, the ratio being that of the rounds' ratios._",
            "",
        ]
    )
    print(section)
    if not keep:
        return section
    keep_section(title, section)
    return section


def keep_section(title: str, section: str) -> None:
    """Put a section into docs/benchmarks.md in place of the last one of that title."""
    page = PAGE.read_text() if PAGE.exists() else "# Benchmarks\n\nThe last run of each; `make bench` writes them.\n"
    kept = [part for part in re.split(r"(?m)^(?=## )", page) if not part.startswith(f"## {title}\n")]
    PAGE.write_text("\n".join(part.strip() + "\n" for part in [*kept, section]))


def _ratio(ratio: float) -> str:
    return f"{ratio:.2f}" if ratio >= 0.1 else f"{ratio:.4f}"


def _span(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def circumstances() -> str:
    """When and on what it was measured; the load is that of the last five minutes, the benchmark's own included."""
    with connection.cursor() as cursor:
        cursor.execute("SHOW server_version")
        (version,) = cursor.fetchone()
    commit = subprocess.run(
        ["git", "-C", str(BASE_DIR), "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, commit {commit or 'unknown'}, Python {platform.python_version()}, PostgreSQL {version},"
        f" {os.cpu_count()} cores, load {os.getloadavg()[1]:.0f}."
    )
