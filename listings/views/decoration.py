"""店铺装修: logo, banner and main category (R27)."""

from __future__ import annotations

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.forms import blame
from accounts.requests import StoreRequest
from accounts.rights import requires
from core.errors import DomainError
from core.forms import own_field
from core.returning import back_of
from listings import decorating
from listings.models import Category
from listings.views.common import address


class DecorationForm(forms.Form):
    """The three parts of the basic decoration."""

    logo = forms.CharField(
        label=_("Logo"), required=False, max_length=200, help_text=_("Address of a picture, at least 800 × 800.")
    )
    banner = forms.CharField(label=_("Banner"), required=False, max_length=200, help_text=_("Address of a picture."))
    main_category = forms.ChoiceField(
        label=_("Main category"), required=False, widget=forms.Select(attrs={"data-search": ""})
    )

    def __init__(self, *args: object, **extra: object) -> None:
        super().__init__(*args, **extra)  # type: ignore[arg-type]  # passed on as given
        tops = [(row.code, row.label) for row in Category.objects.filter(parent=None)]
        own_field(self, "main_category", forms.ChoiceField).choices = [("", _("Choose one")), *tops]


@requires("settings.manage")
def decoration(request: StoreRequest, store: str) -> HttpResponse:
    """What is there, what is missing; saved, the way leads back to the checklist that asked for it."""
    held = decorating.decoration_of(request.store)
    form = DecorationForm(request.POST or None, initial=held)
    back = back_of(request, f"/s/{request.store.slug}/")
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            try:
                decorating.decorate(request.store, form.cleaned_data, actor=request.actor)
            except DomainError as refusal:
                blame(form, refusal.errors, refusal.detail)
                status = refusal.status
            else:
                messages.success(request, _now("Saved."))
                return redirect(back or address(request, "decoration"))
    context = {"form": form, "back": back, "missing": [name for name, value in held.items() if not value]}
    return render(request, "listings/decoration.html", context, status=status)
