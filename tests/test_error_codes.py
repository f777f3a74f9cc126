"""Every error code that the code base names is in the catalogue, with a cause and a fix in both languages (R140, R143)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.urls import get_resolver
from django.utils import translation

from inbox.catalogue import all_codes, lookup
from tests.test_floors import FLOORS, ROOT

LITERAL = re.compile(r"""(["'])(ERR(?:-\d{3}|(?:_[A-Z0-9]+)+))\1""")


def sources() -> list[Path]:
    folders = [ROOT / room for room in FLOORS] + [ROOT / "templates"]
    files = [path for folder in folders for pattern in ("*.py", "*.html") for path in folder.rglob(pattern)]
    return [path for path in files if "tests" not in path.parts and "migrations" not in path.parts]


def test_the_search_finds_codes():
    assert LITERAL.findall("""raise Conflict("ERR_CLOSE_ENDED", 'ERR-412')""") == [
        ('"', "ERR_CLOSE_ENDED"),
        ("'", "ERR-412"),
    ]


def test_every_code_is_declared():
    missing = {
        f"{path.relative_to(ROOT)}: {code}"
        for path in sources()
        for _quote, code in LITERAL.findall(path.read_text())
        if lookup(code) is None
    }
    assert sorted(missing) == []


def test_every_page_that_a_code_names_is_there():
    lost = [
        code.code for code in all_codes() if code.page and not code.url("pinecone", dict.fromkeys(code.page_args, 1))
    ]
    assert lost == []


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_every_code_has_title_cause_and_fix(language):
    with translation.override(language):
        poor = [
            code.code
            for code in all_codes()
            if not (str(code.title) and str(code.cause) and all(map(str, code.steps)) and code.steps)
        ]
    assert poor == []


def test_every_code_is_translated():
    with translation.override("zh-hans"):
        english = [
            f"{code.code}: {text}"
            for code in all_codes()
            for text in (code.title, code.cause, *code.steps)
            if not re.search(r"[\u4e00-\u9fff]", str(text))
        ]
    assert english == []


def test_every_page_that_mends_something_exists():
    known = set()

    def collect(resolver, prefix=""):
        for name in resolver.reverse_dict:
            if isinstance(name, str):
                known.add(prefix + name)
        for namespace, (_path, inner) in resolver.namespace_dict.items():
            collect(inner, f"{prefix}{namespace}:")

    collect(get_resolver())
    assert [f"{code.code} -> {code.page}" for code in all_codes() if code.page and code.page not in known] == []
