"""活动管理: the list of campaigns with its query form, state tabs and batch bar (R1)."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.db.models import Count
from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import neighbours
from campaigns.forms import CampaignFilterForm
from campaigns.models import Campaign, CampaignState
from campaigns.querysets import LIVE, CampaignFilter, matching
from campaigns.tables import CampaignTable
from campaigns.views.common import Rows, actions_for, address
from core import clock, keyset
from core.errors import DomainError
from core.tables import Empty
from policies import active
from policies.rules.campaigns import CampaignRules, ClosingRules


def filter_of(form: CampaignFilterForm, tab: str) -> CampaignFilter:
    """What the form and the tab ask for; an invalid field does not filter."""
    data = form.cleaned_data if form.is_bound and form.is_valid() else getattr(form, "cleaned_data", {})
    return CampaignFilter(
        state=data.get("state") or "",
        kind=data.get("kind") or "",
        q=data.get("q") or "",
        ends_before=data.get("ends_before"),
        states=tuple(LIVE) if tab == "live" else (),
    )


@requires("campaigns.view")
def campaign_list(request: StoreRequest, store: str) -> HttpResponse:
    """The list. Filters are the address, so that a link restores the page (R17)."""
    return _list(request, request.GET.get("tab", ""))


def _list(request: StoreRequest, tab: str) -> HttpResponse:
    form = CampaignFilterForm(request.GET or None, store=request.store)
    form.is_valid()
    wanted = filter_of(form, tab)
    rows = matching(request.store.pk, wanted)
    rules, closing_rules = active(CampaignRules, clock.now()), active(ClosingRules, clock.now())
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        found = keyset.page(rows, size=rules.page_size)
    buttons = Rows(request)
    for campaign in found.rows:
        campaign.row_actions = actions_for(request, campaign, buttons)  # type: ignore[attr-defined]  # for the table
    filtered = tab == "live" or any(request.GET.get(name) for name in form.fields)
    table = CampaignTable(found.rows, address=partial(buttons.of, "detail"))
    table.context = {"request": request}
    table.empty = _empty(request, filtered)
    if not (request.rights & {"campaigns.pause", "campaigns.cancel"}):
        table.exclude = ("pick",)
    counted = (
        max(rules.count_limit, closing_rules.bulk_job_max) if "campaigns.pause" in request.rights else rules.count_limit
    )
    total = keyset.count_up_to(rows, counted + 1)
    context: dict[str, Any] = {
        "table": table,
        "form": form,
        "tabs": _tabs(request, tab),
        "pages": found,
        "total": total if total <= counted else None,
        "many": total > counted,
        "count_limit": counted,
        "bulk_total": total if total <= closing_rules.bulk_job_max else 0,
        "bulk_actions": _bulk_actions(request),
        "more_items": [
            {"label": _("Waiting stops"), "url": address(request, "parked"), "icon": "hourglass"},
            {"label": _("Batch jobs"), "url": address(request, "bulk_jobs"), "icon": "list-check"},
        ],
        "may_stop_all": "campaigns.pause" in request.rights and tab != "past",
        "bulk_url": address(request, "bulk"),
        "clear_url": address(request, "list"),
        "undecorated": _missing_decoration(request),
    }
    return render(request, "campaigns/list.html", context)


def _tabs(request: StoreRequest, tab: str) -> list[dict[str, Any]]:
    counts = dict(
        Campaign.objects.filter(store_id=request.store.pk, state__in=LIVE)
        .order_by()
        .values_list("state")
        .annotate(n=Count("id"))
    )
    base = address(request, "list")
    chosen = request.GET.get("state", "")
    tabs = [
        {"label": _("All"), "url": base, "current": not tab and not chosen, "count": None},
        {"label": _("Live"), "url": f"{base}?tab=live", "current": tab == "live", "count": sum(counts.values())},
    ]
    for state in (CampaignState.RUNNING, CampaignState.PAUSED, CampaignState.CANCELLING):
        tabs.append(
            {
                "label": CampaignState(state).label,
                "url": f"{base}?state={state}",
                "current": chosen == state,
                "count": counts.get(state, 0),
            }
        )
    if past := neighbours.page_url("past", request.store.slug):
        tabs.append({"label": _("Past campaigns"), "url": past, "current": False, "count": None})
    return tabs


def _bulk_actions(request: StoreRequest) -> list[dict[str, str]]:
    if "campaigns.pause" not in request.rights:
        return []
    if request.GET.get("state") == CampaignState.PAUSED:
        return [{"value": "resume", "label": _("Resume"), "icon": "play", "tone": ""}]
    return [{"value": "pause", "label": _("Pause (can resume)"), "icon": "pause", "tone": "pause"}]


def _empty(request: StoreRequest, filtered: bool) -> Empty:
    if filtered:
        return Empty(kind="filtered", clear_url=address(request, "list"))
    can = "campaigns.edit" in request.rights
    return Empty(
        kind="never",
        title=_("No campaigns yet"),
        text=_("A campaign lowers the price of chosen products for a time, and ends by itself."),
        action_url=address(request, "new") if can else "",
        action_label=_("New campaign") if can else "",
    )


def _missing_decoration(request: StoreRequest) -> list[str]:
    profile = getattr(request.store, "profile", None)
    if profile is None or profile.decoration_waived:
        return [] if profile else [_("Logo"), _("Banner"), _("Main category")]
    found = [(profile.logo, _("Logo")), (profile.banner, _("Banner")), (profile.main_category_id, _("Main category"))]
    return [word for value, word in found if not value]
