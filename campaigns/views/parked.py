"""等待中的停止: the closes that wait for their checks, and what became of those that do not wait any more."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import guards, parking
from campaigns.labels import STOPS
from campaigns.models import ParkedClose
from campaigns.views.common import address
from core import clock, keyset
from core.errors import DomainError
from inbox.catalogue import lookup, retold
from policies import active
from policies.rules.campaigns import CampaignRules


@requires("campaigns.view")
def parked_list(request: StoreRequest, store: str) -> HttpResponse:
    """The list; what still waits unless all are asked for."""
    everything = request.GET.get("show") == "all"
    rows = ParkedClose.objects.filter(store_id=request.store.pk).select_related("campaign", "created_by")
    rows = rows if everything else rows.filter(state__in=ParkedClose.OPEN)
    size = active(CampaignRules, clock.now()).page_size
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=size)
    except DomainError:
        found = keyset.page(rows, size=size)
    base = address(request, "parked")
    context = {
        "rows": [_row(request, row) for row in found.rows],
        "pages": found,
        "everything": everything,
        "tabs": [
            {"label": _("Waiting"), "url": base, "current": not everything, "count": None},
            {"label": _("All"), "url": f"{base}?show=all", "current": everything, "count": None},
        ],
    }
    return render(request, "campaigns/parked.html", context)


def _row(request: StoreRequest, row: ParkedClose) -> dict[str, Any]:
    known = [lookup(code) for code in row.blockers]
    return {
        "parked": row,
        "word": STOPS[row.action],
        "blockers": [one.title for one in known if one is not None],
        "told": retold(row.outcome["code"], row.outcome["message"], parking.LANGUAGE) if row.outcome else "",
        "may_withdraw": row.is_open and guards.RIGHTS[row.action] in request.rights,
    }


@requires("campaigns.pause")
@require_POST
def withdraw(request: StoreRequest, store: str, parked: int) -> HttpResponse:
    """Let it wait no longer."""
    done = parking.withdraw(request.store, parked, actor=request.actor)
    messages.success(request, _("It waits no longer; the campaign stays as it is."))
    return redirect(address(request, "detail", done.campaign))
