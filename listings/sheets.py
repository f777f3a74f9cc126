"""Reading xlsx workbooks: the first sheet, values only, after the archive has shown that it is no bomb."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path

from django.utils.translation import gettext as _
from python_calamine import CalamineError, CalamineWorkbook


class SheetError(Exception):
    """The workbook cannot be read; the text says why."""


def check_archive(path: Path, *, most: int, ratio: int) -> int:
    """The size of the workbook inside, in bytes. Raises SheetError when it is no workbook, or larger inside than `most` bytes or
    `ratio` times its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise SheetError(str(error)) from None
    if not any(entry.filename == "xl/workbook.xml" for entry in entries):
        raise SheetError(_("this is a zip archive, not a workbook"))
    inflated = sum(entry.file_size for entry in entries)
    packed = sum(entry.compress_size for entry in entries)
    if inflated > most or inflated > max(1_000_000, packed * ratio):
        raise SheetError(_("it is far larger inside than is taken here"))
    return inflated


def rows_of_sheet(path: Path) -> Iterator[list[str]]:
    """The rows of the first sheet as text; formulas give the value that was last saved. Raises SheetError."""
    try:
        with CalamineWorkbook.from_path(str(path)) as book:
            if not book.sheet_names:
                raise SheetError(_("it has no sheet"))
            for row in book.get_sheet_by_index(0).iter_rows():
                yield [_text(value) for value in row]
    except (CalamineError, OSError, ValueError) as error:
        raise SheetError(str(error)) from None


def _text(value: object) -> str:
    """A cell as somebody would type it: `12` for 12.0, `2.55`, `2026-11-27 08:00:00`."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else repr(value)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, date | time | timedelta):
        return str(value)
    return str(value)
