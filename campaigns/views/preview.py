"""What buyers will pay at a moment to come, before anything happens."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns.forecasting import prices_at
from campaigns.models import Campaign, CampaignItem
from campaigns.views.common import find, page
from core import clock, display
from core.forms import MomentField, own_field
from policies import active
from policies.rules.campaigns import CampaignRules


class MomentForm(forms.Form):
    """Which moment."""

    at = MomentField(label=_("Moment"), required=False)


@requires("campaigns.view")
@require_safe
def prices(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The products of a campaign with the price of a chosen moment, and which campaign sets it."""
    campaign = find(request, code)
    now = clock.now()
    first = max(now, campaign.starts_at)
    form = MomentForm(request.GET if "at" in request.GET else None, initial={"at": first})
    own_field(form, "at", MomentField).zone = display.zone(request.store.time_zone)
    at: datetime = (form.cleaned_data["at"] if form.is_bound and form.is_valid() else None) or first
    rows = (
        CampaignItem.objects.filter(campaign=campaign, ended_at=None)
        .select_related("sku", "listing", "campaign")
        .order_by("id")
    )
    pages = Paginator(rows, active(CampaignRules, now).page_size)
    current = pages.get_page(request.GET.get("page"))
    context: dict[str, Any] = {
        "form": form,
        "at": at,
        "rows": prices_at(campaign, list(current.object_list), at),
        "pages": current,
        "inside": campaign.starts_at <= at < campaign.ends_at,
        "moments": _moments(request, campaign, now),
    }
    return page(request, "campaigns/prices.html", campaign, context, status=422 if form.errors else 200)


def _moments(request: StoreRequest, campaign: Campaign, now: datetime) -> list[dict[str, Any]]:
    """Moments that are worth a look: now, the start, the end (when it is over), as the form writes them."""
    zone = display.zone(request.store.time_zone)
    wanted = [(_("Now"), now), (_("At its start"), campaign.starts_at), (_("At its end"), campaign.ends_at)]
    return [{"label": label, "at": display.stamp(moment.astimezone(zone))} for label, moment in wanted if moment >= now]
