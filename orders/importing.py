"""An order file into orders: the rows of one code are the lines of one order, each order exactly once (R14, R23).

The rows wait in temporary tables until the file is read, since an order's rows need not stand together. Then orders are recorded in
batches through `recording.record_orders`, which leaves alone what is there: the same file twice changes nothing. Sums are kept along the
way: quantity × price of all rows = imported + unchanged + rejected, to the last decimal.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from decimal import Decimal
from itertools import groupby
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from core import clock
from core.errors import FieldError
from listings.moments import Moments
from listings.staging import ERRORS, ROWS, Figures, Progress, Silent, Staging
from listings.tabular import ErrorFile, Source, Table, columns_of, merge_errors, open_table
from orders.import_rows import COLUMNS, STAGED, Refusal, RowReader
from orders.models import OrderState
from orders.recording import LineDraft, OrderDraft, record_orders
from policies.rules import ImportRules, ListingRules, OrderRules

HEADS, LINES = "pg_temp.import_heads", "pg_temp.import_lines"


@dataclass(frozen=True, slots=True)
class Request:
    """What to import and how. `zone` is that of the file's times; `state` that of the orders: history is completed."""

    source: Source
    mapping: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    zone: tzinfo = UTC
    date_format: str = ""
    state: str = OrderState.COMPLETED
    delimiter: str = ""
    most_rows: int | None = None
    errors: Path | None = None


@dataclass(slots=True)
class Sums:
    """Quantity × price: of all rows, and of each outcome. Rows whose figures cannot be read are counted in `unread`."""

    total: Decimal = Decimal(0)
    imported: Decimal = Decimal(0)
    unchanged: Decimal = Decimal(0)
    rejected: Decimal = Decimal(0)
    unread: int = 0

    @property
    def reconciles(self) -> bool:
        """Whether no penny vanished."""
        return self.total == self.imported + self.unchanged + self.rejected

    def as_dict(self) -> dict[str, Any]:
        """For the audit log and for jobs."""
        return {name: str(getattr(self, name)) for name in ("total", "imported", "unchanged", "rejected")} | {
            "unread": self.unread
        }


@dataclass(slots=True)
class Report:
    """What became of a file: rows by outcome, orders, sums, country names that say no country."""

    figures: Figures = field(default_factory=Figures)
    sums: Sums = field(default_factory=Sums)
    orders: int = 0
    unknown_countries: dict[str, int] = field(default_factory=dict)

    @property
    def reconciles(self) -> bool:
        """Rows and sums both."""
        return self.figures.reconciles and self.sums.reconciles

    def as_dict(self) -> dict[str, Any]:
        """For the audit log and for jobs."""
        return self.figures.as_dict() | {"orders": self.orders, "sums": self.sums.as_dict()}


#: Called inside each batch's transaction with the report so far and the number of the batch.
OnBatch = Callable[[Report, int], None]


def import_orders(
    store: Store,
    request: Request,
    *,
    actor: Actor,
    progress: Progress | None = None,
    after_batch: int = -1,
    before: Report | None = None,
    on_batch: OnBatch | None = None,
) -> Report:
    """Import a file that `tabular.inspect` looked at; answers what became of its rows. The caller opens the store's scope.

    `after_batch` and `before` continue a run that was interrupted. Raises FileRefused when nothing can be read, PermissionRefused
    without the right `orders.edit`.
    """
    run = _Run(store, request, actor, progress or Silent())
    with Staging(STAGED, block=run.limits.batch) as staging:
        run.read(staging)
        run.settle(staging)
        run.apply(staging, after_batch, before, on_batch)
        run.finish(staging)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {HEADS}, {LINES}")
    return run.report


