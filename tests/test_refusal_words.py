"""Whatever a refusal says to people goes through gettext."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from django.utils import translation

from core import money
from core.errors import DomainError, FieldError

ROOT = Path(__file__).parents[1]
_REFUSALS = {FieldError.__name__, *(found.__name__ for found in DomainError.__subclasses__())}


def _sources() -> list[Path]:
    found = (path for path in ROOT.glob("*/**/*.py") if "tests" not in path.parts and ".venv" not in path.parts)
    return [path for path in found if "demo" not in path.parts]


def _plain(call: ast.Call) -> bool:
    words = [*call.args, *(word.value for word in call.keywords)]
    spoken = [word for word in words if isinstance(word, ast.Constant) and isinstance(word.value, str)]
    written = [part for word in words if isinstance(word, ast.JoinedStr) for part in word.values]
    return any(" " in str(getattr(word, "value", "")) for word in (*spoken, *written) if isinstance(word, ast.Constant))


def test_no_refusal_speaks_one_language_only() -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{call.lineno}"
        for path in _sources()
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(call, ast.Call) and getattr(call.func, "id", "") in _REFUSALS and _plain(call)
    ]
    assert not wrong


@pytest.mark.parametrize("given", ["abc", "Infinity", "-1", "99999999999", "1.234"])
def test_what_is_wrong_with_an_amount_is_said_in_chinese(given: str) -> None:
    with translation.override("zh-hans"):
        chinese = money.parse(given, "USD", "price")
    with translation.override("en"):
        english = money.parse(given, "USD", "price")
    assert isinstance(chinese, FieldError)
    assert isinstance(english, FieldError)
    assert chinese.code == english.code
    assert chinese.message != english.message
