"""Reading xlsx workbooks: the first sheet, values only, after the archive has shown that it is no bomb, in a process with little memory."""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import orjson
from django.utils.translation import gettext as _

from listings.sheet_reader import OUT_OF_MEMORY
from policies.rules import ImportRules

_READER = Path(__file__).with_name("sheet_reader.py")
#: What a child needs to find its libraries, and nothing that is secret.
_ENVIRONMENT = ("PATH", "LD_LIBRARY_PATH", "LANG", "TZ")
_BLOCK = 1 << 18
#: A local file header: its length, and where the lengths of name and extra field stand in it.
_HEADER, _LENGTHS = 30, 26
_SMALL = 1_000_000


class SheetError(Exception):
    """The workbook cannot be read; the text says why."""


def check_archive(path: Path, *, most: int, ratio: int) -> int:
    """The size of the workbook inside, in bytes, measured and not taken on trust. Raises SheetError when it is no workbook, or larger
    inside than `most` bytes or `ratio` times its size."""
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        # A RuntimeError is what Python raises for an archive of a kind that it cannot read.
        raise _damaged() from None
    if not any(entry.filename == "xl/workbook.xml" for entry in entries):
        raise SheetError(_("this is a zip archive, not a workbook"))
    most = min(most, max(_SMALL, path.stat().st_size * ratio))
    inflated = 0
    try:
        with path.open("rb") as file:
            for entry in entries:
                inflated += _inflated(file, entry, most - inflated)
    except (OSError, ValueError, OverflowError, zlib.error):
        raise _damaged() from None
    return inflated


def _inflated(file: IO[bytes], entry: zipfile.ZipInfo, most: int) -> int:
    """What one entry really holds; what it says of itself is its sender's word."""
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _damaged()
    if entry.file_size > most or entry.compress_size > most:
        raise _too_large()
    if entry.compress_type == zipfile.ZIP_STORED:
        return max(entry.file_size, entry.compress_size)
    file.seek(entry.header_offset)
    header = file.read(_HEADER)
    if len(header) < _HEADER:
        raise _damaged()
    file.seek(sum(struct.unpack_from("<HH", header, _LENGTHS)), os.SEEK_CUR)
    return _length(file, entry.compress_size, most)


def _length(file: IO[bytes], packed: int, most: int) -> int:
    stream, size = zlib.decompressobj(-zlib.MAX_WBITS), 0
    while packed > 0 and not stream.eof and (piece := file.read(min(packed, _BLOCK))):
        packed -= len(piece)
        while piece and not stream.eof:
            size += len(stream.decompress(piece, _BLOCK))
            piece = stream.unconsumed_tail
            if size > most:
                raise _too_large()
    return size


def rows_of_sheet(path: Path, rules: ImportRules) -> Generator[list[str]]:
    """The rows of the first sheet as text; formulas give the value that was last saved. Raises SheetError."""
    with _reader(path, rules) as process:
        lines = process.stdout
        while lines is not None and (line := lines.readline(rules.max_sheet_bytes)):
            if not line.endswith(b"\n"):
                raise _too_large()
            row = orjson.loads(line)
            if not isinstance(row, list):
                raise _damaged()
            yield row
        if code := process.wait():
            # Ended by a signal: the reader could not have its memory, or its time was over.
            raise _too_large() if code < 0 or code == OUT_OF_MEMORY else _damaged()


@contextmanager
def _reader(path: Path, rules: ImportRules) -> Iterator[subprocess.Popen[bytes]]:
    """The process that reads; it ends with the reading, however that ends."""
    words = [
        sys.executable,
        "-I",
        "-B",
        str(_READER),
        str(path.resolve()),
        str(rules.max_sheet_memory),
        str(rules.max_sheet_seconds),
    ]
    known = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    with subprocess.Popen(  # noqa: S603 - our own program; the file's name is one argument
        words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=known
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def _damaged() -> SheetError:
    return SheetError(_("it is damaged, or no workbook at all"))


def _too_large() -> SheetError:
    return SheetError(_("it is far larger inside than is taken here"))
