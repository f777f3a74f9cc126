"""What a call over many rows answers: how many rows hold now, and each refused row with its reason."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.utils.translation import gettext as _

from core.errors import FieldError, InvalidInput

Key = str | int


@dataclass(frozen=True, slots=True)
class Refused:
    """One refused row: `name` is the member that names it (`sku`, `id`), `value` what was sent."""

    name: str
    value: Key
    code: str
    message: str

    def as_dict(self) -> dict[str, Any]:
        """The shape of the API's `rejected` list."""
        return {self.name: self.value, "code": self.code, "message": self.message}


@dataclass(slots=True)
class Outcome:
    """`applied` rows hold now (among them `unchanged` ones that held before); `rejected` rows were refused."""

    applied: int = 0
    unchanged: int = 0
    rejected: list[Refused] = field(default_factory=list)
    listing_ids: list[int] = field(default_factory=list)

    @property
    def changed(self) -> int:
        """Rows that made a difference."""
        return self.applied - self.unchanged

    def as_dict(self) -> dict[str, Any]:
        """The API's answer."""
        return {"applied": self.applied, "rejected": [row.as_dict() for row in self.rejected]}


def rows_of(value: object, name: str, most: int) -> Sequence[Mapping[str, Any]]:
    """A list of at most `most` objects. Raises InvalidInput for anything else: then nothing at all is done."""
    if not isinstance(value, Sequence) or isinstance(value, str | bytes):
        wrong = FieldError(name, "ERR_TYPE", _("This must be a list of rows."))
        raise InvalidInput(_("The rows cannot be read."), [wrong])
    if len(value) > most:
        words = _("At most %(most)s rows in one call; these are %(rows)s.") % {"most": most, "rows": len(value)}
        raise InvalidInput(words, [FieldError(name, "ERR_ROWS_LIMIT", words)], code="ERR_ROWS_LIMIT")
    wrong_rows = [
        FieldError(f"{name}.{index}", "ERR_TYPE", _("This must be a row with its fields."))
        for index, row in enumerate(value)
        if not isinstance(row, Mapping)
    ]
    if wrong_rows:
        raise InvalidInput(_("The rows cannot be read."), wrong_rows[:most])
    return value


def spelt_out(pairs: Iterable[tuple[str, Any, Any]], kept: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """Before and after of many rows for one audit event: the first `kept` spelt out, all of them in a SHA-256 digest.

    The digest is over the JSON lines `[key, before, after]` in order; with the rows kept elsewhere (price history) it proves that none
    was changed since.
    """
    before: dict[str, Any] = {}
    after: dict[str, Any] = {}
    digest = hashlib.sha256()
    rows = 0
    for key, was, now in pairs:
        rows += 1
        digest.update(orjson.dumps([key, str(was), str(now)]) + b"\n")
        if rows <= kept:
            before[key], after[key] = was, now
    return {"rows": before}, {"rows": after, "changed": rows, "sha256": digest.hexdigest()}
