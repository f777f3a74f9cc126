"""Files that people send: hostile until proven."""

from __future__ import annotations

import csv
import gzip
import io
import zipfile
from pathlib import Path

import pytest

from listings import tabular
from listings.sheets import SheetError, check_archive
from listings.tabular import Column, ErrorFile, FileRefused, columns_of, inspect, merge_errors, open_table, read_mapping
from policies.rules import ImportRules

RULES = ImportRules()
SMALL = ImportRules(
    max_line_length=1000, max_rows=50, max_columns=5, max_inflated_bytes=20_000_000, max_inflate_ratio=20
)


def put(folder: Path, content: bytes | str, name: str = "table.csv") -> Path:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def rows(path: Path, rules: ImportRules = RULES, **options: str) -> tuple[list[str], list[tuple[int, list[str], str]]]:
    source = inspect(path, rules, encoding=options.pop("encoding", ""))
    with open_table(source, rules, **options) as table:  # type: ignore[arg-type]  # passed on as given
        return table.header, [(number, cells, problem.code if problem else "") for number, cells, problem in table]


def refusal(path: Path, rules: ImportRules = RULES, **options: str) -> str:
    with pytest.raises(FileRefused) as refused:
        rows(path, rules, **options)
    assert refused.value.status == 422
    return refused.value.code


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        ("sku,title\nA,碎花裙 £\n".encode(), "utf-8-sig"),
        ("\ufeffsku,title\nA,碎花裙 £\n".encode(), "utf-8-sig"),
        ("sku,title\nA,碎花裙，夏季“短袖”\n".encode("gb18030"), "gb18030"),
        ("sku,title\nA,Crème brûlée £\n".encode("iso-8859-1"), "iso-8859-1"),
        ("sku,title\nA,Käsemesser für Müllers Größe\n".encode("iso-8859-1"), "iso-8859-1"),
        ("sku,title\nA,夏季碎花連衣裙 T恤 M碼\n".encode("gb18030"), "gb18030"),
    ],
)
def test_the_encoding_is_found(tmp_path: Path, content: bytes, encoding: str) -> None:
    source = inspect(put(tmp_path, content), RULES)
    assert source.encoding == encoding
    with open_table(source, RULES) as table:
        assert table.header == ["sku", "title"]
        assert [cells for _, cells, _ in table] == [["A", content.decode(encoding).splitlines()[1].split(",")[1]]]


def test_a_character_beyond_ascii_far_down_is_found_too(tmp_path: Path) -> None:
    filler = "A,plain\n" * 200_000
    assert inspect(put(tmp_path, f"sku,title\n{filler}B,£\n"), RULES).encoding == "utf-8-sig"
    latin = f"sku,title\n{filler}B,£\n".encode("iso-8859-1")
    assert inspect(put(tmp_path, latin), RULES).encoding == "iso-8859-1"


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "ERR_FILE_EMPTY"),
        (gzip.compress(b"", mtime=0), "ERR_FILE_EMPTY"),
        ("sku,title\nA,b\n".encode("utf-16"), "ERR_FILE_ENCODING"),
        ("sku,title\nA,b\n".encode("utf-16-le"), "ERR_FILE_KIND"),
        (b"sku,title\nA,\x80\x81\xff\n", "ERR_FILE_ENCODING"),
        (b"\x89PNG\r\n\x1a\n" + bytes(200), "ERR_FILE_KIND"),
        (b"\n\n\n", "ERR_FILE_HEADER"),
        (gzip.compress(b"sku,title\nA,b\n" * 2000, mtime=0)[:-9], "ERR_FILE_DAMAGED"),
        (b"\x1f\x8b\x08\x00nonsense", "ERR_FILE_DAMAGED"),
        (b"PK\x03\x04nonsense", "ERR_FILE_DAMAGED"),
    ],
)
def test_files_of_which_nothing_can_be_read(tmp_path: Path, content: bytes, code: str) -> None:
    assert refusal(put(tmp_path, content)) == code


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "nowhere.csv") == "ERR_FILE_MISSING"
    assert refusal(tmp_path) == "ERR_FILE_MISSING"


