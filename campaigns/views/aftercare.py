"""After the close: every close with its three points until all are verified, and what is left on the sites (R40-R43, R145)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.db.models import Count, Min, QuerySet
from django.http import HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import checklist, hunting
from campaigns.hunting import LeftoverFilter
from campaigns.labels import CLIENTS, POINTS, WHATS, campaign_name
from campaigns.models import Closing, Leftover
from campaigns.patrol import HEARTBEAT
from campaigns.tables import LeftoverTable
from campaigns.views.common import address
from core import clock, keyset
from core.errors import DomainError
from core.forms import own_field
from core.models import Heartbeat
from core.tables import Empty
from policies import active
from policies.rules import ClosingRules
from policies.rules.campaigns import CampaignRules
from publishing.models import Site

ANY = [("", gettext_lazy("All"))]
AGES = [*ANY, ("1", gettext_lazy("1 hour")), ("24", gettext_lazy("1 day")), ("168", gettext_lazy("1 week"))]
STATES = [
    ("open", gettext_lazy("Still there")),
    ("cleared", gettext_lazy("Cleared")),
    ("all", gettext_lazy("All")),
]


class LeftoverForm(forms.Form):
    """The query form of the hunter. The address holds the filter, so that a link restores the page."""

    q = forms.CharField(label=gettext_lazy("Campaign code"), required=False, max_length=24)
    site = forms.ChoiceField(label=gettext_lazy("Site"), required=False)
    state = forms.ChoiceField(label=gettext_lazy("State"), required=False, choices=STATES)
    client = forms.ChoiceField(label=gettext_lazy("Client"), required=False, choices=[*ANY, *CLIENTS.items()])
    what = forms.ChoiceField(label=gettext_lazy("What is left"), required=False, choices=[*ANY, *WHATS.items()])
    older = forms.ChoiceField(label=gettext_lazy("Seen for at least"), required=False, choices=AGES)

    def __init__(self, data: QueryDict, store_id: int) -> None:
        super().__init__(data)
        codes = Site.objects.filter(store_id=store_id).order_by("id").values_list("code", flat=True)
        own_field(self, "site", forms.ChoiceField).choices = [*ANY, *((code, code) for code in codes)]

    def wanted(self) -> LeftoverFilter:
        """The filter; a field with an error does not filter."""
        self.is_valid()
        data = self.cleaned_data
        older = data.get("older") or ""
        return LeftoverFilter(
            state=data.get("state") or "open", site=data.get("site") or "", client=data.get("client") or "",
            what=data.get("what") or "", q=data.get("q") or "", older_than=int(older) if older else None,
        )  # fmt: skip

    def is_used(self) -> bool:
        """Whether anything is filtered."""
        return any(self.cleaned_data.get(name) for name in self.fields)


@requires("campaigns.view")
@require_safe
def leftovers(request: StoreRequest, store: str) -> HttpResponse:
    """The hunter: leftovers of all sites and clients, newest first, with their age."""
    now = clock.now()
    form = LeftoverForm(request.GET, request.store.pk)
    rows = hunting.matching(request.store.pk, form.wanted(), now=now)
    rules = active(CampaignRules, now)
    found = _page(rows.select_related("campaign", "listing", "site"), request, rules.page_size)
    table = LeftoverTable(found.rows)
    table.context = {"request": request}
    may_clear = "campaigns.pause" in request.rights and form.wanted().state != "cleared"
    if not may_clear:
        table.exclude = ("pick",)
    table.empty = _nothing(request, form)
    total = keyset.count_up_to(rows, rules.count_limit + 1)
    # What the bar promises is what `clear` will take: no cleared one, and more than a list counts.
    most = active(ClosingRules, now).clear_max
    clearable = keyset.count_up_to(rows.filter(cleared_at=None), most) if may_clear else 0
    context = {
        "table": table, "form": form, "pages": found, "tabs": _tabs(request, "leftovers"), "figures": _figures(request),
        "total": total if total <= rules.count_limit else None, "many": total > rules.count_limit, "count_limit": rules.count_limit,
        "bulk_total": clearable, "may_clear": may_clear,
        "clear_action": address(request, "clear_leftovers"), "clear_url": address(request, "leftovers"),
        "patrol": Heartbeat.objects.filter(name=HEARTBEAT).first(),
        "bulk_actions": [{"value": "clear", "label": _("Clean up leftovers"), "icon": "broom"}],
    }  # fmt: skip
    return render(request, "campaigns/leftovers.html", context)


@requires("campaigns.pause")
@require_POST
def clear(request: StoreRequest, store: str) -> HttpResponse:
    """清理残留 for the ticked rows, or for all that match the filter at this moment."""
    try:
        done = hunting.clear_leftovers(request.store, _chosen(request), actor=request.actor)
    except DomainError as refusal:
        if refusal.status != 422:
            raise
        messages.error(request, str(refusal.detail))
        return redirect(address(request, "leftovers"))
    words = ngettext(
        "Submitted: %(n)s leftover is taken off, and its page is read again.",
        "Submitted: %(n)s leftovers are taken off, and their pages are read again.",
        done.leftovers,
    )
    messages.success(request, words % {"n": done.leftovers})
    query = request.POST.get("filter", "")
    return redirect(address(request, "leftovers") + (f"?{QueryDict(query).urlencode()}" if query else ""))


@requires("campaigns.view")
@require_safe
def closings(request: StoreRequest, store: str) -> HttpResponse:
    """Every close with its points: open ones first by tab, newest first."""
    now = clock.now()
    tab = request.GET.get("tab", "open")
    found = _page(
        _closings(request.store.pk, tab).select_related("campaign"), request, active(CampaignRules, now).page_size
    )
    context = {
        "rows": [_row(request, closing, now) for closing in found.rows],
        "pages": found,
        "tabs": _tabs(request, tab if tab in ("late", "done") else "open"),
        "tab": tab,
        "list_url": address(request, "list"),
    }
    return render(request, "campaigns/closings.html", context)


def _closings(store_id: int, tab: str) -> QuerySet[Closing]:
    rows = Closing.objects.filter(store_id=store_id, taken_back_at=None)
    if tab == "done":
        return rows.filter(completed_at__isnull=False)
    rows = rows.filter(completed_at=None)
    return rows.exclude(overdue=[]) if tab == "late" else rows


def _row(request: StoreRequest, closing: Closing, now: datetime) -> dict[str, Any]:
    return {
        "closing": closing,
        "name": campaign_name(closing.campaign),
        "url": address(request, "closing", closing.campaign),
        "points": points_shown(closing, now),
    }


def points_shown(closing: Closing, now: datetime) -> list[dict[str, Any]]:
    """The points of a close as pages show them."""
    return [
        {
            "key": point.key,
            "label": POINTS[point.key],
            "verified_at": point.verified_at,
            "due_at": point.due_at,
            "late": point.is_overdue(now),
        }
        for point in checklist.points_of(closing)
    ]


def _page(rows: QuerySet[Any], request: StoreRequest, size: int) -> keyset.Page[Any]:
    try:
        return keyset.page(rows, cursor=request.GET.get("cursor", ""), size=size)
    except DomainError:
        return keyset.page(rows, size=size)


def _tabs(request: StoreRequest, here: str) -> list[dict[str, Any]]:
    closes = address(request, "closings")
    pages = (
        ("open", _("Still open"), closes),
        ("late", _("Overdue"), f"{closes}?tab=late"),
        ("done", _("Verified in every point"), f"{closes}?tab=done"),
        ("leftovers", _("Leftovers"), address(request, "leftovers")),
    )
    return [{"label": word, "url": url, "current": name == here, "count": None} for name, word, url in pages]


def _figures(request: StoreRequest) -> dict[str, Any]:
    """How much is still there, since when, on how many sites; one query."""
    still = Leftover.objects.filter(store_id=request.store.pk, cleared_at=None)
    return still.aggregate(
        n=Count("id"),
        oldest=Min("first_seen_at"),
        sites=Count("site", distinct=True),
        campaigns=Count("campaign", distinct=True),
    )


def _chosen(request: StoreRequest) -> list[int]:
    if request.POST.get("all") == "1":
        form = LeftoverForm(QueryDict(request.POST.get("filter", "")), request.store.pk)
        rows = hunting.matching(request.store.pk, form.wanted(), now=clock.now()).filter(cleared_at=None)
        return list(rows.values_list("pk", flat=True)[: active(ClosingRules, clock.now()).clear_max])
    return [
        int(pick) for pick in request.POST.getlist("pick") if pick.isascii() and pick.isdecimal() and len(pick) < 19
    ]


def _nothing(request: StoreRequest, form: LeftoverForm) -> Empty:
    if form.is_used():
        return Empty(kind="filtered", clear_url=address(request, "leftovers"))
    return Empty(
        kind="ok",
        title=_("Nothing is left of any stopped campaign"),
        text=_("Pages of stopped campaigns are read after each stop, and in turn for ever after."),
    )
