"""Faults of shape, as the body names its fields: all of them at once, each with a code of ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _

from core.errors import FieldError

_REQUIRED = frozenset({"missing"})
_UNKNOWN = frozenset({"extra_forbidden"})
_LENGTH = frozenset({"string_too_long", "string_too_short", "too_long", "too_short", "bytes_too_long"})
_RANGE = frozenset(
    {"greater_than", "greater_than_equal", "less_than", "less_than_equal", "multiple_of", "int_parsing_size", "finite_number"}
)  # fmt: skip
_CHOICE = frozenset({"enum", "literal_error"})


def path_of(location: Sequence[Any]) -> str:
    """`("body", "body", "items", 0, "price")` → `items.0.price`; the source and the parameter's name are left out."""
    source, *rest = location
    return ".".join(str(part) for part in (rest[1:] if source == "body" else rest))[:120]


def field_errors(faults: Iterable[Mapping[str, Any]]) -> list[FieldError]:
    """Faults as pydantic gives them, in our words and codes."""
    return [_one(fault) for fault in faults]


def _one(fault: Mapping[str, Any]) -> FieldError:
    kind, context = str(fault["type"]), fault.get("ctx") or {}
    field = path_of(fault["loc"])
    if kind in _REQUIRED:
        message = _("This is required.") if field else _("A JSON body is required.")
        return FieldError(field, "ERR_REQUIRED", message)
    if kind in _UNKNOWN:
        return FieldError(field, "ERR_FIELD_UNKNOWN", _("There is no such field here."))
    if kind in _LENGTH:
        return FieldError(field, "ERR_LENGTH", _length(kind, context))
    if kind in _RANGE:
        return FieldError(field, "ERR_RANGE", _range(context))
    if kind in _CHOICE:
        return FieldError(
            field, "ERR_CHOICE", _("Write one of: %(choices)s.") % {"choices": context.get("expected", "")}
        )
    if kind.startswith("ERR_"):
        return FieldError(field, kind, str(fault.get("msg", "")))
    if kind.startswith("value_"):
        return FieldError(field, "ERR_FORMAT", str(context.get("error", fault.get("msg", ""))))
    if kind.startswith("string_pattern"):
        return FieldError(field, "ERR_FORMAT", _("This is not written as it should be."))
    return FieldError(field, "ERR_TYPE", _type(kind))


def _length(kind: str, context: Mapping[str, Any]) -> str:
    if "max_length" in context:
        return _("At most %(limit)s are allowed here.") % {"limit": context["max_length"]}
    return _("At least %(limit)s are needed here.") % {"limit": context.get("min_length", 1)}


def _range(context: Mapping[str, Any]) -> str:
    for name, words in (
        ("gt", _("It must be above %(limit)s.")),
        ("ge", _("It must be at least %(limit)s.")),
        ("lt", _("It must be below %(limit)s.")),
        ("le", _("It must be at most %(limit)s.")),
    ):
        if name in context:
            return words % {"limit": context[name]}
    return _("This number is out of bounds.")


def _type(kind: str) -> str:
    words = {
        "string": _("It must be text in quotes."),
        "int": _("It must be a whole number."),
        "bool": _("It must be true or false."),
        "list": _("It must be a list."),
        "dict": _("It must be an object."),
        "model": _("It must be an object."),
    }
    return words.get(kind.partition("_")[0], _("This value is of the wrong type."))