def test_a_named_encoding_is_obeyed_or_refused(tmp_path: Path) -> None:
    path = put(tmp_path, "sku,title\nA,é\n".encode("iso-8859-1"))
    assert rows(path, encoding="latin-1")[1][0][1] == ["A", "é"]
    assert refusal(path, encoding="utf-8") == "ERR_FILE_ENCODING"
    assert refusal(path, encoding="cp437") == "ERR_FILE_ENCODING"


def test_compressed_bombs_are_stopped_early(tmp_path: Path) -> None:
    bomb = gzip.compress(b"sku,title\n" + b"A,b\n" * 6_000_000)
    assert refusal(put(tmp_path, bomb), SMALL) == "ERR_TOO_LARGE"
    ratio = gzip.compress(b"0" * 12_000_000)
    assert refusal(put(tmp_path, ratio), SMALL) == "ERR_TOO_LARGE"


def test_a_file_too_large_for_an_upload(tmp_path: Path) -> None:
    with pytest.raises(FileRefused) as refused:
        inspect(put(tmp_path, "sku\n" * 100), RULES, most_bytes=100)
    assert refused.value.code == "ERR_TOO_LARGE"


@pytest.mark.parametrize(
    ("sign", "line"), [(",", "a,b"), (";", "a;b"), ("\t", "a\tb"), ("|", "a|b"), (",", '"x;y;z",b')]
)
def test_the_delimiter_is_found_in_the_header(tmp_path: Path, sign: str, line: str) -> None:
    source = inspect(put(tmp_path, f"{line}\n1{sign}2\n"), RULES)
    with open_table(source, RULES) as table:
        assert table.delimiter == sign
        assert [cells for _, cells, _ in table] == [["1", "2"]]


def test_bad_rows_come_with_their_number_and_stop_no_other(tmp_path: Path) -> None:
    content = (
        "sku,title\n"
        "A,one\n"  # 2
        "B\n"  # 3
        "C,two,three\n"  # 4
        "D,four,,\n"  # 5: surplus empty cells
        "\n"  # 6: blank
        "E,fi\x00ve\n"  # 7
        f"F,{'x' * 5000}\n"  # 8
        '"G","line one\nline two"\n'  # 9: two lines, one row
        '=1+1,"=HYPERLINK(""http://x"")"\n'  # 10
        "H,last"  # 11
    )
    header, found = rows(put(tmp_path, content), SMALL)
    assert header == ["sku", "title"]
    assert [(number, code) for number, _, code in found] == [
        (2, ""), (3, "ERR_ROW_COLUMNS"), (4, "ERR_ROW_COLUMNS"), (5, ""), (7, "ERR_TEXT_CHARACTER"), (8, "ERR_ROW_FORMAT"),
        (9, ""), (10, ""), (11, ""),
    ]  # fmt: skip
    cells = {number: cells for number, cells, _ in found}
    assert cells[5] == ["D", "four"]
    assert cells[9] == ["G", "line one\nline two"]
    assert cells[10] == ["=1+1", '=HYPERLINK("http://x")']


def test_a_quote_that_is_never_closed_is_named_and_reading_goes_on(tmp_path: Path) -> None:
    content = 'sku,title\nA,one\nB,"never closed\n' + "C,filler filler\n" * 200 + "D,last\n"
    source = inspect(put(tmp_path, content), SMALL)
    with open_table(source, ImportRules(max_line_length=1000)) as table:
        found = list(table)
    assert found[0][1] == ["A", "one"]
    assert found[1][2] is not None
    assert "Lines 3 to" in str(found[1][2].message)
    assert found[-1][1] == ["D", "last"]


def test_a_quote_that_swallows_the_end_of_the_file_is_no_row(tmp_path: Path) -> None:
    _, found = rows(put(tmp_path, 'sku,title\nA,one\nB,"never closed\nC,two\nD,three\n'))
    assert [(number, code) for number, _, code in found] == [(2, ""), (3, "ERR_ROW_FORMAT")]