class _Run:
    """One import under way."""

    def __init__(self, store: Store, request: Request, actor: Actor, progress: Progress) -> None:
        self.store, self.request, self.actor, self.progress = store, request, actor, progress
        self.now = clock.read()
        self.limits = policies.active(ImportRules, self.now)
        self.report = Report()
        check(actor, store, "orders.edit", now=self.now)

    def _open(self) -> AbstractContextManager[Table]:
        request = self.request
        return open_table(request.source, self.limits, delimiter=request.delimiter, most_rows=request.most_rows)

    def read(self, staging: Staging) -> None:
        """Prove every row."""
        request, report = self.request, self.report
        with self._open() as table:
            reader = RowReader(
                columns_of(table.header, COLUMNS, request.mapping),
                request.currency or self.store.currency,
                Moments(request.zone, self.now, self.limits, "ERR_ORDER_TIME", request.date_format),
                policies.active(ListingRules, self.now),
                policies.active(OrderRules, self.now),
                self.limits,
            )
            self.progress.start("reading", request.source.lines)
            for number, cells, problem in table:
                found = Refusal(problem, "", reader.worth(cells)) if problem else reader.read(cells)
                if isinstance(found, Refusal):
                    staging.refuse(number, found.problem, owner=found.order, amount=found.amount)
                else:
                    staging.keep(number, *found)
                if not number % 1000:
                    self.progress.advance(1000)
            report.figures.rows, report.figures.blank = table.read, table.blank
        report.sums.total, report.sums.unread = reader.total, reader.unread_amounts
        report.unknown_countries = reader.unknown_countries
        staging.settle()

    def settle(self, staging: Staging) -> None:
        """Refuse lines of SKUs that the store does not have, or has in another currency; put the orders into batches."""
        staging.reject_where("ERR_SKU_UNKNOWN", _("This store has no such SKU."), _NO_SKU, [self.store.pk])
        staging.reject_where(
            "ERR_ORDER_CURRENCY", _("The SKU is priced in another currency."), _OTHER_CURRENCY, [self.store.pk]
        )
        staging.reject_where(
            "ERR_ORDER_CURRENCY", _("The lines of the order are in several currencies."), _MIXED_CURRENCIES
        )
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {HEADS}, {LINES}")
            cursor.execute(_HEADS, [self.limits.batch])
            cursor.execute(f"ANALYZE {HEADS}")
            cursor.execute(_LINES, [self.store.pk])
            cursor.execute(f"CREATE INDEX ON {LINES} (batch)")
            cursor.execute(f"SELECT count(*), coalesce(max(batch), -1), coalesce(sum(rows), 0) FROM {HEADS}")  # noqa: S608 - a name of our own
            self.report.orders, self.last_batch, lines = cursor.fetchone()
        self.progress.start("writing", int(lines))

    def apply(self, staging: Staging, after_batch: int, before: Report | None, on_batch: OnBatch | None) -> None:
        """Record the orders, a batch a transaction."""
        report = self.report
        report.figures.done = {"imported": 0, "unchanged": 0} | (dict(before.figures.done) if before else {})
        if before:
            report.sums.imported, report.sums.unchanged = before.sums.imported, before.sums.unchanged
        for batch in range(self.last_batch + 1):
            with clock.unit_of_work(), transaction.atomic():
                lines = self._record(staging, batch, counted=batch <= after_batch)
                if on_batch is not None and batch > after_batch:
                    on_batch(report, batch)
            self.progress.advance(lines)

    def _record(self, staging: Staging, batch: int, *, counted: bool) -> int:
        """One batch; answers how many lines it had. `counted`: a run before this one has recorded and counted it."""
        drafts = {draft.code: (draft, rows) for draft, rows in self._drafts(batch)}
        answer = record_orders(self.store, [draft for draft, _ in drafts.values()], actor=self.actor, now=clock.read())
        figures, sums = self.report.figures, self.report.sums
        outcomes = (("imported", set(answer.created)), ("unchanged", answer.unchanged))
        for outcome, codes in () if counted else outcomes:
            figures.count(outcome, sum(len(drafts[code][0].lines) for code in codes))
            worth = sum((drafts[code][0].sums()[0] for code in codes), Decimal(0))
            setattr(sums, outcome, getattr(sums, outcome) + worth)
        for code in answer.conflicting:
            problem = FieldError("order", "ERR_ORDER_FROZEN", _("This order is here already, with other content."))
            for row, amount in drafts[code][1]:
                staging.refuse(row, problem, owner=code, amount=amount)
        return sum(len(draft.lines) for draft, _ in drafts.values())

    def _drafts(self, batch: int) -> Iterator[tuple[OrderDraft, list[tuple[int, Decimal]]]]:
        with connection.cursor() as cursor:
            cursor.execute(_BATCH, [batch])
            for code, group in groupby(cursor.fetchall(), key=lambda row: row[0]):
                rows = list(group)
                lines = [
                    LineDraft(sku_id, quantity, list_price, unit_price, placed_at=placed_at)
                    for _, _, sku_id, quantity, unit_price, list_price, placed_at, *_ in rows
                ]
                first = rows[0]
                draft = OrderDraft(
                    code=code,
                    placed_at=min(row[6] for row in rows),
                    currency=first[9],
                    lines=lines,
                    snapshot=_terms(first[10]),
                    state=self.request.state,
                    buyer=next((row[7] for row in rows if row[7]), ""),
                    country=next((row[8] for row in rows if row[8]), ""),
                )
                yield draft, [(row[1], row[11]) for row in rows]

    def finish(self, staging: Staging) -> None:
        """Count the refusals, write them beside their reasons, tell the audit log."""
        staging.flush()
        report, request = self.report, self.request
        report.figures.rejected = staging.reasons()
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT coalesce(sum(amount), 0) FROM {ERRORS}")  # noqa: S608 - a name of our own
            (report.sums.rejected,) = cursor.fetchone()
        if request.errors is not None:
            with self._open() as table:
                out = ErrorFile(request.errors, table.header)
                try:
                    merge_errors(table, staging.errors(), out)
                except BaseException:
                    out.close(keep=False)
                    raise
                out.close()
        entry = Entry(
            action="orders.import",
            target=Target("store", self.store.slug, self.store.name, self.store.pk, self.store.name),
            after={"file": request.source.name, "sha256": request.source.sha256} | report.as_dict(),
            right="orders.edit",
        )
        record(entry, actor=self.actor, now=clock.read())


