"""Statements that are planned once per connection: for the few queries that run hundreds of times a second.

Planning a page's query takes five times as long as running it. Behind a pooler that hands every transaction to another server
connection (PgBouncer in transaction mode) a prepared statement may be unknown or known already: then the plain statement runs, and this
process stops preparing. The same where a migration changed the type of a column under a kept connection. Inside a transaction, which the
failed statement has broken, it raises `PlanLost`: a verb is then done again, with plain statements.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from django.db import NotSupportedError, OperationalError, ProgrammingError, connection

_NOT_USABLE = {"26000": "unknown", "42P05": "known already", "0A000": "its plan has another result now"}
_ATTRIBUTE = "backoffice_prepared"


class PlanLost(OperationalError):
    """A prepared statement was not to be had, and its transaction is broken: the work can be done again at once."""


@dataclass
class Prepared:
    """One statement. `parameters` are (name, SQL type) in order; the text names them as `%(name)s`."""

    text: str
    parameters: Sequence[tuple[str, str]]
    _name: str = field(init=False)

    usable: ClassVar[bool] = True
    """Whether this process prepares statements; it stops for good where they get lost."""

    def __post_init__(self) -> None:
        """Name it by its content, so that two versions of the program can share a connection."""
        self._name = f"bo_{hashlib.sha256(self.text.encode()).hexdigest()[:20]}"

    def rows(self, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        """Run it with `values` by name; answers all rows. Raises PlanLost, once in a process, inside a transaction."""
        with connection.cursor() as cursor:
            if Prepared.usable:
                try:
                    return self._run(cursor, values)
                except (NotSupportedError, ProgrammingError) as error:
                    if getattr(error.__cause__, "sqlstate", "") not in _NOT_USABLE:
                        raise
                    Prepared.usable = False
                    if connection.in_atomic_block:
                        raise PlanLost("a prepared statement was lost") from error
            cursor.execute(self.text, values)
            return cursor.fetchall()

    def _run(self, cursor: Any, values: dict[str, Any]) -> list[tuple[Any, ...]]:
        raw = connection.connection
        known: set[str] | None = getattr(raw, _ATTRIBUTE, None)
        if known is None:
            known = set()
            setattr(raw, _ATTRIBUTE, known)
        if self._name not in known:
            places = {name: f"${number}" for number, (name, _) in enumerate(self.parameters, start=1)}
            types = ", ".join(kind for _, kind in self.parameters)
            cursor.execute(f"PREPARE {self._name} ({types}) AS {self.text % places}")
            known.add(self._name)
        holes = ", ".join("%s" for _ in self.parameters)
        cursor.execute(f"EXECUTE {self._name} ({holes})", [values[name] for name, _ in self.parameters])
        return cursor.fetchall()
