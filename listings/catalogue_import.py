"""A catalogue file into listings: last row of a SKU wins, set-based, the same file twice changes nothing.

1. Every row is read and proven; good rows and refusals wait in temporary tables (`staging`).
2. Per SKU the last word on each field is found; rows before the last are superseded.
3. The words are compared with what is there and written in batches, each a transaction of its own with its history, audit event and
   news. A batch that was written is found unchanged by the next run, so a run that was killed is simply run again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from django.db import IntegrityError, connection, transaction
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from audit.actors import Actor
from audit.record import Entry, Target, record
from core import clock
from core.errors import FieldError
from listings.catalogue_rows import COLUMNS, STAGED, Defaults, RowReader
from listings.catalogue_writing import Batch, Winner
from listings.editing import categories
from listings.gates import ensure_may
from listings.staging import ROWS, Figures, Progress, Silent, Staging
from listings.tabular import ErrorFile, FileRefused, Source, Table, columns_of, merge_errors, open_table
from policies.rules import ImportRules, ListingRules

WINNERS = "pg_temp.import_winners"
_TRIES = 3


@dataclass(frozen=True, slots=True)
class Request:
    """What to import and how. `mapping` is column -> field; `errors` where refused rows go (nowhere when None)."""

    source: Source
    mapping: Mapping[str, str] = field(default_factory=dict)
    currency: str = ""
    category: str = ""
    stock: int = 0
    delimiter: str = ""
    most_rows: int | None = None
    errors: Path | None = None


#: Called inside each batch's transaction with the outcome so far and the number of the last row written.
OnBatch = Callable[[Figures, int], None]


def import_catalogue(
    store: Store,
    request: Request,
    *,
    actor: Actor,
    progress: Progress | None = None,
    after_row: int = 0,
    before: Figures | None = None,
    on_batch: OnBatch | None = None,
) -> Figures:
    """Import a file that `tabular.inspect` looked at; answers what became of its rows. The caller opens the store's scope.

    `after_row` and `before` continue a run that was interrupted: rows up to `after_row` are written already and counted in `before`.
    Raises FileRefused when nothing can be read, and what `gates.ensure_may` raises; then nothing of this file is written, or no
    further batch.
    """
    run = _Run(store, request, actor, progress or Silent())
    with Staging(STAGED, block=run.limits.batch) as staging:
        run.read(staging)
        run.settle(staging, after_row)
        run.apply(staging, after_row, before, on_batch)
        run.figures.rejected = staging.reasons()
        if request.errors is not None:
            run.write_errors(staging, request.errors)
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {WINNERS}")
    run.tell()
    return run.figures


class _Run:
    """One import under way."""

    def __init__(self, store: Store, request: Request, actor: Actor, progress: Progress) -> None:
        self.store, self.request, self.actor, self.progress = store, request, actor, progress
        self.now = clock.read()
        self.rules = policies.active(ListingRules, self.now)
        self.limits = policies.active(ImportRules, self.now)
        self.figures = Figures()
        self.tree = categories()
        self.defaults = Defaults(request.currency or store.currency, request.category, request.stock)
        if request.category and request.category not in self.tree:
            words = _("“%(text)s” is not a code of the category tree.") % {"text": request.category[:40]}
            raise FileRefused("ERR_CATEGORY_UNKNOWN", words)
        ensure_may(store, "create", actor=actor, now=self.now)

    def read(self, staging: Staging) -> None:
        """Prove every row."""
        with self._open() as table:
            places = columns_of(table.header, COLUMNS, self.request.mapping)
            reader = RowReader(places, self.defaults, self.tree, self.rules, self.limits)
            self.progress.start("reading", self.request.source.lines)
            for number, cells, problem in table:
                found = problem or reader.read(cells)
                if isinstance(found, FieldError):
                    staging.refuse(number, found)
                else:
                    staging.keep(number, *found)
                if not number % 1000:
                    self.progress.advance(1000)
            self.figures.rows, self.figures.blank = table.read, table.blank
        staging.settle()

    def _open(self) -> AbstractContextManager[Table]:
        request = self.request
        return open_table(request.source, self.limits, delimiter=request.delimiter, most_rows=request.most_rows)

    def settle(self, staging: Staging, after_row: int) -> None:
        """Refuse what only the whole file and the store can tell; find the last word on each SKU."""
        store_id = self.store.pk
        staging.reject_where(
            "ERR_CURRENCY_FIXED",
            _foreign(),
            "EXISTS (SELECT 1 FROM listings_sku AS s WHERE s.store_id = %s AND s.code = r.sku AND s.currency <> r.currency)",
            [store_id],
        )
        for code, words, column, needed in (
            ("ERR_TITLE_MISSING", _("The SKU is new and no row of the file gives it a title."), "title", True),
            ("ERR_CATEGORY_UNKNOWN", _("The SKU is new and has no category."), "category", not self.defaults.category),
        ):
            if needed:
                staging.reject_where(code, words, _NEW_WITHOUT.format(column=column), [store_id])
        with connection.cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {WINNERS}")
            cursor.execute(_WINNERS, [store_id])
            cursor.execute(f"CREATE INDEX ON {WINNERS} (row)")
            cursor.execute(
                f"SELECT coalesce(sum(rows - 1), 0), count(*) FILTER (WHERE row > %s) FROM {WINNERS}",  # noqa: S608 - names of our own
                [after_row],
            )
            superseded, waiting = cursor.fetchone()
        self.figures.done = {"created": 0, "updated": 0, "unchanged": 0, "superseded": int(superseded)}
        self.progress.start("writing", waiting)

    def apply(self, staging: Staging, after_row: int, before: Figures | None, on_batch: OnBatch | None) -> None:
        """Write the last words in batches, in the order of the file."""
        for outcome in ("created", "updated", "unchanged"):
            self.figures.count(outcome, before.done.get(outcome, 0) if before else 0)
        last = after_row
        while winners := self._next(last):
            with clock.unit_of_work():
                foreign = self._write(winners, on_batch)
            for row in foreign:
                staging.refuse(row.row, FieldError("currency", "ERR_CURRENCY_FIXED", _foreign()))
            last = winners[-1].row
            self.progress.advance(len(winners))
        staging.flush()

    def _next(self, last: int) -> list[Winner]:
        with connection.cursor() as cursor:
            cursor.execute(_BATCH, [last, self.limits.batch])
            return [Winner(*row) for row in cursor.fetchall()]

    def _write(self, winners: list[Winner], on_batch: OnBatch | None) -> list[Winner]:
        """One batch; somebody who makes the same SKU at the same moment makes us look again. Answers what turned out to be of another
        currency."""
        for attempt in range(1, _TRIES + 1):
            try:
                with transaction.atomic():
                    now = clock.read()
                    batch = Batch(self.store, self.defaults, self.tree, self.rules, actor=self.actor, now=now)
                    written = batch.write(winners, file=self.request.source.name)
                    done = dict(self.figures.done)
                    for outcome, rows in written.items():
                        self.figures.count(outcome, rows)
                    try:
                        if on_batch is not None:
                            on_batch(self.figures, winners[-1].row)
                    except BaseException:
                        self.figures.done = done
                        raise
                return batch.foreign
            except IntegrityError:
                if attempt == _TRIES:
                    raise
        return []

    def write_errors(self, staging: Staging, path: Path) -> None:
        """Put the refused rows beside their reasons, in the order of the file."""
        with self._open() as table:
            out = ErrorFile(path, table.header)
            try:
                merge_errors(table, staging.errors(), out)
            except BaseException:
                out.close(keep=False)
                raise
            out.close()

    def tell(self) -> None:
        """One event for the whole file: who brought it, its digest, what became of it."""
        source = self.request.source
        entry = Entry(
            action="catalogue.import",
            target=Target("store", self.store.slug, self.store.name, self.store.pk, self.store.name),
            after={"file": source.name, "sha256": source.sha256} | self.figures.as_dict(),
            right="listings.edit",
        )
        record(entry, actor=self.actor, now=clock.read())


def _foreign() -> str:
    return _("The SKU is priced in another currency; that does not change.")


#: Good rows of SKUs that the store does not have and for which no row of the file fills a column.
_NEW_WITHOUT = """
    r.sku IN (SELECT f.sku FROM pg_temp.import_rows AS f GROUP BY f.sku HAVING count(f.{column}) = 0)
    AND NOT EXISTS (SELECT 1 FROM listings_sku AS s WHERE s.store_id = %s AND s.code = r.sku)
