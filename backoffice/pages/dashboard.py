"""工作台: what is due, and how the store stands."""

from __future__ import annotations

from datetime import datetime
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
from listings.decorating import parts_of
from listings.models import LiveOffer
from policies.rules import DashboardRules
from publishing.models import Publication


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
    rate = 100 * pages["shown"] // pages["all"] if pages["all"] else 100
    running, paused = states.get(CampaignState.RUNNING, 0), states.get(CampaignState.PAUSED, 0)
    trends = _trends(request.store, now)
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
        },
        {
            "label": _("Information update completion rate"),
            "n": f"{rate} %",
            "url": sites,
            "note": _("%(done)s of %(all)s pages as wanted")
            % {"done": display.number(pages["shown"]), "all": display.number(pages["all"])},
        },
        {
            "label": _("Leftovers buyers may see"),
            "n": display.number(leftovers),
            "url": reverse("campaigns:leftovers", kwargs={"store": request.store.slug}),
            "note": "",
            "trend": trends["leftovers"],
        },
    ]


def _trends(store: Store, now: datetime) -> dict[str, dict[str, Any]]:
    """The small chart of a figure, with the same in words for who cannot see it."""
    figures = last_days(store, policies.active(DashboardRules, now).trend_days, now=now)
    axis = [one.day for one in figures]
    found = {}
    for key in ("running", "leftovers"):
        days = {one.day: {"n": getattr(one, key)} for one in figures}
        words = {day: display.number(row["n"]) for day, row in days.items()}
        told = {"days": len(axis), "values": display.series(words.values())}
        found[key] = {
            "chart": charts.bars("", days, axis, "n", words),
            "words": _("Last %(days)s days, oldest first: %(values)s") % told,
        }
    return found


def _setup(request: StoreRequest) -> list[dict[str, Any]]:
    """Logo, banner, main category: without them the store has no campaigns (R27). Empty when complete."""
    parts = parts_of(request.store)
    if parts is None or all(parts.values()):
        return []
    words = {"logo": _("Logo"), "banner": _("Banner"), "main_category": _("Main category")}
    return [{"label": words[part], "done": done} for part, done in parts.items()]
