"""Limits of events, figures, history and its statistics; the browsers that are promised."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class InsightRules(Rules):
    """What is counted, shown and exported."""

    key: ClassVar[str] = "insights"

    events_per_call: int = Field(default=10_000, ge=1, description=_("Events of one API call."))
    event_count_max: int = Field(default=1_000_000, ge=1, description=_("Largest `count` of one event."))
    future_seconds: int = Field(default=300, ge=0, description=_("How far ahead an event may lie."))
    window_slack: int = Field(
        default=900, ge=0, description=_("Seconds before the start and after the end in which events still count.")
    )
    delay_hours: int = Field(
        default=2, ge=0, description=_("R38, R180: how late figures may be, said beside every one of them.")
    )
    page_size: int = Field(default=50, ge=1, description=_("Campaigns on one page of the history."))
    count_limit: int = Field(default=1000, ge=1, description=_("The history counts its matches no further than this."))
    chart_days: int = Field(
        default=62, ge=1, description=_("Days drawn in a chart: the last ones of a longer campaign.")
    )
    export_max: int = Field(
        default=500_000,
        ge=1,
        le=1_048_000,
        description=_("Campaigns in one export; a sheet ends at row 1,048,576."),
    )
    export_chunk: int = Field(default=2_000, ge=1, description=_("Campaigns read at a time by an export."))
    stale_days: int = Field(
        default=7, ge=1, description=_("R11: a running campaign without an order for so long is stale.")
    )
    stale_paused_days: int = Field(default=14, ge=1, description=_("R11: paused for so long is stale."))
    stale_roi: float = Field(
        default=1.0,
        ge=0,
        description=_("R12: running and bringing in less than this per unit of cost is stale."),
    )
    stale_rows: int = Field(default=100, ge=1, description=_("Stale campaigns on one page."))
    failure_days: int = Field(
        default=90, ge=1, description=_("Days of refused closes in the statistics, unless another span is asked for.")
    )
    source_shares: dict[str, float] = Field(
        default={"ERR_CLOSE_AFFILIATE_ACTIVE": 41.2, "ERR_CLOSE_PRICE_CONFLICT": 33.7, "ERR_CLOSE_DEPOSIT_ARREARS": 15.8},
        description=_("R29-R31, R149: shares of failed closes by cause, in percent, as the platform gives them."),
    )  # fmt: skip


class BrowserRules(Rules):
    """R18: the oldest versions that every page is promised to work in."""

    key: ClassVar[str] = "browsers"

    chrome: int = Field(default=110, ge=1, description=_("R18: oldest Chrome that is promised."))
    edge: int = Field(default=110, ge=1, description=_("R18: oldest Edge that is promised."))
    firefox: int = Field(default=115, ge=1, description=_("R18: oldest Firefox that is promised."))
