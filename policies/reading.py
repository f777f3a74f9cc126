"""Rule sets for people: versions with their validity, values line by line, and what differs between two of them (R192)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from pydantic import BaseModel

from core.errors import NotFound
from policies.models import RuleSet
from policies.rules.base import Provenance, Rules
from policies.seeds import MODELS

Flat = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Version:
    """A version and its validity. `state`: `past`, `in_force`, `coming` or `withdrawn`; `until` is open (None) for the last one."""

    row: RuleSet
    state: str
    until: datetime | None

    @property
    def provenance(self) -> Provenance:
        """Name and source as people read them."""
        row = self.row
        return Provenance(row.key, row.version, row.title, row.title_zh, row.source, row.valid_from)

    @property
    def always(self) -> bool:
        """Whether it has no beginning that anybody remembers."""
        return self.row.valid_from.year <= 1970


@dataclass(frozen=True, slots=True)
class Difference:
    """A value that two versions do not share; None where one of them does not have it."""

    label: str
    before: str | None
    after: str | None


def model_of(key: str) -> type[Rules]:
    """The rule set of a key. Raises NotFound."""
    if key not in MODELS:
        raise NotFound(_("There is no such rule set."))
    return MODELS[key]


def versions_of(key: str, now: datetime) -> list[Version]:
    """All versions, the newest validity first; those withdrawn beside the time they were meant for."""
    return _dated(list(RuleSet.objects.filter(key=key).order_by("-valid_from", "-id")), now)


def all_versions(now: datetime) -> dict[str, list[Version]]:
    """The same for every rule set, in one query."""
    rows: dict[str, list[RuleSet]] = {key: [] for key in MODELS}
    for row in RuleSet.objects.order_by("key", "-valid_from", "-id"):
        rows.setdefault(row.key, []).append(row)
    return {key: _dated(found, now) for key, found in rows.items()}


def _dated(rows: Sequence[RuleSet], now: datetime) -> list[Version]:
    found, until, reached = [], None, False
    for row in rows:
        if row.withdrawn_at is not None:
            found.append(Version(row, "withdrawn", None))
            continue
        state = "coming" if row.valid_from > now else "past" if reached else "in_force"
        reached = reached or state == "in_force"
        found.append(Version(row, state, until))
        until = row.valid_from
    return found


def flat(model: type[Rules], values: Mapping[str, Any]) -> Flat:
    """The values of a version line by line: what is a table in itself is spread over lines such as `effects.ERR_KYC.pause`.

    A value that the version does not hold is the field's default, as the house reads it; one that no field knows any more is left out.
    """
    return lines_of(model.load(values, Provenance(model.key, "", "", "", "", None)))


def lines_of(rules: Rules) -> Flat:
    """The same of a rule set that is not stored."""
    found: Flat = {}
    for name in type(rules).model_fields:
        _spread(name, getattr(rules, name), found)
    return found


def words_of(model: type[Rules], name: str) -> str:
    """What a value means, in the page's language, by its name or that of a line of `flat`; empty for a name that no field has."""
    info = model.model_fields.get(name.partition(".")[0])
    return _(info.description) if info is not None and info.description else ""


def named(model: type[Rules], changes: Sequence[Difference]) -> list[Difference]:
    """The differences with the meaning of each value before its name, for a page."""
    return [
        replace(one, label=f"{words} · {one.label}" if (words := words_of(model, one.label)) else one.label)
        for one in changes
    ]


def _spread(name: str, value: Any, into: Flat) -> None:
    if isinstance(value, BaseModel):
        value = {part: getattr(value, part) for part in type(value).model_fields}
    if isinstance(value, Mapping):
        for part, inner in value.items():
            _spread(f"{name}.{part}", inner, into)
    else:
        into[name] = value


def differences(before: Flat, after: Flat) -> list[Difference]:
    """What differs between two versions, in the order of the later one; a value that is only in one is named, too."""
    names = [*after, *(name for name in before if name not in after)]
    return [
        Difference(name, text(before[name]) if name in before else None, text(after[name]) if name in after else None)
        for name in names
        if before.get(name, _MISSING) != after.get(name, _MISSING)
    ]


_MISSING = object()


def text(value: Any) -> str:
    """A value as a page shows it."""
    if isinstance(value, bool):
        return _("Yes") if value else _("No")
    if isinstance(value, tuple | list):
        return ", ".join(str(item) for item in value)
    return str(value)
