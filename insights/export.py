"""历史活动 as an Excel workbook: a row per campaign, the twelve metrics, a sheet that explains them (R146-R148).

Written row by row while the campaigns are read in chunks by key: a hundred thousand campaigns need no more memory than ten. Text stays
text, whatever it begins with; dates are dates; codes are text. Columns are an allow-list, and no column knows a buyer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import datetime, tzinfo
from operator import attrgetter
from pathlib import Path
from typing import Any

import orjson
from django.db import DEFAULT_DB_ALIAS, connection, connections
from django.db.models import BigIntegerField, Case, F, Field, Func, QuerySet, Value, When
from django.db.models.expressions import RawSQL
from django.http import FileResponse
from django.utils.functional import Promise
from django.utils.translation import get_language, gettext_lazy, override
from django.utils.translation import gettext as _
from rustpy_xlsxwriter import Format, write_worksheets

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from campaigns.labels import CLOSE_REASONS
from campaigns.models import Campaign, CampaignState, Kind
from core import clock, display, keyset, money
from core.errors import FieldError, InvalidInput
from insights import measuring
from insights.formulas import KEYS, METRICS, SHARED, TWELVE_SQL
from insights.history import CLOSED, HistoryFilter, past
from policies.rules import InsightRules

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOMENT, _MONEY, _RATE, _RATIO, _COUNT = "yyyy-mm-dd hh:mm:ss", "#,##0.00", "0.00%", "0.00", "#,##0"
_FORMS = {"count": _COUNT, "money": _MONEY, "rate": _RATE, "ratio": _RATIO}


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, how wide, its number format."""

    label: str | Promise
    width: float = 14
    form: str = ""


def columns_of(zone_name: str) -> list[Column]:
    """The columns, in the order of `_head` and then `_tail`."""
    times = [
        Column(f"{label} ({zone})", 20, _MOMENT)
        for label in (_("Starts"), _("Ends"), _("Closed at"))
        for zone in (zone_name, "UTC")
    ]
    return [
        Column(_("Campaign code"), 15),
        Column(_("Campaign name"), 34),
        Column(_("Kind"), 20),
        Column(_("State"), 12),
        Column(_("Reason"), 24),
        *times,
        Column(_("Number of SKUs"), 12, _COUNT),
        Column(_("Currency"), 10),
        *(Column(metric.label, 14, _FORMS[metric.form]) for metric in METRICS),
        Column(_("Ad spend"), 14, _MONEY),
        Column(_("Data as of (UTC)"), 20, _MOMENT),
        Column(_("Figures final"), 12),
    ]


@verb("history.export", right="insights.export")
def export_history(store: Store, wanted: HistoryFilter, *, actor: Actor, now: datetime) -> Path:
    """Write the store's past campaigns that match to a temporary file, which the caller deletes; recorded in the audit log.

    Free for every store (R148). Raises PermissionRefused, and InvalidInput when more campaigns match than a sheet may hold.
    """
    target = Target("store", store.slug, store.name, store.pk, store.name)
    about(target)
    check(actor, store, "insights.export", now=now)
    rules = policies.active(InsightRules, now)
    rows = past(store.pk, wanted)
    total = keyset.count_up_to(rows, rules.export_max + 1)
    if total > rules.export_max:
        words = _("More than %(most)s campaigns match. Narrow the span of time.") % {
            "most": display.number(rules.export_max)
        }
        raise InvalidInput(words, [FieldError("from", "ERR_EXPORT_SIZE", words)], code="ERR_EXPORT_SIZE")
    with tempfile.NamedTemporaryFile(prefix="history-", suffix=".xlsx", delete=False) as file:
        path = Path(file.name)
    try:
        write(path, store, wanted, rules, now=now, total=total)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    after = {"rows": total, "filters": described(wanted, display.zone(store.time_zone))}
    record(Entry("history.export", target, after=after, right="insights.export"), actor=actor, now=now)
    return path