def test_a_cell_longer_than_the_policy_allows_is_refused(tmp_path: Path) -> None:
    rules = ImportRules(max_cell_length=10)
    _, found = rows(put(tmp_path, "sku,title\nA,0123456789\nB,0123456789x\n"), rules)
    assert [code for _, _, code in found] == ["", "ERR_LENGTH"]


def test_a_line_of_a_megabyte_costs_no_megabytes_of_cells(tmp_path: Path) -> None:
    _, found = rows(put(tmp_path, "sku,title\n" + "A," + "x" * 5_000_000 + "\nB,ok\n"))
    assert [(number, code) for number, _, code in found] == [(2, "ERR_ROW_FORMAT"), (3, "")]


def test_limits_on_rows_and_columns(tmp_path: Path) -> None:
    assert refusal(put(tmp_path, "a\n" + "1\n" * 51), SMALL) == "ERR_ROWS_LIMIT"
    assert refusal(put(tmp_path, "a,b,c,d,e,f\n1,2,3,4,5,6\n"), SMALL) == "ERR_FILE_HEADER"


KNOWN = (Column("sku", ("货号",), required=True), Column("title"), Column("sale_price", ("销售价",), required=True))


def test_columns_are_mapped_found_by_name_or_by_alias() -> None:
    assert columns_of(["StockCode", "Sale Price"], KNOWN, {"StockCode": "sku"}) == {"sku": 0, "sale_price": 1}
    assert columns_of(["销售价", "货号", "TITLE"], KNOWN, {}) == {"sku": 1, "title": 2, "sale_price": 0}
    assert columns_of(["sku", "code", "sale_price"], KNOWN, {"code": "sku"}) == {"sku": 1, "sale_price": 2}


@pytest.mark.parametrize(
    ("header", "given", "code"),
    [
        (["sku"], {}, "ERR_FILE_HEADER"),
        (["sku", "sku", "sale_price"], {}, "ERR_FILE_HEADER"),
        (["SKU", "s_k_u", "sale_price"], {}, "ERR_FILE_HEADER"),
        (["sku", "sale_price"], {"nothing": "title"}, "ERR_FILE_MAPPING"),
        (["sku", "sale_price"], {"sku": "colour"}, "ERR_FILE_MAPPING"),
        (["a", "b", "sale_price"], {"a": "sku", "b": "sku"}, "ERR_FILE_MAPPING"),
    ],
)
def test_headers_that_do_not_fit(header: list[str], given: dict[str, str], code: str) -> None:
    with pytest.raises(FileRefused) as refused:
        columns_of(header, KNOWN, given)
    assert refused.value.code == code


def test_a_mapping_may_name_a_column_with_an_equals_sign() -> None:
    assert read_mapping(["a=b=sku", " Price = sale_price"]) == {"a=b": "sku", "Price": "sale_price"}
    for bad in ("sku", "=sku", "a=", ""):
        with pytest.raises(FileRefused):
            read_mapping([bad])


def test_refused_rows_are_written_beside_their_reasons_and_run_nowhere(tmp_path: Path) -> None:
    content = 'sku,title,quantity\nA,=1+1,-5\nB,ok,1\n@C,"two\nlines",2\nD,nul\x00,3\n'
    source = inspect(put(tmp_path, content), RULES)
    with open_table(source, RULES) as table:
        out = ErrorFile(tmp_path / "out" / "errors.csv", table.header)
        merge_errors(table, iter([(2, "ERR_A", "first"), (4, "ERR_B", "second"), (5, "ERR_C", "third")]), out)
        out.close()
    with (tmp_path / "out" / "errors.csv").open(encoding="utf-8-sig", newline="") as file:
        found = list(csv.reader(file))
    assert found == [
        ["row", "code", "message", "sku", "title", "quantity"],
        ["2", "ERR_A", "first", "A", "'=1+1", "-5"],
        ["4", "ERR_B", "second", "'@C", "two\nlines", "2"],
        ["5", "ERR_C", "third", "D", "nul␀", "3"],
    ]
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["errors.csv"]


