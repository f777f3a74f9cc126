"""Holds every answer that a test gets against the OpenAPI document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import orjson
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # it ships no types

from api import openapi


@cache
def _paths() -> list[tuple[re.Pattern[str], str]]:
    """Templates as patterns, those with the fewest variables first."""
    templates = sorted(openapi.document()["paths"], key=lambda path: path.count("{"))
    return [(re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(path))), path) for path in templates]


def operation_of(method: str, path: str) -> tuple[str, dict[str, Any]] | None:
    """The template and the entry of an operation."""
    plain = path.partition("?")[0]
    for pattern, template in _paths():
        entry = openapi.document()["paths"][template].get(method.lower())
        if entry is not None and pattern.fullmatch(plain):
            return template, entry
    return None


@cache
def _validator(method: str, template: str, status: str) -> tuple[str, Draft202012Validator]:
    document = openapi.document()
    answers = document["paths"][template][method.lower()]["responses"]
    assert status in answers, f"{method} {template} answered {status}, which the document does not name"
    answer = answers[status]
    if "$ref" in answer:
        answer = document["components"]["responses"][answer["$ref"].rpartition("/")[2]]
    ((kind, content),) = answer["content"].items()
    return kind, Draft202012Validator(content["schema"] | {"components": document["components"]})


def check(method: str, path: str, answer: Any) -> None:
    """Fail when an answer of a known operation is none that the document describes."""
    found = operation_of(method, path)
    if found is None:
        return
    kind, validator = _validator(method, found[0], str(answer.status_code))
    assert answer["Content-Type"] == kind, (method, path, answer["Content-Type"])
    if not kind.endswith("json"):
        return  # a file has no schema
    faults = [
        f"{'/'.join(map(str, fault.absolute_path))}: {fault.message}"[:300]
        for fault in validator.iter_errors(orjson.loads(answer.content))
    ]
    assert not faults, (method, path, answer.status_code, faults[:5])