def _terms(left_out: int) -> dict[str, Any]:
    """The snapshot of an order that was not placed here: no terms are known beyond its prices; rows that were refused are named."""
    terms: dict[str, Any] = {"source": "import", "discounts": [], "free_shipping_threshold": None, "gifts": []}
    return terms | ({"rows_left_out": left_out} if left_out else {})


_NO_SKU = "NOT EXISTS (SELECT 1 FROM listings_sku AS s WHERE s.store_id = %s AND s.code = r.sku)"
_OTHER_CURRENCY = (
    "EXISTS (SELECT 1 FROM listings_sku AS s WHERE s.store_id = %s AND s.code = r.sku AND s.currency <> r.currency)"
)
_MIXED_CURRENCIES = (
    "r.owner IN (SELECT o.owner FROM pg_temp.import_rows AS o GROUP BY o.owner HAVING count(DISTINCT o.currency) > 1)"
)
#: One row an order: where it begins, how many lines, which batch. A batch has about as many lines as the policy says.
_HEADS = f"""
    CREATE TEMPORARY TABLE import_heads AS
    SELECT h.owner, first, h.rows, (sum(h.rows) OVER (ORDER BY first) / greatest(4 * %s, 1))::integer AS batch,
        coalesce(e.rows, 0) AS left_out
    FROM (SELECT owner, min(row) AS first, count(*) AS rows FROM {ROWS} GROUP BY owner) AS h
    LEFT JOIN (SELECT owner, count(*) AS rows FROM {ERRORS} GROUP BY owner) AS e ON e.owner = h.owner
"""  # noqa: S608 - names of our own
#: The lines of all orders in the order of the file, an order's lines together.
_LINES = f"""
    CREATE TEMPORARY TABLE import_lines AS
    SELECT h.batch, h.first, r.owner, r.row, s.id AS sku_id, r.quantity, r.unit_price, r.list_price, r.placed_at, r.buyer, r.country,
        r.currency, h.left_out, r.amount
    FROM {ROWS} AS r JOIN {HEADS} AS h ON h.owner = r.owner
    JOIN listings_sku AS s ON s.store_id = %s AND s.code = r.sku
    ORDER BY h.first, r.row
"""  # noqa: S608 - names of our own
_BATCH = f"""
    SELECT owner, row, sku_id, quantity, unit_price, list_price, placed_at, buyer, country, currency, left_out, amount
    FROM {LINES} WHERE batch = %s ORDER BY first, row
"""  # noqa: S608 - names of our own
