"""Values that people and machines send: hostile until proven."""

from __future__ import annotations

import pytest

from core.errors import FieldError
from listings import fields
from policies.rules import ListingRules

RULES = ListingRules()


@pytest.mark.parametrize("code", ["85123A", "85123a", "PC-DRS-001-S", "M", "x" * 64, " 15056BL "])
def test_good_sku_codes_keep_their_case(code: str) -> None:
    assert fields.sku_code(code, "sku", RULES) == code.strip()


@pytest.mark.parametrize(
    ("code", "sign"),
    [
        ("PC&DRS-01", "&"),
        ("RL#CBL/1M", "#"),
        ("BANK CHARGES", " "),
        ("gift_0001_20", "_"),
        ("ＰＣ1", "Ｐ"),
        ("-AB", "-"),
        ("A\x00B", "U+0000"),
        ("中文", "中"),
    ],
)
def test_a_bad_sku_code_shows_the_character(code: str, sign: str) -> None:
    found = fields.sku_code(code, "sku", RULES)
    assert isinstance(found, FieldError)
    assert found.code == "ERR_SKU_CHARACTER"
    assert f"“{sign}”" in str(found.message)


@pytest.mark.parametrize(("value", "code"), [("", "MISSING"), (None, "MISSING"), (7, "MISSING"), ("x" * 65, "LENGTH")])
def test_missing_and_too_long_sku_codes(value: object, code: str) -> None:
    found = fields.sku_code(value, "sku", RULES)
    assert isinstance(found, FieldError)
    assert found.code == f"ERR_SKU_{code}"


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["x"], "ERR_TYPE"),
        ("a\x00b", "ERR_TEXT_CHARACTER"),
        ("\ud800", "ERR_TEXT_CHARACTER"),
        ("x" * 11, "ERR_LENGTH"),
        ("  \t ", "ERR_TITLE_MISSING"),
    ],
)
def test_text_that_is_refused(value: object, code: str) -> None:
    found = fields.text(value, "title", longest=10, required="ERR_TITLE_MISSING")
    assert isinstance(found, FieldError)
    assert found.code == code


def test_text_is_one_line_in_normal_form() -> None:
    assert fields.text("  WHITE  METAL\n LANTERN ", "title", longest=80) == "WHITE METAL LANTERN"
    assert fields.text("e\u0301", "title", longest=80) == "\u00e9"


@pytest.mark.parametrize("value", [True, 1.5, "1.5", "-1", "", "9" * 5000, "²", "1e3", None, [1], -1, 11])
def test_quantities_that_are_none(value: object) -> None:
    assert isinstance(fields.whole_number(value, "quantity", least=0, most=10), FieldError)


def test_quantities_may_be_text() -> None:
    assert [fields.whole_number(value, "q", least=0, most=10) for value in (0, "10", " 7 ", "3.0")] == [0, 10, 7, 3]


@pytest.mark.parametrize("good", ["", "demo/a-1.png", "/static/demo/a.svg", "https://cdn.test/a.png?x=1"])
def test_picture_addresses(good: str) -> None:
    assert fields.image(good, "main_image") == good


@pytest.mark.parametrize(
    "bad", ["javascript:alert(1)", "../keys", "/a/../b", "data:text/html,x", "//evil.test/x", "https://[", "a//b"]
)
def test_addresses_that_could_run_or_climb(bad: str) -> None:
    assert isinstance(fields.image(bad, "main_image"), FieldError)
