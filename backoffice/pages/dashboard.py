"""工作台: what is due, and how the store stands."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from django.db.models import Count, F, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.requests import StoreRequest
from accounts.rights import member
from backoffice.worklist import worklist
from campaigns.models import Campaign, CampaignState, Leftover
from campaigns.querysets import LIVE
from campaigns.trends import last_days
from core import charts, clock, display
from insights import daily
from listings.decorating import parts_of
from listings.models import LiveOffer
from policies.rules import DashboardRules
from publishing.models import Publication

#: How tall a zero is drawn, of the 120 units of a chart: a day with nothing is not a day of which nothing is known.
STUB = 6.0


@member
def dashboard(request: StoreRequest, store: str) -> HttpResponse:
    """The store's first page."""
    context = {
        "todos": worklist(request),
        "kpis": _figures(request) if "campaigns.view" in request.rights else [],
        "setup": _setup(request),
        "may_stop_all": "campaigns.pause" in request.rights,
        "as_of": clock.now(),
    }
    return render(request, "dashboard/dashboard.html", context)


def _figures(request: StoreRequest) -> list[dict[str, Any]]:
    """Four figures, each a link to the rows behind it."""
    store_id, now = request.store.pk, clock.now()
    sites = reverse("publishing:sites", kwargs={"store": request.store.slug})
    states = dict(
        Campaign.objects.filter(store_id=store_id, state__in=LIVE)
        .order_by()
        .values_list("state")
        .annotate(n=Count("id"))
    )
    listing = reverse("campaigns:list", kwargs={"store": request.store.slug})
    skus = LiveOffer.objects.filter(store_id=store_id, active=True, starts_at__lte=now, ends_at__gt=now)
    on_promotion = skus.values("sku_id").distinct().count()
    pages = Publication.objects.filter(store_id=store_id).aggregate(
        all=Count("id"), shown=Count("id", filter=Q(published_version__gte=F("desired_version")))
    )
    rate = _rate(pages["shown"], pages["all"])
    running, paused = states.get(CampaignState.RUNNING, 0), states.get(CampaignState.PAUSED, 0)
    trends = _trends(request.store, now, on_promotion, rate)
    leftovers = Leftover.objects.filter(store_id=store_id, cleared_at=None).count()
    return [
        {
            "label": _("Running campaigns"),
            "n": display.number(running),
            "url": f"{listing}?state=running",
            "note": _("%(n)s paused") % {"n": display.number(paused)},
            "trend": trends["running"],
        },
        {
            "label": _("SKUs on promotion now"),
            "n": display.number(on_promotion),
            "url": f"{listing}?tab=live",
            "note": "",
            "trend": trends["promoted"],
        },
        {
            "label": _("Information update completion rate"),
            "n": "—" if rate is None else f"{rate}%",
            "url": sites,
            "note": _("%(done)s of %(all)s pages as wanted")
            % {"done": display.number(pages["shown"]), "all": display.number(pages["all"])},
            "trend": trends["rate"],
        },
        {
            "label": _("Leftovers buyers may see"),
            "n": display.number(leftovers),
            "url": reverse("campaigns:leftovers", kwargs={"store": request.store.slug}),
            "note": "",
            "trend": trends["leftovers"],
        },
    ]


def _rate(shown: int, pages: int) -> int | None:
    """Percent, rounded down, so that 100 means all of them; None of a store without pages."""
    return 100 * shown // pages if pages else None


def _trends(store: Store, now: datetime, promoted: int, rate: int | None) -> dict[str, dict[str, Any] | None]:
    """The small chart of each figure; today's bar is the figure beside it, where only readings of past days are kept."""
    span = policies.active(DashboardRules, now).trend_days
    figures = last_days(store, span, now=now)
    axis = [one.day for one in figures]
    kept = daily.readings(store, span, now=now)
    skus = {day: row.promoted_skus for day, row in kept.items()} | {axis[-1]: promoted}
    rates = {day: _rate(row.pages_shown, row.pages) for day, row in kept.items()} | {axis[-1]: rate}
    return {
        "running": _trend(axis, {one.day: one.running for one in figures}),
        "leftovers": _trend(axis, {one.day: one.leftovers for one in figures}),
        "promoted": _trend(axis, skus),
        "rate": _trend(axis, rates, unit="%", top=100),
    }


def _trend(
    axis: list[date], values: Mapping[date, int | None], *, unit: str = "", top: float | None = None
) -> dict[str, Any] | None:
    """A small chart, with the same in words for who cannot see it; None while no day but today is known."""
    known = {day: {"n": n} for day, n in values.items() if n is not None}
    if not known.keys() - {axis[-1]}:
        return None
    words = {day: display.number(known[day]["n"]) + unit if day in known else _("not recorded") for day in axis}
    told = {"days": len(axis), "values": display.series(words.values())}
    return {
        "chart": charts.bars("", known, axis, "n", words, top=top, least=STUB),
        "days": len(axis),
        "words": _("Last %(days)s days, oldest first: %(values)s") % told,
    }


def _setup(request: StoreRequest) -> list[dict[str, Any]]:
    """Logo, banner, main category: without them the store has no campaigns (R27). Empty when complete."""
    parts = parts_of(request.store)
    if parts is None or all(parts.values()):
        return []
    words = {"logo": _("Logo"), "banner": _("Banner"), "main_category": _("Main category")}
    return [{"label": words[part], "done": done} for part, done in parts.items()]