def write(path: Path, store: Store, wanted: HistoryFilter, rules: InsightRules, *, now: datetime, total: int) -> None:
    """Write the workbook: the sheet of campaigns, then the one that explains it; a query a chunk of campaigns, four where an archive is not
    made yet.
    """
    zone = display.zone(store.time_zone)
    columns = columns_of(display.zone_label(zone, now))
    sheet, notes = _("Past campaigns"), _("Notes")
    write_worksheets(
        [(sheet, rows_of(store, wanted, rules, now=now)), (notes, _notes(store, wanted, rules, zone, now, total))],
        str(path),
        freeze_panes={sheet: {"row": 1, "col": 2}},
        column_widths={sheet: {str(column.label): column.width for column in columns}, notes: [26.0, 90.0]},
        column_formats={sheet: {str(one.label): Format().set_num_format(one.form) for one in columns if one.form}},
        header_format={sheet: Format().set_bold().set_text_wrap(), notes: Format().set_bold()},
        autofilter={sheet: True},
    )  # fmt: skip


def rows_of(store: Store, wanted: HistoryFilter, rules: InsightRules, *, now: datetime) -> Iterator[dict[str, Any]]:
    """The rows of the sheet by heading, read in chunks; one empty row when nothing matches, since the headings come from the first.

    Plain tuples and no instances of models: a hundred thousand rows are wanted in seconds.
    """
    zone = display.zone(store.time_zone)
    labels = [str(column.label) for column in columns_of(display.zone_label(zone, now))]
    kinds, states = {str(one): str(one.label) for one in Kind}, {str(one): str(one.label) for one in CampaignState}
    reasons = {"": None, **{code: str(words) for code, words in CLOSE_REASONS.items()}}
    yes, no = str(_("Yes")), str(_("No"))
    empty = True
    for chunk in _ahead(_chunks(store, wanted, rules.export_chunk, display.zone_key(zone))):
        live = _live([row[0] for row in chunk if row[-1] is None], store, now)
        for pk, _place, code, name, kind, state, reason, *rest in chunk:
            final = yes
            if rest[-1] is None:
                rest[-len(live[pk]) :] = live[pk]
                final = no
            cells = (code, name, kinds[kind], states[state], reasons.get(reason, reason), *rest, final)
            yield dict(zip(labels, cells, strict=True))
            empty = False
    if empty:
        yield dict.fromkeys(labels)


def _live(ids: list[int], store: Store, now: datetime) -> dict[int, tuple[Any, ...]]:
    """The last columns but one of campaigns that have no archive yet, counted now."""
    if not ids:
        return {}
    at = now.replace(tzinfo=None, microsecond=0)
    twelve = attrgetter(*KEYS)
    counted = measuring.count(dict.fromkeys(ids, store.currency), [store.pk])
    return {pk: (known.currency, *twelve(known), known.ad_spend, at) for pk, known in counted.items()}


def _in_zone(name: str, zone: str) -> Func:
    """A moment as the clocks of a zone showed it, to the second: a plain date for the sheet."""
    return Func(Value(zone), F(name), template="date_trunc('second', timezone(%(expressions)s))", output_field=Field())


#: A chunk of campaigns with their sealed figures beside them, nothing where there are none. OFFSET 0 has each looked up by its key: joined,
#: all figures of all campaigns would be read for every chunk.
_WITH_FIGURES = f"""
    SELECT c.*, f.currency, {TWELVE_SQL}, f.ad_spend, date_trunc('second', timezone('UTC', f.sealed_at))
    FROM ({{campaigns}}) AS c LEFT JOIN LATERAL (
        SELECT * FROM insights_campaignfigures WHERE campaign_id = c.pk OFFSET 0
    ) AS f ON true
    ORDER BY c.place DESC, c.pk DESC
"""  # noqa: S608 - text of our own
_PLACES = orjson.dumps({currency: money.places(currency) for currency in sorted(money.currencies())}).decode()


def _chunks(store: Store, wanted: HistoryFilter, size: int, zone: str) -> Iterator[list[tuple[Any, ...]]]:
    name: Any = F("name")
    if display.is_chinese():
        name = Case(When(name_zh="", then=F("name")), default=F("name_zh"))
    times = {
        f"{field}_{n}": _in_zone(field, key)
        for field in ("starts_at", "ends_at", "closed_at")
        for n, key in enumerate((zone, "UTC"))
    }
    rows = past(store.pk, wanted).annotate(shown=name, **times)
    # What orders the rows, as a number: read by itself a hundred thousand times, a moment would take as long as the workbook.
    place = RawSQL(
        "(extract(epoch FROM campaigns_campaign.closed_at) * 1000000)::bigint", (), output_field=BigIntegerField()
    )
    rows = rows.annotate(place=place)
    fields = ("pk", "place", "code", "shown", "kind", "state", "stop_reason", *times, "item_count")
    below = rows
    while True:
        chunk = _with_figures(below.values_list(*fields)[:size])
        if chunk:
            yield chunk
        if len(chunk) < size:
            return
        edge = chunk[-1][0]
        closed = Campaign.objects.filter(pk=edge).values_list(CLOSED, flat=True).get()  # once, not with each row
        below = rows.filter(keyset.beside(CLOSED, closed, edge, after=True))