"""
#: The last word on each field of each SKU. `leads` marks the row that speaks for its listing, where a listing has several SKUs.
_WINNERS = f"""
    CREATE TEMPORARY TABLE import_winners AS
    SELECT w.*, s.id AS sku_id, s.listing_id,
        s.listing_id IS NULL OR w.row = max(w.row) OVER (PARTITION BY s.listing_id) AS leads
    FROM (
        SELECT max(row) AS row, count(*) AS rows, sku,
            (array_agg(sale_price ORDER BY row DESC))[1] AS sale_price,
            (array_agg(title ORDER BY row DESC) FILTER (WHERE title IS NOT NULL))[1] AS title,
            (array_agg(title_zh ORDER BY row DESC) FILTER (WHERE title_zh IS NOT NULL))[1] AS title_zh,
            (array_agg(title_en ORDER BY row DESC) FILTER (WHERE title_en IS NOT NULL))[1] AS title_en,
            (array_agg(currency ORDER BY row DESC))[1] AS currency,
            (array_agg(cost ORDER BY row DESC) FILTER (WHERE cost IS NOT NULL))[1] AS cost,
            (array_agg(currency ORDER BY row DESC) FILTER (WHERE cost IS NOT NULL))[1] AS cost_currency,
            (array_agg(stock ORDER BY row DESC) FILTER (WHERE stock IS NOT NULL))[1] AS stock,
            (array_agg(category ORDER BY row DESC) FILTER (WHERE category IS NOT NULL))[1] AS category,
            (array_agg(brand ORDER BY row DESC) FILTER (WHERE brand IS NOT NULL))[1] AS brand
        FROM {ROWS} GROUP BY sku
    ) AS w LEFT JOIN listings_sku AS s ON s.store_id = %s AND s.code = w.sku
"""  # noqa: S608 - names of our own
_BATCH = f"""
    SELECT row, sku, sale_price, title, title_zh, title_en, currency, CASE WHEN cost_currency = currency THEN cost END, stock, category,
        brand, leads
    FROM {WINNERS} WHERE row > %s ORDER BY row LIMIT %s
"""  # noqa: S608 - names of our own
