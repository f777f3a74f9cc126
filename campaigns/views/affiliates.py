"""联盟营销中心: affiliate plans, made, paused, resumed (R29)."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import affiliates
from campaigns.models import AffiliatePlan, Campaign
from campaigns.plan_forms import PlanForm
from campaigns.tables import PlanTable
from campaigns.views.common import address
from core import clock, keyset
from core.errors import DomainError
from core.returning import back_of
from core.tables import Empty
from policies import active
from policies.rules import CampaignRules


@requires("campaigns.view")
def plan_list(request: StoreRequest, store: str) -> HttpResponse:
    """The store's plans, newest first."""
    rows, size = affiliates.plans_of(request.store), active(CampaignRules, clock.now()).page_size
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=size)
    except DomainError:
        found = keyset.page(rows, size=size)
    back = back_of(request, f"/s/{request.store.slug}/")
    table = PlanTable(found.rows)
    table.context = {"request": request, "store": request.store, "back": back}
    can = "campaigns.edit" in request.rights
    table.empty = Empty(
        kind="never",
        title=_("No affiliate plans yet"),
        text=_(
            "A plan lets partners promote campaigns for a commission. While it runs, its campaigns cannot be cancelled permanently."
        ),
        action_url=address(request, "new_affiliate") if can else "",
        action_label=_("New affiliate plan") if can else "",
    )
    return render(request, "campaigns/affiliates.html", {"table": table, "pages": found, "back": back})


@requires("campaigns.edit")
def create(request: StoreRequest, store: str) -> HttpResponse:
    """A new plan; it runs at once."""
    choices = Campaign.objects.filter(
        store=request.store, state__in=affiliates.PROMOTABLE, ends_at__gt=clock.now()
    ).order_by("-id")[: active(CampaignRules, clock.now()).plan_campaigns]
    form = PlanForm(
        request.POST or None, campaigns=list(choices), initial={"campaigns": request.GET.getlist("campaign")}
    )
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            try:
                affiliates.create_plan(
                    request.store, name=data["name"], campaigns=data["campaigns"], actor=request.actor
                )
            except DomainError as refusal:
                status = refusal.status
                for item in refusal.errors:
                    form.add_error(item.field.partition(".")[0], str(item.message))
                if not refusal.errors:
                    form.add_error(None, str(refusal.detail))
            else:
                messages.success(
                    request, _("The plan runs. Its campaigns cannot be cancelled permanently while it does.")
                )
                return redirect(address(request, "affiliates"))
    context = {"form": form, "back_url": address(request, "affiliates")}
    return render(request, "campaigns/affiliate_form.html", context, status=status)


@requires("campaigns.pause")
@require_POST
def pause(request: StoreRequest, store: str, plan: int) -> HttpResponse:
    """Pause a plan, then back to the checklist that asked for it, or to the list."""
    found = affiliates.pause_plan(request.store, plan, actor=request.actor)
    messages.success(request, _("The affiliate plan “%(name)s” is paused.") % {"name": found.name})
    return _onward(request, found)


@requires("campaigns.pause")
@require_POST
def resume(request: StoreRequest, store: str, plan: int) -> HttpResponse:
    """Let a plan run again."""
    found = affiliates.resume_plan(request.store, plan, actor=request.actor)
    messages.success(request, _("The affiliate plan “%(name)s” runs again.") % {"name": found.name})
    return _onward(request, found)


def _onward(request: StoreRequest, plan: AffiliatePlan) -> HttpResponse:
    back = back_of(request, f"/s/{request.store.slug}/")
    return redirect(back or f"{address(request, 'affiliates')}#plan-{plan.pk}")
