"""docs/coverage.md names every requirement once, and only code and tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TABLE = ROOT / "docs" / "coverage.md"
ROW = re.compile(r"^\| (R\d+[a-e]?) \| (.*?) \| (.*?) \| (.*?) \| (.*?) \|$")
ROWS = [found for line in TABLE.read_text().splitlines() if (found := ROW.match(line))]
LAST = 194


def test_every_requirement_stands_there_once() -> None:
    names = [row[1] for row in ROWS]
    assert len(names) == len(set(names))
    assert {f"R{number}" for number in range(1, LAST + 1)} <= set(names)


def test_what_is_named_is_there() -> None:
    for row in ROWS:
        name, _, state, code, proof = row.groups()
        paths = re.findall(r"`([\w/.]+)`", code)
        assert [path for path in paths if not (ROOT / path).exists()] == [], name
        if state == "done" or state.startswith("partly"):
            assert paths, f"{name}: code must be named"
            assert proof, f"{name}: a proof must be named"
        if proof:
            path, _, test = proof.strip("`").partition("::")
            assert (ROOT / path).exists(), name
            assert not test or f"def {test}(" in (ROOT / path).read_text(), name
