"""Reading tables that people send: csv, csv.gz and xlsx, in constant memory, hostile until proven.

`inspect()` looks at the whole file once (encoding, size, digest), `open_table()` finds the header, and the table then yields rows. A row
that cannot be a row (wrong number of cells, NUL bytes, a quote that is never closed) comes with its problem and stops no other.
Cells are text: nothing is ever evaluated, a formula stays the text it is.
"""

from __future__ import annotations

import codecs
import csv
import gzip
import hashlib
import io
import re
import unicodedata
import zlib
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from django.utils.translation import gettext as _

from core import csvfile
from core.errors import FieldError, InvalidInput
from listings.sheets import SheetError, check_archive, rows_of_sheet
from policies.rules import ImportRules

_BLOCK = 1 << 18
_GZIP, _ZIP = b"\x1f\x8b", b"PK\x03\x04"
_WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)
#: Inflating this much is harmless whatever the ratio.
_RATIO_FROM = 10 * 1024 * 1024
#: What GB18030 decodes to when the text really is Chinese; text of Western Europe decodes to far rarer characters.
_LIKELY_CHINESE = re.compile(r"[\x00-\x7f\u00b0-\u00b7\u00d7\u00f7\u2010-\u2027\u2030-\u203b\u20ac\u2103-\u2193\u2460-\u249b\u2500-\u25ff"
                             r"\u3000-\u303f\u3040-\u30ff\u4e00-\u9fff\uff01-\uffe5]*")  # fmt: skip
_HAN = re.compile("[\u4e00-\u9fff]+")
_CONTROL_C1 = re.compile(rb"[\x80-\x9f]")
DELIMITERS = ",;\t|"
#: Put in the place of a line that is longer than any line may be; the row that holds it is refused.
_TOO_LONG = "\x00too-long\x00"


class FileRefused(InvalidInput):
    """Nothing of the file can be read."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail, [FieldError("file", code, detail)], code=code)


@dataclass(frozen=True, slots=True)
class Source:
    """A file that was looked at: how to read it, how big it is inside, its digest (SHA-256 of the file as it lies there)."""

    path: Path
    kind: str
    encoding: str
    size: int
    inflated: int
    lines: int
    sha256: str
    given_name: str = ""

    @property
    def name(self) -> str:
        """The name that its sender gave it, without a folder."""
        return self.given_name or self.path.name


def inspect(path: Path, rules: ImportRules, *, encoding: str = "", most_bytes: int | None = None) -> Source:
    """Look at the whole file once. `encoding` overrides the detection; `most_bytes` caps the file as it lies there.

    Raises FileRefused: missing, empty, too large, damaged, not text, or of no encoding we know.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(4)
    except OSError as error:
        raise FileRefused(
            "ERR_FILE_MISSING", _("The file cannot be opened: %(why)s.") % {"why": error.strerror}
        ) from None
    if not size:
        raise FileRefused("ERR_FILE_EMPTY", _("The file is empty."))
    if most_bytes is not None and size > most_bytes:
        words = _("The file has %(size)s bytes; at most %(most)s are taken here. Split it.")
        raise FileRefused("ERR_TOO_LARGE", words % {"size": size, "most": most_bytes})
    if head == _ZIP:
        return _inspect_sheet(path, size, rules)
    kind = "csv.gz" if head[:2] == _GZIP else "csv"
    found = _Scan(rules, size if kind == "csv.gz" else None)
    with _bytes(path, kind) as raw:
        while block := raw.read(_BLOCK):
            found.add(block)
    if not found.total:
        raise FileRefused("ERR_FILE_EMPTY", _("The file is empty."))
    used = _known_encoding(encoding) if encoding else _encoding(path, kind, found, rules)
    return Source(path, kind, used, size, found.total, found.lines, _digest(path))


