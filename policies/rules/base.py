"""The base of every rule set: frozen, typed, and aware of where it comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Self

import orjson
from django.utils.translation import get_language
from pydantic import BaseModel, ConfigDict, PrivateAttr

#: Beyond these no calendar and no column of the database holds what is worked out from a value: from its date on every page would fail.
_BIGGEST = 2**31 - 1
_BIGGEST_OF = {"days": 32_767, "hours": 24 * 32_767, "year": 9998, "bytes": 2**53}


def biggest(name: str) -> int:
    """The largest number that a rule of this name may hold, whatever its model says."""
    return next((most for unit, most in _BIGGEST_OF.items() if unit in name.split("_")), _BIGGEST)


@dataclass(frozen=True, slots=True)
class Provenance:
    """Which version of a rule set answered, so that a decision can record it (R20, R39, R192)."""

    key: str
    version: str
    title: str
    title_zh: str
    source: str
    valid_from: datetime | None

    @property
    def name(self) -> str:
        """The title in the page's language."""
        return self.title_zh if (get_language() or "").startswith("zh") and self.title_zh else self.title

    @property
    def cited(self) -> str:
        """What a decision keeps, of whatever language its maker was: key and version. `policies.stated.cited_words` reads it."""
        return f"{self.key}@{self.version}"

    @property
    def label(self) -> str:
        """What people read in a sentence: name and version."""
        return f"{self.name} {self.version}".strip()


class Rules(BaseModel):
    """A rule set. A subclass names its `key` and its fields; a field's default is the value of the first version.

    A row of the database holds the values of its version; a field that was added after the row was written takes its default.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: ClassVar[str]
    _provenance: Provenance | None = PrivateAttr(default=None)

    @classmethod
    def load(cls, values: Mapping[str, Any], provenance: Provenance) -> Self:
        """Make the typed object of a stored version. Values that no field knows any more are left out."""
        known = {name: values[name] for name in cls.model_fields if name in values}
        rules = cls.model_validate_json(orjson.dumps(known))
        rules._provenance = provenance
        return rules

    @property
    def provenance(self) -> Provenance:
        """Where these values come from."""
        return self._provenance or Provenance(self.key, "", self.key, "", "", None)

    @property
    def version(self) -> str:
        """The version's name, such as `V5.3.1`."""
        return self.provenance.version

    @property
    def cited(self) -> str:
        """Key and version, for the record."""
        return self.provenance.cited

    @property
    def title(self) -> str:
        """Title and version as people read them."""
        return self.provenance.label
