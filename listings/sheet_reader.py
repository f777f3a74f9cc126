"""Reads the first sheet of one workbook in a process of its own: `sheet_reader.py FILE BYTES SECONDS`, run by `listings.sheets`.

A workbook is a program for its reader: two cells may span a sheet of seventeen thousand million, an archive may hold more than it says, and
a reader without memory ends its process. Here that process holds nothing but the workbook; it has BYTES of memory and SECONDS of a
processor. It writes a JSON array a row; last of all an object, {"error": true}, when the workbook cannot be read. Nothing of ours is
imported here.
"""

from __future__ import annotations

import json
import resource
import sys
from datetime import datetime

from python_calamine import CalamineError, CalamineWorkbook

#: How a workbook keeps a figure is not how it was typed: 0.1 + 0.2 is 0.30000000000000004 there, and 0.3 wherever a spreadsheet shows it.
_DIGITS = ".15g"
OUT_OF_MEMORY = 2


def main() -> int:
    """Write the rows; answers the exit code."""
    path, size, seconds = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    out = sys.stdout
    try:
        with CalamineWorkbook.from_path(path) as book:
            for row in book.get_sheet_by_index(0).iter_rows() if book.sheet_names else ():
                out.write(json.dumps([_text(value) for value in row]) + "\n")
    except (CalamineError, OSError, ValueError):
        out.write('{"error": true}\n')
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


def _text(value: object) -> str:
    """A cell as somebody would type it: `12` for 12.0, `2.55`, `2026-11-27 08:00:00`."""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 2**53 else format(value, _DIGITS)
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


if __name__ == "__main__":
    sys.exit(main())
