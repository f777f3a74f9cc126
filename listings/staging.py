"""Temporary tables of one import: rows wait here until the whole file is known, so that memory stays flat and the last row can win.

The tables live in the session that reads the file and go with it. Nothing of the store is touched until the rows are applied.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from types import TracebackType
from typing import Any, Protocol, Self

from django.db import connection

from core.errors import FieldError

ROWS, ERRORS = "pg_temp.import_rows", "pg_temp.import_errors"
_ERROR_COLUMNS = '(row integer, code text COLLATE "C", message text, owner text COLLATE "C", amount numeric)'


class Progress(Protocol):
    """Who is told how far it is."""

    def start(self, phase: str, total: int) -> None:
        """A phase with `total` steps begins."""

    def advance(self, steps: int) -> None:
        """So many steps are done."""


class Silent:
    """Nobody is told."""

    def start(self, phase: str, total: int) -> None:
        """A phase begins."""

    def advance(self, steps: int) -> None:
        """Steps are done."""


@dataclass(slots=True)
class Figures:
    """What became of the rows of a file. Every row is in exactly one of them; `done` names outcomes such as `created`."""

    rows: int = 0
    blank: int = 0
    done: dict[str, int] = field(default_factory=dict)
    rejected: dict[str, int] = field(default_factory=dict)

    def count(self, outcome: str, rows: int) -> None:
        """Add rows to an outcome."""
        if rows:
            self.done[outcome] = self.done.get(outcome, 0) + rows

    @property
    def refused(self) -> int:
        """All rows that were rejected."""
        return sum(self.rejected.values())

    @property
    def reconciles(self) -> bool:
        """Whether no row vanished and none was counted twice."""
        return self.rows == sum(self.done.values()) + self.refused

    def as_dict(self) -> dict[str, Any]:
        """For the audit log and for jobs."""
        return {
            "rows": self.rows,
            "blank": self.blank,
            **self.done,
            "rejected": self.refused,
            "reasons": dict(sorted(self.rejected.items())),
        }


class Staging:
    """Collects good rows and refusals of a file in temporary tables, a block at a time.

    `columns` are (name, type) of the good rows, after their number `row`. Use as a context: the tables are dropped at the end.
    """

    def __init__(self, columns: Sequence[tuple[str, str]], *, block: int) -> None:
        self._columns, self._block = columns, block
        self._good: list[Sequence[Any]] = []
        self._bad: list[Sequence[Any]] = []

    def __enter__(self) -> Self:
        names = ", ".join(f'"{name}" {kind}' for name, kind in self._columns)
        with connection.cursor() as cursor:
            self._drop(cursor)
            cursor.execute(f"CREATE TEMPORARY TABLE import_rows (row integer, {names})")
            cursor.execute(f"CREATE TEMPORARY TABLE import_errors {_ERROR_COLUMNS}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if not connection.needs_rollback and connection.is_usable():
            with connection.cursor() as cursor:
                self._drop(cursor)

    def _drop(self, cursor: Any) -> None:
        cursor.execute(f"DROP TABLE IF EXISTS {ROWS}, {ERRORS}")

    def keep(self, number: int, *values: Any) -> None:
        """A good row."""
        self._good.append((number, *values))
        if len(self._good) >= self._block:
            self.flush()

    def refuse(self, number: int, problem: FieldError, *, owner: str = "", amount: Decimal | None = None) -> None:
        """A refused row; `owner` names what it would have belonged to, `amount` what it is worth."""
        self._bad.append((number, problem.code, str(problem.message), owner.replace("\x00", ""), amount))
        if len(self._bad) >= self._block:
            self.flush()

    def flush(self) -> None:
        """Send what waits to the tables."""
        names = ", ".join(f'"{name}"' for name, _ in self._columns)
        for table, columns, rows in (
            (ROWS, f"row, {names}", self._good),
            (ERRORS, "row, code, message, owner, amount", self._bad),
        ):
            if not rows:
                continue
            with connection.cursor() as cursor, cursor.copy(f"COPY {table} ({columns}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
            rows.clear()

    def settle(self) -> None:
        """All rows are read: let the database know how many there are."""
        self.flush()
        with connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {ROWS}")

    def reject_where(self, code: str, message: str, condition: str, parameters: Sequence[Any] = ()) -> int:
        """Move good rows to the refusals: `condition` is SQL over `import_rows AS r`; `owner` and `amount` columns come along."""
        names = {name for name, _ in self._columns}
        owner = 'r."owner"' if "owner" in names else "''::text"
        amount = 'r."amount"' if "amount" in names else "NULL::numeric"
        with connection.cursor() as cursor:
            cursor.execute(
                f"WITH gone AS (DELETE FROM {ROWS} AS r WHERE {condition} RETURNING r.row, {owner} AS o, {amount} AS a) "  # noqa: S608 - names of our own
                f"INSERT INTO {ERRORS} (row, code, message, owner, amount) SELECT row, %s, %s, o, a FROM gone",
                [*parameters, code, message],
            )
            return int(cursor.rowcount)

    def reasons(self) -> dict[str, int]:
        """How many rows were refused, by code."""
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT code, count(*) FROM {ERRORS} GROUP BY code")  # noqa: S608 - a name of our own
            return dict(cursor.fetchall())

    def errors(self) -> Iterator[tuple[int, str, str]]:
        """Every refusal as (row, code, message), in the order of the file, read in blocks."""
        self.flush()
        with connection.cursor() as cursor:
            cursor.execute("CREATE INDEX IF NOT EXISTS import_errors_row ON import_errors (row)")
        last = 0
        while True:
            with connection.cursor() as cursor:
                cursor.execute(
                    f"SELECT row, code, message FROM {ERRORS} WHERE row > %s ORDER BY row LIMIT %s",  # noqa: S608 - a name of our own
                    [last, self._block],
                )
                found = cursor.fetchall()
            if not found:
                return
            yield from found
            last = found[-1][0]


def tell(figures: Figures, sums: Mapping[str, str] | None = None) -> list[str]:
    """The figures as lines of text: the sum first, then its parts."""
    parts = " + ".join(f"{name} {count:,}" for name, count in [*figures.done.items(), ("rejected", figures.refused)])
    lines = [f"rows {figures.rows:,} = {parts}"]
    if figures.blank:
        lines.append(f"blank lines, not counted: {figures.blank:,}")
    lines += [f"  {code} {count:,}" for code, count in sorted(figures.rejected.items(), key=lambda item: -item[1])]
    lines += [f"{name} {amount}" for name, amount in (sums or {}).items()]
    return lines
