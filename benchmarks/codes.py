"""A million single-use codes: made by the job against the same rows copied from a list at hand; then handed out as CSV, memory flat."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from uuid import UUID, uuid4

from django.db import connection, transaction

from accounts.models import Store
from audit.actors import system
from benchmarks.frame import MIB, Line, database, interleaved, line, peak_memory, publish, reset_peak
from core import clock, csvfile
from core.scopes import in_store
from coupons import batches
from coupons.models import CodeBatch, Coupon, CouponTally
from listings import jobs

GOAL = 3.0
FLAT_GOAL = 16 * MIB
MANY = 1_000_000


def run(*, quick: bool) -> bool:
    """Measure and print; answers whether time and memory met their goals."""
    many = 50_000 if quick else MANY
    with database("codes"), clock.unit_of_work():
        store = Store.objects.create(slug="codes", name="Codes", opened_at=datetime.now(UTC))
        with in_store(store.pk):
            coupon = _coupon(store)
            rows = [uuid4() for _ in range(many)]
            gc.collect()
            gc.freeze()
            measured = interleaved(
                lambda: _clear(coupon),
                lambda _: _floor(store, coupon, rows),
                lambda _: _make(store, coupon, many),
                rounds=1 if quick else 2,
            )
            rows.clear()
            _clear(coupon)
            _make(store, coupon, many)
            batch = CodeBatch.objects.get(coupon=coupon)
            gc.collect()
            reset_peak()
            rest, began = peak_memory(), time.perf_counter()
            size = sum(len(piece) for piece in csvfile.pieces(csvfile.lines(_export(store, coupon, batch))))
            seconds, peak = time.perf_counter() - began, peak_memory() - rest
            note = (
                f"exported as CSV in {seconds:.1f} s: {size / MIB:.0f} MiB, {peak / MIB:.1f} MiB of memory above rest"
            )
            lines: list[Line] = [
                line(f"{many:,} codes made by the job", measured, goal=f"≤ {GOAL}, memory flat", note=note)
            ]
            publish(
                "Single-use codes",
                lines,
                "The whole job: codes worked out, digests copied in chunks with their checkpoints, each chunk a transaction. The floor"
                " is the bare COPY of as many random UUIDs into the same table, in chunks of the same size.",
                keep=not quick,
            )
    return lines[0].ratio <= GOAL and peak <= FLAT_GOAL


def _coupon(store: Store) -> Coupon:
    now = clock.now()
    coupon = Coupon.objects.create(
        store=store, code="CODES", name="Codes", kind="spend", face_value=Decimal(2), currency="USD", min_order=Decimal(10),
        starts_at=now, ends_at=now + timedelta(days=30), quota=MANY, state="active",
    )  # fmt: skip
    CouponTally.objects.create(coupon=coupon, store=store, quota=MANY)
    return coupon


def _clear(coupon: Coupon) -> None:
    with connection.cursor() as cursor:
        cursor.execute("TRUNCATE coupons_singlecode")
        cursor.execute("DELETE FROM coupons_codebatch")


def _make(store: Store, coupon: Coupon, size: int) -> None:
    batches.make(store, coupon.code, name="Bench", size=size, actor=system("bench"))
    jobs.run_due()
    if CodeBatch.objects.get(coupon=coupon).state != "ready":
        raise RuntimeError("the codes were not made")


def _export(store: Store, coupon: Coupon, batch: CodeBatch) -> Iterator[tuple[str, str]]:
    return batches.export(store, coupon.code, batch.pk, actor=system("bench"))


def _floor(store: Store, coupon: Coupon, rows: list[UUID]) -> None:
    batch = CodeBatch.objects.create(
        store=store, coupon=coupon, name="Floor", size=len(rows), length=20, salt=b"", created_at=clock.now(), created_by="bench",
    )  # fmt: skip
    chunk = 50_000
    for first in range(0, len(rows), chunk):
        with transaction.atomic(), connection.cursor() as cursor, cursor.copy(batches.COPY) as copy:
            tail = f"\t{store.pk}\t{batch.pk}\t\\N\n"
            copy.write("".join(row.hex + tail for row in rows[first : first + chunk]).encode())
