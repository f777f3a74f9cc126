"""活动管理: the list of campaigns with its query form, state tabs and batch bar (R1)."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import neighbours
from campaigns.cells import CampaignCells
from campaigns.forms import CampaignFilterForm
from campaigns.listed import listed
from campaigns.models import CampaignState
from campaigns.querysets import LIVE, CampaignFilter, counted, matching
from campaigns.tables import CampaignTable
from campaigns.views.common import Rows, actions_for, address
from core import clock, keyset
from core.errors import DomainError
from core.tables import Empty
from listings.decorating import parts_of
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
        found = keyset.page_of(rows, listed, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        found = keyset.page_of(rows, listed, size=rules.page_size)
    buttons = Rows(request)
    filtered = tab == "live" or any(request.GET.get(name) for name in form.fields)
    table = CampaignTable(
        found.rows,
        cells=CampaignCells(partial(buttons.of, "detail"), partial(actions_for, request, rows=buttons), clock.now()),
    )
    table.context = {"request": request}
    table.empty = _empty(request, filtered)
    if not (request.rights & {"campaigns.pause", "campaigns.cancel"}):
        table.exclude = ("pick",)
    limit = (
        max(rules.count_limit, closing_rules.bulk_job_max) if "campaigns.pause" in request.rights else rules.count_limit
    )
    counts = counted(request.store.pk, most=limit + 1 if wanted == CampaignFilter() else 0)
    known = counts.of(wanted)
    total = keyset.count_up_to(rows, limit + 1) if known is None else known
    context: dict[str, Any] = {
        "table": table,
        "form": form,
        "tabs": _tabs(request, tab, counts.live),
        "pages": found,
        "total": total if total <= limit else None,
        "many": total > limit,
        "count_limit": limit,
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


def _tabs(request: StoreRequest, tab: str, counts: Mapping[str, int]) -> list[dict[str, Any]]:
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
    words = {"logo": _("Logo"), "banner": _("Banner"), "main_category": _("Main category")}
    return [words[part] for part, there in (parts_of(request.store) or {}).items() if not there]