def _inspect_sheet(path: Path, size: int, rules: ImportRules) -> Source:
    try:
        inflated = check_archive(path, most=rules.max_sheet_bytes, ratio=rules.max_inflate_ratio)
    except SheetError as error:
        raise FileRefused(
            "ERR_FILE_DAMAGED", _("The workbook cannot be read: %(why)s.") % {"why": str(error)}
        ) from None
    return Source(path, "xlsx", "", size, inflated, 0, _digest(path))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _bytes(path: Path, kind: str) -> Iterator[IO[bytes]]:
    """The file's bytes, inflated; damage becomes FileRefused."""
    try:
        with path.open("rb") as file:
            if kind == "csv.gz":
                with gzip.GzipFile(fileobj=file) as inflated:
                    yield inflated  # type: ignore[misc]  # reads as a binary file does
            else:
                yield file
    except (gzip.BadGzipFile, EOFError, zlib.error):
        raise FileRefused("ERR_FILE_DAMAGED", _("The compressed file is damaged or cut short.")) from None


class _Scan:
    """What one pass over the bytes shows."""

    def __init__(self, rules: ImportRules, packed: int | None) -> None:
        self.rules, self.packed = rules, packed
        self.total = self.lines = 0
        self.utf8 = True
        self._decoder = codecs.getincrementaldecoder("utf-8")()

    def add(self, block: bytes) -> None:
        """Take the next block. Raises FileRefused as soon as the file can be nothing good."""
        if not self.total:
            self._first(block)
        self.total += len(block)
        self.lines += block.count(b"\n")
        most = self.rules.max_inflated_bytes
        bomb = self.packed and self.total > max(_RATIO_FROM, self.packed * self.rules.max_inflate_ratio)
        if self.total > most or bomb:
            raise FileRefused("ERR_TOO_LARGE", _("The file is far larger inside than is taken here. Split it."))
        if self.utf8:
            try:
                self._decoder.decode(block)
            except UnicodeDecodeError:
                self.utf8 = False

    def _first(self, block: bytes) -> None:
        if block.startswith(_WIDE_MARKS):
            raise FileRefused("ERR_FILE_ENCODING", _("The file is UTF-16 or UTF-32. Save it as UTF-8."))
        if block.count(b"\x00") > len(block) // 10:
            raise FileRefused("ERR_FILE_KIND", _("This is not a text file. Save the table as csv (UTF-8) or xlsx."))

    @property
    def is_utf8(self) -> bool:
        """Whether all of it was UTF-8, to the last byte."""
        try:
            self._decoder.decode(b"", final=True)
        except UnicodeDecodeError:
            return False
        return self.utf8


def _known_encoding(name: str) -> str:
    allowed = {"utf-8": "utf-8-sig", "gb18030": "gb18030", "gbk": "gb18030", "iso8859-1": "iso-8859-1"}
    try:
        return allowed[codecs.lookup(name).name.removesuffix("-sig")]
    except (LookupError, KeyError):
        words = _("“%(name)s” is none of the encodings taken here: UTF-8, GB18030, ISO-8859-1.")
        raise FileRefused("ERR_FILE_ENCODING", words % {"name": name[:40]}) from None


def _encoding(path: Path, kind: str, found: _Scan, rules: ImportRules) -> str:
    """UTF-8 proves itself; of the others Chinese is tried first, and Western Europe only where no control character would result."""
    for name in rules.encodings:
        if name == "utf-8-sig":
            if found.is_utf8:
                return name
        elif name == "gb18030":
            if _decodes_to_chinese(path, kind):
                return name
        elif name == "iso-8859-1" and not _holds_c1(path, kind):
            return name
    raise FileRefused(
        "ERR_FILE_ENCODING",
        _("The text is neither UTF-8 nor GB18030 nor ISO-8859-1. Save it as UTF-8 and send it again."),
    )


def _decodes_to_chinese(path: Path, kind: str) -> bool:
    """Whether it decodes, and to characters that people write: an accented letter and the letter after it (“Käse”) decode to a rare one,
    and in a Chinese text, traditional characters included, most are among the 6,763 of GB 2312."""
    decoder, common, rare = codecs.getincrementaldecoder("gb18030")(), 0, 0
    try:
        with _bytes(path, kind) as raw:
            while block := raw.read(_BLOCK):
                text = decoder.decode(block)
                if not _LIKELY_CHINESE.fullmatch(text):
                    return False
                han = "".join(_HAN.findall(text))
                known = len(han.encode("gb2312", "ignore")) // 2
                common, rare = common + known, rare + len(han) - known
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return rare <= common


