"""The manual names every setting that exists, and none that does not."""

from __future__ import annotations

import re

from backoffice.env import Environment
from tests.servers.stack import ROOT


def test_every_variable_is_in_the_manual() -> None:
    manual = (ROOT / "docs" / "operations.md").read_text()
    table = manual.split("## Settings")[1].split("## Production")[0]
    named = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
    assert named == {name.upper() for name in Environment.model_fields}
