"""工作台: what is due, and how the store stands."""

from __future__ import annotations

from typing import Any

from django.db.models import Count, F, Q
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.requests import StoreRequest
from accounts.rights import member
from backoffice.worklist import worklist
from campaigns.models import Campaign, CampaignState, Leftover
from campaigns.querysets import LIVE
from core import clock, display
from listings.decorating import parts_of
from listings.models import LiveOffer
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
    leftovers = Leftover.objects.filter(store_id=store_id, cleared_at=None).count()
    return [
        {
            "label": _("Running campaigns"),
            "n": display.number(running),
            "url": f"{listing}?state=running",
            "note": _("%(n)s paused") % {"n": display.number(paused)},
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
        },
    ]


def _setup(request: StoreRequest) -> list[dict[str, Any]]:
    """Logo, banner, main category: without them the store has no campaigns (R27). Empty when complete."""
    parts = parts_of(request.store)
    if parts is None or all(parts.values()):
        return []
    words = {"logo": _("Logo"), "banner": _("Banner"), "main_category": _("Main category")}
    return [{"label": words[part], "done": done} for part, done in parts.items()]
