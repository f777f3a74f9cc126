"""Cells that a spreadsheet must not run."""

from __future__ import annotations

import pytest

from core.csvfile import inert, lines


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("=1+1", "'=1+1"), ("+1+1", "'+1+1"), ("-1+1", "'-1+1"), ("@A1", "'@A1"), ("\t=1", "'\t=1"), ("\r=1", "'\r'=1"), ("\n=1", "'\n'=1"),
        ("  =1", "'  =1"), ("\u00a0=1", "'\u00a0=1"), ("\u3000=1", "'\u3000=1"), ("a\n=1", "a\n'=1"), ("a\r\n@x", "a\r\n'@x"),
        ("＝1", "'＝1"), ("a=1", "a=1"), ("-5", "-5"), ("+5.25", "+5.25"), ("-5-5", "'-5-5"), ("", ""), (None, ""), (12, "12"),
        ("C-7F3KQ", "C-7F3KQ"), ("\x00=1", "'=1"), ("中文", "中文"), ("\ufeff=1", "'\ufeff=1"),
    ],
)  # fmt: skip
def test_inert(given, expected):
    assert inert(given) == expected


def test_lines_quote_and_mark():
    assert "".join(lines([["a", 'say "x"'], ["b\nc", "=1"]])) == '\ufeffa,"say ""x"""\r\n"b\nc",\'=1\r\n'
