"""What the import commands share: their arguments, the way they show progress, where refused rows go."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from django.conf import settings
from django.core.management.base import CommandError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from accounts.models import Store
from listings.staging import Progress
from listings.tabular import read_mapping

#: Seconds between two lines of progress where there is no terminal.
_EVERY = 10.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of every import command."""
    parser.add_argument("file", metavar="FILE", type=Path, help="csv, csv.gz or xlsx")
    parser.add_argument("--store", required=True, metavar="SLUG", help="the store that it belongs to")
    parser.add_argument(
        "--map",
        dest="mapping",
        action="extend",
        nargs="+",
        default=[],
        metavar="COLUMN=field",
        help="which column gives which field; columns that already have a field's name need none",
    )
    parser.add_argument("--currency", default="", metavar="CODE", help="ISO 4217; the store's when left out")
    parser.add_argument("--delimiter", default="", help="one character; found in the header when left out")
    parser.add_argument("--encoding", default="", help="utf-8, gb18030 or iso-8859-1; found in the file when left out")
    parser.add_argument(
        "--errors", type=Path, default=None, metavar="PATH", help="where refused rows go; FILE.errors.csv when left out"
    )


def store_of(slug: str) -> Store:
    """The store of that slug. Raises CommandError with the ones there are."""
    store = Store.objects.filter(slug=slug).first()
    if store is None:
        known = ", ".join(Store.objects.order_by("slug").values_list("slug", flat=True)[:20])
        raise CommandError(f"there is no store “{slug}”; stores: {known or 'none yet'}")
    return store


def mapping_of(pairs: list[str]) -> dict[str, str]:
    """`--map` as column -> field."""
    return read_mapping(pairs)


def errors_path(file: Path, wanted: Path | None) -> Path:
    """Where refused rows go: beside the file, or under the data directory where that folder takes no files."""
    if wanted is not None:
        return wanted
    beside = file.with_name(f"{file.name}.errors.csv")
    if _takes_files(beside.parent):
        return beside
    return Path(settings.DATA_DIR) / "imports" / beside.name


def _takes_files(folder: Path) -> bool:
    if not os.stat(folder).st_mode & 0o222:  # root may write where nobody should
        return False
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


class _Lines:
    """Progress as plain lines, for logs and pipes."""

    def __init__(self, out: IO[str]) -> None:
        self._out, self._phase, self._total, self._done, self._told = out, "", 0, 0, 0.0

    def start(self, phase: str, total: int) -> None:
        """Name the phase."""
        self._phase, self._total, self._done, self._told = phase, total, 0, time.monotonic()
        self._out.write(f"{phase} …\n")

    def advance(self, steps: int) -> None:
        """Now and then a line."""
        self._done += steps
        if time.monotonic() - self._told >= _EVERY:
            self._told = time.monotonic()
            self._out.write(f"{self._phase}: {self._done:,} of about {self._total:,}\n")
            self._out.flush()


class _Bars:
    """Progress as bars on a terminal."""

    def __init__(self, bar: Bar) -> None:
        self._bar, self._task = bar, TaskID(0)

    def start(self, phase: str, total: int) -> None:
        """A new bar."""
        self._task = self._bar.add_task(phase, total=total or None)

    def advance(self, steps: int) -> None:
        """Move it."""
        self._bar.advance(self._task, steps)


@contextmanager
def shown_progress(out: IO[str]) -> Iterator[Progress]:
    """A progress bar on a terminal, plain lines elsewhere."""
    if not out.isatty():
        yield _Lines(out)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Bar(*columns, console=Console(file=sys.stderr)) as bar:
        yield _Bars(bar)