def workbook(cells: str, extra: dict[str, bytes] | None = None) -> bytes:
    """A minimal xlsx with one sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    rel = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    pack = "http://schemas.openxmlformats.org/package/2006"
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{pack}/content-types"><Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{pack}/relationships"><Relationship Id="r1" Type="{rel}/officeDocument" '
        'Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{rel}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{pack}/relationships"><Relationship Id="r1" Type="{rel}/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
        for name, content in (extra or {}).items():
            archive.writestr(name, content)
    return out.getvalue()


def text_cell(place: str, text: str) -> str:
    return f'<c r="{place}" t="inlineStr"><is><t>{text}</t></is></c>'


def test_workbooks_give_text_and_formulas_their_last_value(tmp_path: Path) -> None:
    cells = (
        f"<row r='1'>{text_cell('A1', 'sku')}{text_cell('B1', 'price')}{text_cell('C1', 'title')}</row>"
        f'<row r="2"><c r="A2"><v>71053</v></c><c r="B2"><f>1+1.5</f><v>2.5</v></c>{text_cell("C2", "碎花裙")}</row>'
    )
    header, found = rows(put(tmp_path, workbook(cells), "book.xlsx"))
    assert header == ["sku", "price", "title"]
    assert found == [(2, ["71053", "2.5", "碎花裙"], "")]


def test_archives_that_are_no_workbook_or_a_bomb(tmp_path: Path) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("readme.txt", "hello")
    assert refusal(put(tmp_path, out.getvalue())) == "ERR_FILE_DAMAGED"
    bomb = workbook("", {"xl/media/zeros.bin": bytes(30_000_000)})
    assert refusal(put(tmp_path, bomb)) == "ERR_FILE_DAMAGED"
    assert refusal(put(tmp_path, workbook("")[:-200])) == "ERR_FILE_DAMAGED"
    assert refusal(put(tmp_path, workbook(""))) == "ERR_FILE_HEADER"


def test_two_cells_at_the_corners_of_a_sheet_take_no_memory_of_ours(tmp_path: Path) -> None:
    cells = f"<row r='1'>{text_cell('A1', 'sku')}</row><row r='1048576'>{text_cell('XFD1048576', 'x')}</row>"
    assert refusal(put(tmp_path, workbook(cells), "wide.xlsx")) == "ERR_FILE_DAMAGED"


def test_an_archive_that_understates_its_size_is_measured(tmp_path: Path) -> None:
    honest = workbook("", {"xl/media/zeros.bin": bytes(30_000_000)})
    size = (30_000_000).to_bytes(4, "little")
    assert honest.count(size) == 2
    assert refusal(put(tmp_path, honest.replace(size, (1000).to_bytes(4, "little")))) == "ERR_FILE_DAMAGED"
    with pytest.raises(SheetError):
        check_archive(tmp_path / "table.csv", most=64_000_000, ratio=200)


def test_a_figure_is_read_as_a_spreadsheet_shows_it(tmp_path: Path) -> None:
    cells = f'<row r="1">{text_cell("A1", "price")}</row><row r="2"><c r="A2"><f>0.1+0.2</f><v>0.30000000000000004</v></c></row>'
    assert rows(put(tmp_path, workbook(cells), "book.xlsx"))[1] == [(2, ["0.3"], "")]


def test_the_inert_form_leaves_plain_numbers() -> None:
    assert [tabular.inert(cell) for cell in ("-5", "+1,5", "=A1", "-A", "@x", "x", "")] == [
        "-5", "+1,5", "'=A1", "'-A", "'@x", "x", "",
    ]  # fmt: skip


@pytest.mark.parametrize("cell", [" =A1", "\u00a0=A1", "\u3000@x", "x\n=A1", "\uff1dA1", "\n=A1"])
def test_what_a_spreadsheet_runs_behind_white_space_or_on_a_later_line_is_inert_too(cell: str) -> None:
    assert "'" in tabular.inert(cell)
