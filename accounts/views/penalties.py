"""Penalties, for platform staff: a store's ledger, and the form that adds to it (R28)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

import policies
from accounts import penalties, stores
from accounts.forms import blame
from accounts.models import PenaltyKind
from accounts.requests import SignedInRequest
from accounts.rights import staff_only
from core import clock, keyset
from core.errors import DomainError
from core.scopes import in_store
from policies.rules import PenaltyRules


class PenaltyForm(forms.Form):
    """What the penalty is, how long or how many points, and what for."""

    kind = forms.ChoiceField(label=_("Penalty"), choices=PenaltyKind.choices, widget=forms.RadioSelect)
    days = forms.IntegerField(
        label=_("Days of the block"), required=False, help_text=_("Empty: as many as the rules say.")
    )
    points = forms.IntegerField(label=_("Points"), required=False)
    reason = forms.CharField(label=_("Reason"), max_length=penalties.REASON, help_text=_("The store reads it."))


@staff_only
def staff_penalties(request: SignedInRequest, slug: str) -> HttpResponse:
    """The ledger of a store, and a new penalty."""
    store = stores.find(slug)
    rules = policies.active(PenaltyRules, clock.now())
    form = PenaltyForm(request.POST or None, initial={"kind": PenaltyKind.ENROLMENT_BLOCK, "days": rules.block_days})
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            data = form.cleaned_data
            ours = "days" if data["kind"] == PenaltyKind.ENROLMENT_BLOCK else "points"
            given = {"kind": data["kind"], "reason": data["reason"], ours: data[ours]}
            try:
                penalties.issue(slug, **given, actor=request.actor)
            except DomainError as refusal:
                blame(form, refusal.errors, refusal.detail)
                status = refusal.status
            else:
                messages.success(request, _now("Issued. The store is told."))
                return HttpResponseRedirect(request.path)
    with in_store(store.pk):
        rows = penalties.ledger_of(store)
        try:
            found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
        except DomainError:
            found = keyset.page(rows, size=rules.page_size)
        context = {
            "shop": store,
            "form": form,
            "pages": found,
            "rules": rules,
            "standing": penalties.standing_of(store, clock.now()),
        }
        return render(request, "accounts/staff_penalties.html", context, status=status)