def _ahead(chunks: Iterator[list[tuple[Any, ...]]]) -> Iterator[list[tuple[Any, ...]]]:
    """The next chunk is asked for, over the same connection, while the last one is written: otherwise writer and database take turns."""
    shared, context, language = connections[DEFAULT_DB_ALIAS], copy_context(), get_language()

    def fetch() -> list[tuple[Any, ...]] | None:
        connections[DEFAULT_DB_ALIAS] = shared
        with override(language):
            return next(chunks, None)

    shared.inc_thread_sharing()
    try:
        with ThreadPoolExecutor(max_workers=1) as other:
            asked = other.submit(context.run, fetch)
            while (chunk := asked.result()) is not None:
                asked = other.submit(context.run, fetch)
                yield chunk
    finally:
        shared.dec_thread_sharing()


def _with_figures(campaigns: QuerySet[Campaign, Any]) -> list[tuple[Any, ...]]:
    inner, given = campaigns.query.sql_with_params()
    with connection.cursor() as cursor:
        cursor.execute(_WITH_FIGURES.format(campaigns=inner), [_PLACES, *given])
        return cursor.fetchall()


def described(wanted: HistoryFilter, zone: tzinfo) -> str:
    """The filters in one line, as the explanatory sheet and the audit log tell them."""
    said = []
    if wanted.q:
        said.append(_("name or code: %(text)s") % {"text": wanted.q})
    if wanted.kind:
        said.append(_("kind: %(kind)s") % {"kind": dict(Kind.choices).get(wanted.kind, wanted.kind)})
    if wanted.state:
        said.append(_("state: %(state)s") % {"state": dict(CampaignState.choices).get(wanted.state, wanted.state)})
    if wanted.since:
        said.append(_("closed from %(moment)s") % {"moment": display.sentence(wanted.since, zone)})
    if wanted.until:
        said.append(_("closed before %(moment)s") % {"moment": display.sentence(wanted.until, zone)})
    return display.series(said) or str(_("none: all past campaigns"))


_TIMES = gettext_lazy(
    "Start, end and close stand twice: as the store’s zone (%(zone)s) has them, and in UTC. “Data as of” is in UTC alone."
)


def _notes(
    store: Store, wanted: HistoryFilter, rules: InsightRules, zone: tzinfo, now: datetime, total: int
) -> list[dict[str, str]]:
    said: list[tuple[str, str]] = [
        (_("Store"), f"{store.label} ({store.slug})"),
        (_("Exported at"), display.sentence(now, zone)),
        (_("Filters"), described(wanted, zone)),
        (_("Rows"), display.number(total)),
        (_("Time zone"), _TIMES % {"zone": display.zone_label(zone, now)}),
        (
            _("Freshness"),
            _("Figures may come up to %(hours)s hours late. They are archived about two hours after a close, and final from then on.")
            % {"hours": rules.delay_hours},
        ),
        (_("Personal data"), _("None: no buyer, address or contact is in this file.")),
        (_("Money"), _("In the currency of the row; amounts of two currencies are never added.")),
        (_("Stacked campaigns"), str(SHARED)),
        *((str(metric.label), str(metric.formula)) for metric in METRICS),
        (_("Ad spend"), _("What was recorded as the campaign’s advertising cost.")),
    ]  # fmt: skip
    return [{_("What"): what, _("Explanation"): text} for what, text in said]


def download(path: Path, store: Store) -> FileResponse:
    """The file as a download, named `past-campaigns-2026-11-27.xlsx` by the store's calendar; gone from the disk as soon as it is open."""
    file = path.open("rb")
    path.unlink()
    name = f"past-campaigns-{clock.now().astimezone(display.zone(store.time_zone)):%Y-%m-%d}.xlsx"
    answer = FileResponse(file, as_attachment=True, filename=name, content_type=CONTENT_TYPE)
    answer["Cache-Control"] = "no-store"
    return answer
