"""Past campaigns as a workbook: the whole export from the database against the fastest writer with the same cells at hand; memory."""

from __future__ import annotations

import gc
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

from django.db import connection
from django.utils import translation
from rustpy_xlsxwriter import write_worksheet

from accounts.models import Store
from benchmarks.frame import MIB, Line, database, interleaved, line, peak_memory, publish, reset_peak
from core import clock
from core.scopes import in_store
from insights import export
from insights.history import HistoryFilter
from policies import active
from policies.rules import InsightRules

RATIO_GOAL = 2.0
FLAT_GOAL = 8 * MIB
FEW, MANY = 10_000, 100_000
_CAMPAIGNS = """
    INSERT INTO campaigns_campaign (store_id, code, kind, name, name_zh, state, starts_at, ends_at, closed_at, rules, price_protected,
        logistics_guarantee, platform_enforced, min_items, stacks, freeze_claimed, item_count, stop_reason, stop_note,
        state_before_cancel, lock_holder, version)
    SELECT %(store)s, %(tag)s || lpad(n::text, 6, '0'), 'limited_time_discount', '=1+1 Weekly offer ' || n, '',
        CASE WHEN n %% 9 = 0 THEN 'cancelled' ELSE 'ended' END, t.at - interval '7 days', t.at, t.at + interval '15 minutes', '{}',
        false, false, false, 0, false, false, 10, CASE WHEN n %% 9 = 0 THEN 'season' ELSE '' END, '', '', '', 1
    FROM generate_series(1, %(count)s) AS n, LATERAL (SELECT now() - n * interval '5 minutes' AS at) t
"""
_FIGURES = """
    INSERT INTO insights_campaignfigures (campaign_id, store_id, sealed_at, currency, impressions, clicks, add_to_cart, orders, buyers,
        units, sales_amount, discount_cost, ad_spend, others)
    SELECT id, store_id, closed_at + interval '2 hours', 'USD', id * 7, id * 3 %% 100000, id %% 999, id %% 500, id %% 400, id %% 900,
        id %% 10000 * 1.37, id %% 1000 * 0.41, id %% 100, '[]'
    FROM campaigns_campaign WHERE store_id = %s
"""


def run(*, quick: bool) -> bool:
    """Measure and print; answers whether time and memory met their goals."""
    few, many = (1_000, 10_000) if quick else (FEW, MANY)
    with database("export"), translation.override("en"), clock.unit_of_work():
        stores = {count: _fill(count) for count in (few, many)}
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "book.xlsx"
            cells = _cells(stores[many])
            gc.collect()
            gc.freeze()  # the floor's own cells must not be walked again and again while ours is measured
            measured = interleaved(
                lambda: None,
                lambda _: _floor(path, cells),
                lambda _: _ours(path, stores[many]),
                rounds=2 if quick else 3,
            )
            rows, columns = len(cells), len(cells[0])
            peaks = {count: _peak(partial(_ours, path, store)) for count, store in stores.items()}
        growth = peaks[many] - peaks[few]
        note = f"peak above the process at rest: {peaks[few] / MIB:.1f} MiB for {few:,} rows, {peaks[many] / MIB:.1f} MiB for {many:,}"
        lines: list[Line] = [
            line(f"{rows:,} campaigns × {columns} columns", measured, goal=f"≤ {RATIO_GOAL}, memory flat", note=note)
        ]
        publish(
            "The export of past campaigns",
            lines,
            f"The twelve metrics and {columns - 12} columns beside them, from the database into a workbook with its notes."
            " The floor is rustpy-xlsxwriter alone, the fastest writer known that keeps dates as dates and text inert, given the same cells"
            " from a list in memory.",
            keep=not quick,
        )  # fmt: skip
    return lines[0].ratio <= RATIO_GOAL and growth <= FLAT_GOAL


def _fill(count: int) -> Store:
    store = Store.objects.create(slug=f"shop{count}", name=f"Shop {count}", opened_at=datetime.now(UTC))
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGNS, {"store": store.pk, "tag": f"C{len(str(count))}", "count": count})
        cursor.execute(_FIGURES, [store.pk])
    return store


def _ours(path: Path, store: Store) -> None:
    now = clock.now()
    with in_store(store.pk):
        export.write(path, store, HistoryFilter(), active(InsightRules, now), now=now, total=0)


def _cells(store: Store) -> list[dict[str, Any]]:
    now = clock.now()
    with in_store(store.pk):
        return list(export.rows_of(store, HistoryFilter(), active(InsightRules, now), now=now))


def _floor(path: Path, cells: list[dict[str, Any]]) -> None:
    write_worksheet(_each(cells), str(path), "Past campaigns", datetime_format="yyyy-mm-dd hh:mm:ss")


def _each(cells: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    yield from cells


def _peak(work: Any) -> int:
    """How much memory the work needs at most, above what the process holds before it."""
    gc.collect()
    reset_peak()
    rest = peak_memory()
    work()
    return peak_memory() - rest
