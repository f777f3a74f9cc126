"""A rule that nobody reads would be a switch without a wire: staff could change it, and nothing would change."""

from __future__ import annotations

import re

from policies.seeds import MODELS
from tests.test_floors import FLOORS, ROOT


def test_every_rule_is_read_somewhere():
    files = [path for room in FLOORS for path in (ROOT / room).rglob("*.py")]
    code = "\n".join(
        path.read_text()
        for path in files
        if not {"tests", "migrations"} & set(path.parts) and "policies/rules" not in path.as_posix()
    )
    read = set(re.findall(r"\.([a-z_]\w*)\b", code)) | set(re.findall(r'"([a-z_]\w*)"', code))
    idle = [f"{key}.{name}" for key, model in MODELS.items() for name in model.model_fields if name not in read]
    assert idle == []
