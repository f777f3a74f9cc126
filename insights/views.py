"""Pages: 历史活动 with its export, 数据纵横 · 营销分析, and the figures of one campaign."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns.labels import campaign_name
from campaigns.models import Campaign
from campaigns.views.common import find, problem_of
from core import charts, clock, display, keyset
from core.downloads import announced
from core.errors import DomainError, InvalidInput
from core.tables import Empty
from insights import archives, export, failures, measuring, spending, stale
from insights.forms import HistoryForm, SpendForm
from insights.formulas import SHARED, Figures
from insights.history import CLOSED, past
from insights.models import CampaignFigures
from insights.tables import CauseTable, DayTable, HistoryTable, StaleTable
from insights.words import tiles
from policies import active
from policies.rules import InsightRules


def _url(request: StoreRequest, name: str, **kwargs: str) -> str:
    return reverse(f"insights:{name}", kwargs={"store": request.store.slug, **kwargs})


@require_safe
@requires("campaigns.view")
def history_list(request: StoreRequest, store: str) -> HttpResponse:
    """历史活动: ended and cancelled campaigns, for ever, the latest closed first (R37). Filters are the address: a link keeps them."""
    return _history(request)


def _history(request: StoreRequest, problem: dict[str, Any] | None = None, status: int = 200) -> HttpResponse:
    rules = active(InsightRules, clock.now())
    form = HistoryForm(request.GET or None, store=request.store)
    rows = past(request.store.pk, form.wanted())
    try:
        found = keyset.page_by(rows, CLOSED, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        found = keyset.page_by(rows, CLOSED, size=rules.page_size)
    sees = "insights.view" in request.rights
    for campaign in found.rows:
        campaign.store = request.store
    known = measuring.of(found.rows) if sees else {}
    for campaign in found.rows:
        campaign.figures = known.get(campaign.pk)  # type: ignore[attr-defined]  # for the template
    table = HistoryTable(found.rows, exclude=() if sees else HistoryTable.METRICS)
    table.context = {"request": request}
    table.empty = _no_history(request, any(request.GET.get(name) for name in form.fields))
    total = keyset.count_up_to(rows, rules.count_limit + 1)
    query = request.GET.copy()
    query.pop("cursor", None)
    context: dict[str, Any] = {
        "table": table,
        "form": form,
        "pages": found,
        "total": total if total <= rules.count_limit else None,
        "many": total > rules.count_limit,
        "count_limit": rules.count_limit,
        "clear_url": _url(request, "history"),
        "export_url": _url(request, "export") + (f"?{query.urlencode()}" if query else ""),
        "may_export": "insights.export" in request.rights,
        "sees_figures": sees,
        "now": clock.now(),
        "delay_hours": rules.delay_hours,
        "problem": problem,
    }
    return render(request, "insights/history.html", context, status=status)


def _no_history(request: StoreRequest, filtered: bool) -> Empty:
    if filtered:
        return Empty(kind="filtered", clear_url=_url(request, "history"))
    return Empty(
        kind="never",
        title=_("No past campaigns yet"),
        text=_("Campaigns that have ended or were cancelled are kept here for ever, with their figures."),
    )


@require_safe
@requires("insights.export")
def export_history(request: StoreRequest, store: str) -> HttpResponseBase:
    """The campaigns of the query string as a workbook (R146)."""
    if head := announced(request, export.CONTENT_TYPE):
        return head
    form = HistoryForm(request.GET or None, store=request.store)
    try:
        path = export.export_history(request.store, form.wanted(), actor=request.actor)
    except InvalidInput as error:
        return _history(request, problem_of(error, request), status=error.status)
    return export.download(path, request.store)


@require_safe
@requires("insights.view")
def overview(request: StoreRequest, store: str) -> HttpResponse:
    """数据纵横 · 营销分析: stale campaigns, why closes are refused, what waits to be archived (R11, R12, R36, R149)."""
    now = clock.now()
    stale_table = StaleTable(stale.of(request.store, now=now))
    stale_table.context = {"request": request}
    stale_table.empty = Empty(
        kind="ok", title=_("No stale campaigns"), text=_("Every live campaign sells, and none waits for a decision too long.")
    )  # fmt: skip
    found = failures.of(request.store.pk, since=None, until=None, now=now)
    cause_table = CauseTable(found.rows)
    cause_table.empty = Empty(
        kind="ok", title=_("No refused closes"), text=_("Nobody was refused a pause or a cancel in this time.")
    )
    rules = active(InsightRules, now)
    context = {
        "stale": stale_table,
        "causes": cause_table,
        "failures": found,
        "waiting": archives.waiting(request.store.pk, now=now, limit=rules.stale_rows),
        "now": now,
        "rules": rules,
    }
    return render(request, "insights/overview.html", context)


@require_safe
@requires("insights.view")
def metrics(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The twelve metrics of a campaign, day by day, with what it costs and puts at stake."""
    return _metrics(request, find(request, code), SpendForm(currency=request.store.currency))


