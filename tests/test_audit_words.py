"""Every action that the code records has words, so that no reader of the audit log meets a dotted name."""

from __future__ import annotations

import re

from audit.actions import all_actions, is_declared
from audit.models import AuditEvent
from tests.test_error_codes import sources
from tests.test_floors import ROOT

ACTION = re.compile(r"""(?:@verb\(|\bEntry\(\s*(?:action=)?|\baction=|\b_note\()\s*["']([a-z]+\.[a-z_]+)["']""")


def test_the_search_finds_actions():
    code = '@verb("a.b", right="x")\nEntry(\n    action="c.d",\nEntry("e.f", target)'
    assert ACTION.findall(code) == ["a.b", "c.d", "e.f"]


def test_every_action_has_words():
    missing = {
        f"{path.relative_to(ROOT)}: {name}"
        for path in sources()
        for name in ACTION.findall(path.read_text())
        if not is_declared(name)
    }
    assert sorted(missing) == []


def test_names_fit_their_column():
    longest = AuditEvent._meta.get_field("action").max_length or 0
    assert [action.name for action in all_actions() if len(action.name) > longest] == []
