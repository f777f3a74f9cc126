"""Events in, figures out."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_noop as _
from ninja import Query, Router
from pydantic import BaseModel, Field

from accounts.models import Store
from api.access import needs, takes
from api.frame import reply
from api.present import insights as present
from api.requests import ApiRequest, known_members
from api.schemas.insights import EventIn, EventsIn, EventsTaken, FailuresOut, MetricsOut, SpendIn, SpendRow, StaleList
from campaigns import finding
from campaigns.models import Campaign
from core import clock, display
from insights import events, export, failures, history, measuring, spending, stale
from policies import active
from policies.rules import InsightRules

router = Router(tags=["insights"])


class Span(BaseModel):
    """`from` and `to`: days of the store's calendar, or moments."""

    since: str = Field("", alias="from", max_length=40, description=_("2026-11-01, or a moment in UTC."))
    until: str = Field("", alias="to", max_length=40, description=_("The last day, or a moment in UTC."))

    def read(self, store: Store) -> tuple[datetime | None, datetime | None]:
        """As moments. Raises InvalidInput."""
        return history.span(self.since, self.until, display.zone(store.time_zone))


@router.post(
    "/events",
    response={202: EventsTaken},
    summary=_("Count events"),
    description=_(
        "Impressions, clicks and units put into a cart, up to %(insights__events_per_call)s a call. A wrong event is rejected alone."
    ),
)
@needs("checkout.use")
@takes(EventsIn)
def take_events(request: ApiRequest) -> HttpResponse:
    """`POST /events`."""
    rows = known_members(request, EventsIn, events=EventIn).get("events")
    taken = events.take_events(request.store, rows, actor=request.actor)
    return reply({"accepted": taken.accepted, "rejected": [row.as_dict() for row in taken.rejected]}, 202)


@router.get(
    "/campaigns/history.xlsx",
    summary=_("Past campaigns as a workbook"),
    description=_("Closed in the span asked for, with the twelve metrics and an explanatory sheet. No buyer's data."),
    openapi_extra={"responses": {200: {"description": "OK", "content": {export.CONTENT_TYPE: {"schema": {}}}}}},
)
@needs("insights.export")
def export_history(request: ApiRequest, query: Query[Span]) -> HttpResponseBase:
    """`GET /campaigns/history.xlsx`."""
    since, until = query.read(request.store)
    wanted = history.HistoryFilter(since=since, until=until)
    path = export.export_history(request.store, wanted, actor=request.actor)
    return export.download(path, request.store)


@router.get(
    "/campaigns/{code}/metrics",
    response=MetricsOut,
    summary=_("The twelve metrics of a campaign"),
    description=_("Live until the archive holds them, then as archived."),
)
@needs("insights.view")
def get_metrics(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /campaigns/{code}/metrics`."""
    return reply(_metrics(request, finding.get(request.store, code)))


@router.post(
    "/campaigns/{code}/spend",
    response=MetricsOut,
    summary=_("Record ad spend"),
    description=_("What the campaign's advertising cost, by day of the store's calendar, in the store's currency."),
)
@needs("campaigns.edit")
@takes(SpendIn)
def record_spend(request: ApiRequest, code: str) -> HttpResponse:
    """`POST /campaigns/{code}/spend`."""
    rows = known_members(request, SpendIn, spend=SpendRow).get("spend")
    return reply(_metrics(request, spending.record_spend(request.store, code, rows, actor=request.actor)))


@router.get(
    "/insights/close-failures",
    response=FailuresOut,
    summary=_("Why closes are refused"),
    description=_("Refused pauses and cancels by cause; %(insights__failure_days__days)s unless a span is asked for."),
)
@needs("insights.view")
def close_failures(request: ApiRequest, query: Query[Span]) -> HttpResponse:
    """`GET /insights/close-failures`."""
    since, until = query.read(request.store)
    return reply(failures.document(failures.of(request.store.pk, since=since, until=until, now=clock.now())))


@router.get(
    "/insights/stale-campaigns",
    response=StaleList,
    summary=_("Live campaigns that do no good any more"),
    description=_("Without orders, paused for long, sold out, or costing more than they bring in."),
)
@needs("insights.view")
def stale_campaigns(request: ApiRequest) -> HttpResponse:
    """`GET /insights/stale-campaigns`."""
    return reply({"items": [row.as_dict() for row in stale.of(request.store, now=clock.now())]})


def _metrics(request: ApiRequest, campaign: Campaign) -> dict[str, object]:
    campaign.store = request.store
    now = clock.now()
    figures = measuring.of([campaign])[campaign.pk]
    return present.metrics(campaign, figures, delay_hours=active(InsightRules, now).delay_hours, now=now)