@require_POST
@requires("campaigns.edit")
def spend(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Record the ad spend of a day."""
    campaign = find(request, code)
    form = SpendForm(request.POST, currency=request.store.currency)
    if form.is_valid():
        row = {"day": form.cleaned_data["day"].strip(), "amount": form.cleaned_data["amount"].strip()}
        try:
            spending.record_spend(request.store, campaign.code, [row], actor=request.actor)
        except InvalidInput as error:
            for fault in error.errors:
                form.add_error(fault.field.rpartition(".")[2], str(fault.message))
        except DomainError as error:
            return _metrics(request, campaign, form, problem_of(error, request), error.status)
        else:
            messages.success(request, _("Ad spend of %(day)s recorded.") % row)
            back = "metrics" if "insights.view" in request.rights else ""
            return redirect(_url(request, back, code=campaign.code) if back else _detail(request, campaign))
    return _metrics(request, campaign, form, status=422)


def _detail(request: StoreRequest, campaign: Campaign) -> str:
    return reverse("campaigns:detail", kwargs={"store": request.store.slug, "code": campaign.code})


def _metrics(
    request: StoreRequest, campaign: Campaign, form: SpendForm, problem: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    campaign.store = request.store
    now = clock.now()
    rules = active(InsightRules, now)
    figures = measuring.of([campaign])[campaign.pk]
    sees = "insights.view" in request.rights
    context: dict[str, Any] = {
        "campaign": campaign,
        "name": campaign_name(campaign),
        "figures": figures,
        "tiles": tiles(figures) if sees else [],
        "shared": SHARED if campaign.stacks else "",
        "as_of": measuring.as_of(figures, now),
        "delay_hours": rules.delay_hours,
        "stock": stale.stock_of([campaign.pk]).get(campaign.pk, stale.Stock()),
        "form": form,
        "may_spend": "campaigns.edit" in request.rights
        and not CampaignFigures.objects.filter(campaign=campaign).exists(),
        "problem": problem,
        **(_by_day(request, campaign, figures, rules, now) if sees else {}),
    }
    return render(request, "insights/metrics.html", context, status=status)


def _by_day(
    request: StoreRequest, campaign: Campaign, figures: Figures, rules: InsightRules, now: datetime
) -> dict[str, Any]:
    days = measuring.by_day(campaign, display.zone_key(display.zone(request.store.time_zone)), figures.currency)
    axis = charts.span_of(days, rules.chart_days)
    rows: list[dict[str, Any]] = [{"day": f"{day:%Y-%m-%d}", **days.get(day, {})} for day in reversed(axis)]
    sold = {day: display.money(_amount(days, day), figures.currency) for day in axis}
    for row, day in zip(rows, reversed(axis), strict=True):
        row["sales_amount"] = sold[day]
    clicked = {day: display.number(int(days.get(day, {}).get("clicks", 0))) for day in axis}
    table = DayTable(rows)
    table.empty = Empty(
        kind="never", title=_("Nothing was counted yet"), text=_("Events and orders appear here day by day.")
    )
    drawn = (
        [
            charts.bars(_("Sales amount"), days, axis, "sales_amount", sold),
            charts.bars(_("Clicks"), days, axis, "clicks", clicked),
        ]
        if axis
        else []
    )
    return {"days": table, "charts": drawn}


def _amount(days: Mapping[date, charts.Day], day: date) -> Decimal:
    return Decimal(days.get(day, {}).get("sales_amount", 0))
