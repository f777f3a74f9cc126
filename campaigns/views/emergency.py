"""The emergency stop of platform staff: any store's running campaign, off for buyers at once, past the guards, logged."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.problems import problem_context
from accounts.requests import SignedInRequest
from accounts.rights import staff_only
from campaigns import finding, guards, stopping
from campaigns.models import Campaign, CampaignState
from core.errors import DomainError, NotFound
from core.scopes import in_store


class FindForm(forms.Form):
    """Which campaign."""

    code = forms.CharField(label=_("Campaign code"), max_length=24, help_text=_("Such as C-7F3KQ; of any store."))


class EmergencyForm(forms.Form):
    """Why. The store reads it."""

    reason = forms.CharField(
        label=_("Reason"), max_length=400, widget=forms.Textarea(attrs={"rows": 3}), help_text=_("The store reads it.")
    )


@staff_only
def emergency_stop(request: SignedInRequest) -> HttpResponse:
    """GET finds the campaign and shows what stands in the way of its store; POST stops it."""
    typed = request.POST.get("code") or request.GET.get("code") or ""
    look = FindForm({"code": typed} if typed else None)
    campaign = None
    if typed and look.is_valid():
        try:
            campaign = finding.across(look.cleaned_data["code"])
        except NotFound as unknown:
            look.add_error("code", str(unknown.detail))
    if campaign is None:
        return render(request, "campaigns/emergency.html", {"look": look}, status=404 if typed else 200)
    with in_store(campaign.store_id):
        return _one(request, look, campaign)


def _one(request: SignedInRequest, look: FindForm, campaign: Campaign) -> HttpResponse:
    form, status, problem = EmergencyForm(request.POST or None), 200, None
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                stopping.emergency_stop(
                    campaign.store, campaign.code, reason=form.cleaned_data["reason"], actor=request.actor
                )
            except DomainError as refusal:
                status, problem = refusal.status, problem_context(request, refusal)["problem"]
            else:
                messages.success(request, _now("Stopped: off for buyers at once. The store is told."))
                return HttpResponseRedirect(f"{reverse('platform_emergency')}?code={campaign.code}")
    campaign.refresh_from_db()
    check = guards.close_check(campaign.store, campaign, "pause", actor=request.actor)
    context = {
        "look": look,
        "form": form,
        "campaign": campaign,
        "shop": campaign.store,
        "problem": problem,
        "passed_over": [row for row in check.guards if row.blocks and row.code not in guards.CHECKED_BY_VERBS],
        "impact": check.impact.as_dict(),
        "can_stop": campaign.state == CampaignState.RUNNING,
    }
    return render(request, "campaigns/emergency.html", context, status=status)
