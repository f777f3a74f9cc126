"""使用明细 as CSV or as an Excel workbook, row by row. Columns are an allow-list, and no column knows a buyer (R147)."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path
from typing import Any

from django.utils.translation import gettext as _
from rustpy_xlsxwriter import Format, write_worksheets

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import about, verb
from core import csvfile, display
from core.errors import FieldError, InvalidInput
from coupons import explaining, finding, usage
from coupons.models import Coupon, Phase
from coupons.usage import Status, UsageFilter, UsageRow
from policies.rules import EffectWatchRules

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
RIGHT = "insights.export"
_MOMENT, _MONEY, _COUNT = "yyyy-mm-dd hh:mm:ss", "#,##0.00", "#,##0"


@verb("coupon.export_usage", right=RIGHT)
def export(store: Store, code: str, wanted: UsageFilter, form: str, *, actor: Actor, now: datetime) -> tuple[Path, int]:
    """Write the rows that match to a temporary file in `form` ("csv" or "xlsx"), which the caller deletes; recorded. Answers file and rows.

    Raises PermissionRefused, NotFound, InvalidInput when more rows match than a sheet may hold.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.get(store, code)
    target = finding.target(coupon, store)
    about(target)
    rules = policies.active(EffectWatchRules, now)
    total = sum(usage.counts(coupon, wanted, limit=rules.export_max + 1)[kind] for kind in wanted.statuses)
    if total > rules.export_max:
        words = _("More than %(most)s rows match. Narrow the span of time.") % {
            "most": display.number(rules.export_max)
        }
        raise InvalidInput(words, [FieldError("from", "ERR_EXPORT_SIZE", words)], code="ERR_EXPORT_SIZE")
    with tempfile.NamedTemporaryFile(prefix="usage-", suffix=f".{form}", delete=False) as file:
        path = Path(file.name)
    try:
        _write(path, store, coupon, wanted, rules.export_chunk, form, now)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    after = {"rows": total, "format": form, "status": wanted.status or "all"}
    record(Entry("coupon.export_usage", target, after=after, right=RIGHT), actor=actor, now=now)
    return path, total


def _write(path: Path, store: Store, coupon: Coupon, wanted: UsageFilter, chunk: int, form: str, now: datetime) -> None:
    columns = _columns(store, coupon, now)
    labels = [label for label, *_rest in columns]

    def rows() -> Iterator[list[Any]]:
        for row in usage.each(coupon, wanted, chunk=chunk):
            yield [cell(row) for _label, _width, _form, cell in columns]

    if form == "csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(csvfile.lines(chain([labels], rows())))
        return
    sheet, notes = _("Usage details"), _("Notes")
    write_worksheets(
        [(sheet, _sheet(labels, rows())), (notes, _notes(store, coupon, now))],
        str(path),
        freeze_panes={sheet: {"row": 1, "col": 1}},
        column_widths={sheet: {label: width for label, width, *_rest in columns}, notes: [26.0, 90.0]},
        column_formats={sheet: {label: Format().set_num_format(shape) for label, _w, shape, _c in columns if shape}},
        header_format={sheet: Format().set_bold().set_text_wrap(), notes: Format().set_bold()},
        autofilter={sheet: True},
    )


def _sheet(labels: list[str], rows: Iterator[list[Any]]) -> Iterator[dict[str, Any]]:
    """Rows by heading; one empty row when nothing matches, since the headings come from the first."""
    empty = True
    for row in rows:
        empty = False
        yield dict(zip(labels, row, strict=True))
    if empty:
        yield dict.fromkeys(labels)


Cell = Callable[[UsageRow], Any]


def _columns(store: Store, coupon: Coupon, now: datetime) -> list[tuple[str, float, str, Cell]]:
    """Heading, width, number format, and the cell of a row."""
    zone = display.zone(store.time_zone)
    statuses = {value: str(label) for value, label in Status.choices}
    phases = {value: str(label) for value, label in Phase.choices}
    told: dict[int, explaining.Explained] = {}

    def explained(row: UsageRow) -> explaining.Explained:
        if row.status != Status.REFUSED:
            return explaining.Explained("", "")
        if row.id not in told:
            told.clear()  # two columns ask for the same row, one after the other
            told[row.id] = explaining.refusal(row, coupon, zone)
        return told[row.id]

    def plain(moment: datetime) -> datetime:
        return moment.replace(tzinfo=None, microsecond=0)

    return [
        (_("Status"), 12, "", lambda row: statuses[row.status]),
        (f"{_('When')} ({display.zone_label(zone, now)})", 20, _MOMENT, lambda row: plain(row.at.astimezone(zone))),
        (f"{_('When')} (UTC)", 20, _MOMENT, lambda row: plain(row.at.astimezone(UTC))),
        (_("Claim"), 22, "", lambda row: row.claim or None),
        (_("Country"), 10, "", lambda row: row.country or None),
        (_("Channel"), 16, "", lambda row: explaining.channel(row.channel) if row.channel else None),
        (_("Refusal code"), 26, "", lambda row: row.code or None),
        (_("Refused at"), 12, "", lambda row: phases.get(row.phase, row.phase) or None),
        (_("Times"), 8, _COUNT, lambda row: row.times if row.status == Status.REFUSED else None),
        (_("Why"), 60, "", lambda row: explained(row).why or None),
        (_("What would mend it"), 60, "", lambda row: explained(row).mend or None),
        (_("Order"), 22, "", lambda row: row.order or None),
        (f"{_('Amount')} ({coupon.currency})", 14, _MONEY, lambda row: row.amount),
    ]


def _notes(store: Store, coupon: Coupon, now: datetime) -> list[dict[str, str]]:
    zone = display.zone(store.time_zone)
    said = [
        (_("Store"), f"{store.label} ({store.slug})"),
        (_("Coupon"), f"{coupon.label} ({coupon.code})"),
        (_("Exported at"), display.sentence(now, zone)),
        (_("Personal data"), _("None: no buyer, address or contact is in this file.")),
        (_("Refusals"), _("The same refusal of the same buyer within an hour is one row, with how often it happened.")),
    ]
    return [{_("What"): what, _("Explanation"): text} for what, text in said]


def file_name(coupon_code: str, form: str, now: datetime, store: Store) -> str:
    """`usage-KNIT-2-50-2026-11-27.csv`, by the store's calendar."""
    safe = "".join(sign if sign.isascii() and (sign.isalnum() or sign == "-") else "-" for sign in coupon_code)
    return f"usage-{safe}-{now.astimezone(display.zone(store.time_zone)):%Y-%m-%d}.{form}"