def _holds_c1(path: Path, kind: str) -> bool:
    with _bytes(path, kind) as raw:
        while block := raw.read(_BLOCK):
            if _CONTROL_C1.search(block):
                return True
    return False


# -- rows --------------------------------------------------------------------------------------------------------------------

#: Number of the row as a spreadsheet counts (the header is 1), its cells, and what is wrong with it.
Row = tuple[int, list[str], FieldError | None]


@dataclass
class Table:
    """An open table: its header, and its rows once. `blank` counts empty lines, which are no rows."""

    source: Source
    header: list[str]
    delimiter: str
    _rows: Iterator[Row]
    blank: int = 0
    read: int = field(default=0)

    def __iter__(self) -> Iterator[Row]:
        """Every row after the header, in order."""
        for row in self._rows:
            if not row[1] and row[2] is None:
                self.blank += 1
                continue
            self.read += 1
            yield row


@contextmanager
def open_table(
    source: Source, rules: ImportRules, *, delimiter: str = "", most_rows: int | None = None
) -> Iterator[Table]:
    """Open a file that was inspected. `delimiter` overrides the guess. Raises FileRefused when there is no usable header; reading
    past `most_rows` rows raises FileRefused too."""
    most = rules.max_rows if most_rows is None else most_rows
    if source.kind == "xlsx":
        with closing(_sheet_cells(source, rules)) as cells:
            yield _with_header(source, cells, "", rules, most)
        return
    with _bytes(source.path, source.kind) as raw:
        text = io.TextIOWrapper(raw, encoding=source.encoding, newline="", errors="strict")
        try:
            lines = _Lines(text, rules.max_line_length)
            first = lines.peek()
            sign = delimiter or _delimiter(first)
            if len(sign) != 1:
                raise FileRefused("ERR_FILE_KIND", _("A delimiter is one character."))
            csv.field_size_limit(rules.max_line_length)
            yield _with_header(source, _csv_cells(lines, sign), sign, rules, most)
        except UnicodeDecodeError as error:
            words = _(
                "The text is not %(encoding)s at byte %(place)s of a block. Leave the encoding to us, or save it as UTF-8."
            )
            words = words % {"encoding": source.encoding, "place": error.start}
            raise FileRefused("ERR_FILE_ENCODING", words) from None
        finally:
            text.detach()


class _Lines:
    """Lines of a text, none longer than `longest`; an endless one is replaced by a mark."""

    def __init__(self, text: io.TextIOWrapper, longest: int) -> None:
        self._text, self._longest = text, longest
        self._first: str | None = None
        self.number = 0
        self.ended = False

    def peek(self) -> str:
        """The first line, which is read again later."""
        if self._first is None:
            self._first = self._read()
        return self._first

    def __iter__(self) -> Iterator[str]:
        if self._first is not None:
            first, self._first = self._first, None
            self.number += 1
            yield first
        while line := self._read():
            self.number += 1
            yield line
        self.ended = True

    def _read(self) -> str:
        line = self._text.readline(self._longest)
        if len(line) < self._longest or line.endswith(("\n", "\r")):
            return line
        while True:
            more = self._text.readline(self._longest)
            if len(more) < self._longest or more.endswith(("\n", "\r")):
                return f"{_TOO_LONG}\n"


def _delimiter(line: str) -> str:
    """The likeliest delimiter of the header line, quoted parts aside; a comma when there is none."""
    bare = re.sub(r'"[^"]*"', "", line)
    return max(DELIMITERS, key=lambda sign: (bare.count(sign), -DELIMITERS.index(sign)))


def _csv_cells(lines: _Lines, delimiter: str) -> Iterator[Row]:
    reader = csv.reader(iter(lines), delimiter=delimiter, strict=False)
    number = 0
    while True:
        number += 1
        began = lines.number + 1
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error:
            yield number, [], _unreadable(began, lines.number)
            continue
        # A reader that asks for more lines than there are stands inside a quote; it gives the rest of the file as one cell.
        yield (number, [], _unreadable(began, lines.number)) if lines.ended else (number, cells, None)


