"""历史活动 as an Excel workbook: a row per campaign, the twelve metrics, a sheet that explains them (R146-R148).

Written row by row while the campaigns are read in chunks by key: a hundred thousand campaigns need no more memory than ten. Text stays
text, whatever it begins with; dates are dates; codes are text. Columns are an allow-list, and no column knows a buyer.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from rustpy_xlsxwriter import Format, write_worksheets

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from campaigns.labels import CLOSE_REASONS, campaign_name
from campaigns.models import Campaign, CampaignState, Kind
from core import display, keyset
from core.errors import FieldError, InvalidInput
from insights import measuring
from insights.formulas import METRICS, Figures
from insights.history import HistoryFilter, past
from policies.rules import InsightRules

CONTENT_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_MOMENT, _MONEY, _RATE, _RATIO, _COUNT = "yyyy-mm-dd hh:mm:ss", "#,##0.00", "0.00%", "0.00", "#,##0"
_FORMS = {"count": _COUNT, "money": _MONEY, "rate": _RATE, "ratio": _RATIO}


@dataclass(frozen=True, slots=True)
class _Context:
    """What the cells of one export share."""

    zone: tzinfo
    now: datetime


Cell = Callable[[Campaign, Figures, _Context], Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, how wide, its number format, and its cell."""

    label: str | Promise
    cell: Cell
    width: float = 14
    form: str = ""


def _local(moment: datetime | None, context: _Context) -> datetime | None:
    return None if moment is None else moment.astimezone(context.zone).replace(tzinfo=None, microsecond=0)


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)


def _moment_cell(of: Callable[[Campaign], datetime | None], *, local: bool) -> Cell:
    """The cell of a campaign's moment, in the store's zone or in UTC."""
    return lambda campaign, figures, context: _local(of(campaign), context) if local else _utc(of(campaign))


def _metric(key: str) -> Cell:
    return lambda campaign, figures, context: getattr(figures, key)


def _columns(zone_name: str) -> list[Column]:
    kinds, states = {str(one): str(one.label) for one in Kind}, {str(one): str(one.label) for one in CampaignState}
    reasons = {code: str(words) for code, words in CLOSE_REASONS.items()}
    pairs = (
        (_("Starts"), lambda campaign: campaign.starts_at),
        (_("Ends"), lambda campaign: campaign.ends_at),
        (_("Closed at"), lambda campaign: campaign.closed_at),
    )
    times = [
        column
        for label, of in pairs
        for column in (
            Column(f"{label} ({zone_name})", _moment_cell(of, local=True), 20, _MOMENT),
            Column(f"{label} (UTC)", _moment_cell(of, local=False), 20, _MOMENT),
        )
    ]
    return [
        Column(_("Campaign code"), lambda c, f, x: c.code, 15),
        Column(_("Campaign name"), lambda c, f, x: campaign_name(c), 34),
        Column(_("Kind"), lambda c, f, x: kinds.get(c.kind, c.kind), 20),
        Column(_("State"), lambda c, f, x: states.get(c.state, c.state), 12),
        *times,
        Column(_("Reason"), lambda c, f, x: reasons.get(c.stop_reason, c.stop_reason) or None, 24),
        Column(_("Number of SKUs"), lambda c, f, x: c.item_count, 12, _COUNT),
        Column(_("Currency"), lambda c, f, x: f.currency, 10),
        *(Column(metric.label, _metric(metric.key), 14, _FORMS[metric.form]) for metric in METRICS),
        Column(_("Ad spend"), lambda c, f, x: f.ad_spend, 14, _MONEY),
        Column(_("Data as of (UTC)"), lambda c, f, x: _utc(measuring.as_of(f, x.now)), 20, _MOMENT),
        Column(_("Figures final"), lambda c, f, x: _("Yes") if f.sealed_at else _("No"), 12),
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
    """Write the workbook: the sheet of campaigns, then the one that explains it; five queries a chunk of campaigns."""
    zone = display.zone(store.time_zone)
    columns = _columns(display.zone_label(zone, now))
    sheet, notes = _("Past campaigns"), _("Notes")
    write_worksheets(
        [(sheet, _rows(columns, store, wanted, rules, _Context(zone, now))), (notes, _notes(store, wanted, rules, zone, now, total))],
        str(path),
        freeze_panes={sheet: {"row": 1, "col": 2}},
        column_widths={sheet: {str(column.label): column.width for column in columns}, notes: [26.0, 90.0]},
        column_formats={sheet: {str(one.label): Format().set_num_format(one.form) for one in columns if one.form}},
        header_format={sheet: Format().set_bold().set_text_wrap(), notes: Format().set_bold()},
        autofilter={sheet: True},
    )  # fmt: skip


def _rows(
    columns: Sequence[Column], store: Store, wanted: HistoryFilter, rules: InsightRules, context: _Context
) -> Iterator[dict[str, Any]]:
    labels = [str(column.label) for column in columns]
    cells = [column.cell for column in columns]
    empty = True
    for campaigns in _chunks(store, wanted, rules.export_chunk):
        figures = measuring.of(campaigns)
        for campaign in campaigns:
            known = figures[campaign.pk]
            yield dict(zip(labels, [cell(campaign, known, context) for cell in cells], strict=True))
            empty = False
    if empty:  # the headings come from the first row
        yield dict.fromkeys(labels)


def _chunks(store: Store, wanted: HistoryFilter, size: int) -> Iterator[list[Campaign]]:
    rows = past(store.pk, wanted).defer("rules", "stop_note")
    edge: int | None = None
    while True:
        chunk = list((rows if edge is None else rows.filter(pk__lt=edge)).order_by("-pk")[:size])
        for campaign in chunk:
            campaign.store = store
        if chunk:
            yield chunk
        if len(chunk) < size:
            return
        edge = chunk[-1].pk


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


_TIMES = gettext_lazy("Every time stands twice: as the store’s zone (%(zone)s) has it, and in UTC.")


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
        *((str(metric.label), str(metric.formula)) for metric in METRICS),
        (_("Ad spend"), _("What was recorded as the campaign’s advertising cost.")),
    ]  # fmt: skip
    return [{_("What"): what, _("Explanation"): text} for what, text in said]


def file_name(now: datetime, zone: tzinfo) -> str:
    """`past-campaigns-2026-11-27.xlsx`, by the store's calendar."""
    return f"past-campaigns-{now.astimezone(zone):%Y-%m-%d}.xlsx"
