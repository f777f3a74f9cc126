"""店铺设置: what the store is called, and in which time zone its pages speak."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts import stores
from accounts.forms import blame
from accounts.models import Store
from accounts.problems import problem_context
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock, display, zones
from core.errors import DomainError, InvalidInput
from core.forms import at_version, own_field


class SettingsForm(forms.Form):
    """The settings that a store changes by itself."""

    name = forms.CharField(label=_("Name in English"), max_length=80)
    name_zh = forms.CharField(
        label=_("Name in Chinese"),
        max_length=80,
        required=False,
        help_text=_("The English name stands in for an empty one."),
    )
    time_zone = forms.ChoiceField(
        label=_("Time zone"),
        widget=forms.Select(attrs={"data-search": ""}),
        help_text=_("The distance from UTC is that of this moment; daylight saving time changes it."),
    )
    version = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, present: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        own_field(self, "time_zone", forms.ChoiceField).choices = zones.choices(clock.now(), present)


@requires("settings.manage")
def store_settings(request: StoreRequest, store: str) -> HttpResponse:
    """Change name and time zone; the page says what that does and what it leaves as it is."""
    shop = request.store
    held = {"name": shop.name, "name_zh": shop.name_zh, "time_zone": shop.time_zone, "version": shop.version}
    form = SettingsForm(request.POST or None, initial=held, present=shop.time_zone)
    context: dict[str, Any] = {"form": form, "shop": shop}
    status = 200
    if request.method == "POST":
        status = 422
        if form.is_valid():
            changes = dict(form.cleaned_data)
            version = changes.pop("version")
            try:
                saved = stores.edit_store(shop, changes, version=version, actor=request.actor)
            except InvalidInput as refused:
                blame(form, refused.errors, refused.detail)
            except DomainError as refused:
                status, context["problem"] = refused.status, problem_context(request, refused)["problem"]
                at_version(form, shop.version)
            else:
                _tell(request, shop, saved)
                return HttpResponseRedirect(request.path)
    return render(request, "accounts/settings.html", context, status=status)


def _tell(request: StoreRequest, before: Store, saved: Store) -> None:
    """What was done, in a sentence."""
    if saved.version == before.version:
        messages.info(request, _now("Nothing was different, so nothing was changed."))
    elif saved.time_zone != before.time_zone:
        now = clock.now()
        words = _now("Saved. Times are shown in %(zone)s (%(distance)s) from now on; nothing that runs has moved.")
        zone = display.zone(saved.time_zone)
        named = {"zone": display.zone_label(zone, now), "distance": display.zone_offset(zone, now)}
        messages.success(request, words % named)
    else:
        messages.success(request, _now("Saved."))