def _unreadable(first: int, last: int) -> FieldError:
    words = _("Lines %(first)s to %(last)s cannot be read as a row. Is a quote never closed?")
    return FieldError("row", "ERR_ROW_FORMAT", words % {"first": first, "last": last})


def _sheet_cells(source: Source, rules: ImportRules) -> Generator[Row]:
    try:
        with closing(rows_of_sheet(source.path, rules)) as rows:
            for number, cells in enumerate(rows, start=1):
                yield number, cells, None
    except SheetError as error:
        words = _("The workbook cannot be read: %(why)s.") % {"why": str(error)}
        raise FileRefused("ERR_FILE_DAMAGED", words) from None


def _with_header(source: Source, cells: Iterator[Row], delimiter: str, rules: ImportRules, most_rows: int) -> Table:
    first = next((row for row in cells if any(cell.strip() for cell in row[1]) or row[2]), None)
    if first is None or first[2] is not None:
        raise FileRefused("ERR_FILE_HEADER", _("The first row must name the columns."))
    header = [unicodedata.normalize("NFKC", cell).strip() for cell in first[1]]
    while header and not header[-1]:
        header.pop()
    if len(header) > rules.max_columns:
        words = _("The table has %(count)s columns; at most %(most)s are taken.")
        raise FileRefused("ERR_FILE_HEADER", words % {"count": len(header), "most": rules.max_columns})
    if any("\x00" in name for name in header):
        raise FileRefused("ERR_FILE_HEADER", _("The first row must name the columns."))
    return Table(source, header, delimiter, _proven(cells, len(header), most_rows, rules.max_cell_length))


def _proven(cells: Iterator[Row], width: int, most_rows: int, longest: int) -> Iterator[Row]:
    """Rows with exactly `width` cells; surplus empty cells at the end are cut off."""
    rows = 0
    for number, row, problem in cells:
        if problem is not None:
            yield number, row, problem
            continue
        if not row or (len(row) == 1 and not row[0].strip()) or not any(row):
            yield number, [], None
            continue
        rows += 1
        if rows > most_rows:
            words = _("The file has more than %(most)s rows. Split it.") % {"most": most_rows}
            raise FileRefused("ERR_ROWS_LIMIT", words)
        yield number, row, _problem(row, width, longest)


def _problem(row: list[str], width: int, longest: int) -> FieldError | None:
    if "\x00" in "".join(row):
        if any(_TOO_LONG in cell for cell in row):
            return FieldError("row", "ERR_ROW_FORMAT", _("A line is longer than any row may be."))
        return FieldError("row", "ERR_TEXT_CHARACTER", _("The row holds a NUL byte."))
    while len(row) > width and not row[-1]:
        row.pop()
    length = max(map(len, row), default=0)
    if length > longest:
        words = _("A cell has %(length)s characters; at most %(longest)s are taken.")
        return FieldError("row", "ERR_LENGTH", words % {"length": length, "longest": longest})
    if len(row) == width:
        return None
    words = _("The row has %(count)s cells where the header has %(width)s.") % {"count": len(row), "width": width}
    return FieldError("row", "ERR_ROW_COLUMNS", words)


# -- columns -----------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Column:
    """A field that a table may fill: its name, other headers under which it is known, and whether there is no row without it."""

    field: str
    aliases: tuple[str, ...] = ()
    required: bool = False


def _key(name: str) -> str:
    return re.sub(r"[\s_-]+", "", unicodedata.normalize("NFKC", name)).casefold()


def read_mapping(given: Sequence[str]) -> dict[str, str]:
    """Read `COLUMN=field` pairs. The field stands after the last equals sign, so that a column's name may hold one."""
    mapping: dict[str, str] = {}
    for pair in given:
        column, equals, name = pair.rpartition("=")
        if not equals or not column.strip() or not name.strip():
            raise FileRefused("ERR_FILE_MAPPING", _("“%(pair)s” is not COLUMN=field.") % {"pair": pair[:80]})
        mapping[column.strip()] = name.strip()
    return mapping


def columns_of(header: Sequence[str], known: Sequence[Column], given: Mapping[str, str]) -> dict[str, int]:
    """Where each field stands in the header: as `given` (column -> field), else by its name or an alias.

    Raises FileRefused for a column or field that does not exist, a column that is there twice, or a field without which nothing works.
    """
    fields = {column.field: column for column in known}
    places: dict[str, int] = {}
    taken: set[int] = set()
    for column, name in given.items():
        if name not in fields:
            words = _("There is no field “%(name)s”. Fields: %(fields)s.")
            raise FileRefused("ERR_FILE_MAPPING", words % {"name": name[:40], "fields": ", ".join(fields)})
        if name in places:
            raise FileRefused("ERR_FILE_MAPPING", _("Two columns are mapped to “%(name)s”.") % {"name": name})
        places[name] = _place(header, [column], named=column)
        taken.add(places[name])
    for name, column_ in fields.items():
        if name in places:
            continue
        place = _place(header, [name, *column_.aliases])
        if place >= 0 and place not in taken:
            places[name] = place
        elif column_.required:
            words = _("No column gives “%(name)s”. The columns are: %(columns)s. Map one to it: COLUMN=%(name)s.")
            raise FileRefused("ERR_FILE_HEADER", words % {"name": name, "columns": ", ".join(header)[:500]})
    return places


def _place(header: Sequence[str], names: Sequence[str], *, named: str = "") -> int:
    """The position of the one column that has one of these names; -1 when there is none."""
    wanted = {_key(name) for name in names}
    exact = [index for index, column in enumerate(header) if column in names]
    found = exact or [index for index, column in enumerate(header) if _key(column) in wanted]
    if len(found) > 1:
        words = _("The column “%(name)s” is there %(count)s times.")
        raise FileRefused("ERR_FILE_HEADER", words % {"name": header[found[0]], "count": len(found)})
    if not found and named:
        words = _("There is no column “%(name)s”. The columns are: %(columns)s.")
        raise FileRefused("ERR_FILE_MAPPING", words % {"name": named[:80], "columns": ", ".join(header)[:500]})
    return found[0] if found else -1


# -- what goes out -----------------------------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?", re.ASCII)


def inert(cell: str) -> str:
    """A cell that no spreadsheet runs; plain numbers stay, those with a decimal comma too (R147)."""
    return cell if _NUMBER.fullmatch(cell) else csvfile.inert(cell)


class ErrorFile:
    """The rows that were refused, in the order of the file: row number, code, message, and the row as it was sent."""

    def __init__(self, path: Path, header: Sequence[str]) -> None:
        self.path, self.rows = path, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        self._part = path.with_name(f"{path.name}.part")
        self._file = self._part.open("w", encoding="utf-8-sig", newline="")
        self._writer = csv.writer(self._file)
        self._writer.writerow(["row", "code", "message", *(inert(name) for name in header)])

    def write(self, number: int, code: str, message: str, cells: Sequence[str]) -> None:
        """Add one row."""
        self.rows += 1
        shown = (inert(cell.replace("\x00", "␀")) for cell in cells)
        self._writer.writerow([number, code, message, *shown])

    def close(self, *, keep: bool = True) -> None:
        """Give the file its name; without `keep` leave nothing behind."""
        self._file.close()
        if keep:
            self._part.replace(self.path)
        else:
            self._part.unlink(missing_ok=True)


def merge_errors(table: Table, errors: Iterator[tuple[int, str, str]], out: ErrorFile) -> None:
    """Write `errors` (number, code, message; in order) beside the rows of `table`, which is read once more."""
    pending: Any = next(errors, None)
    for number, cells, _problem in table:
        while pending is not None and pending[0] < number:
            pending = next(errors, None)
        if pending is None:
            return
        if pending[0] == number:
            out.write(number, pending[1], pending[2], cells)
            pending = next(errors, None)


def read_error_rows(path: Path) -> Iterator[dict[str, Any]]:
    """What an `ErrorFile` holds: row number, code, message; nothing when there is none."""
    if not path.is_file():
        return
    with path.open(encoding="utf-8-sig", newline="") as file:
        for row in csv.DictReader(file):
            yield {"row": int(row["row"]), "code": row["code"], "message": row["message"]}
