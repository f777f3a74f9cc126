"""The audit log for platform staff: of the installation itself (signing in, rules, stores), and of any store."""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_safe

from accounts.models import Store, User
from accounts.requests import SignedInRequest
from accounts.rights import staff_only
from audit import reading
from backoffice.pages.audit import AuditFilter, listed, members_of, proof_file, shown_whole
from core import clock, display
from policies import active
from policies.rules import AuditRules


class PlatformFilter(AuditFilter):
    """The filter with the store whose entries are meant; without one those of the installation."""

    field_order = ["store"]
    store = forms.CharField(label=gettext_lazy("Store's short name"), required=False, max_length=80)


@require_safe
@staff_only
def events(request: SignedInRequest) -> HttpResponse:
    """The record of one store, or of none, newest first."""
    rules = active(AuditRules, clock.now())
    slug = request.GET.get("store", "").replace("\x00", "").strip()
    store = Store.objects.filter(slug=slug).first() if slug else None
    zone: tzinfo = display.zone(store.time_zone) if store else UTC
    staff = [(str(one.pk), one.label) for one in User.objects.filter(is_platform_staff=True).order_by("name", "pk")]
    people = dict([*staff, *members_of(store.pk)] if store else staff)
    form = PlatformFilter(request.GET, rules, zone, people.items())
    rows = reading.of_store(store.pk if store else None, form.wanted())
    if slug and store is None:
        form.add_error("store", _("There is no store of this short name."))
        rows = rows.none()
    context = listed(request, rows, form, zone, rules) | {
        "shop": store,
        "filtered": bool(slug) or form.is_used(),
        "section": _("Platform staff"),
        "clear_url": reverse("platform_audit"),
    }
    return render(request, "audit/list.html", context)


@require_safe
@staff_only
def entry(request: SignedInRequest, event_id: int) -> HttpResponse:
    """One entry, whole, with its proof."""
    event = reading.of_number(event_id)
    if event is None:
        raise Http404
    shop = Store.objects.filter(pk=event.store_id).first() if event.store_id else None
    back = reverse("platform_audit") + (f"?store={shop.slug}" if shop else "")
    links: dict[str, Any] = {"list_url": back, "section": _("Platform staff"), "shop": shop}
    links["proof_url"] = reverse("platform_audit_proof", kwargs={"event_id": event_id})
    zone: tzinfo = display.zone(shop.time_zone) if shop else UTC
    return render(request, "audit/entry.html", shown_whole(event, zone) | links)


@require_safe
@staff_only
def proof(request: SignedInRequest, event_id: int) -> HttpResponse:
    """The proof as a file for a third party."""
    if reading.of_number(event_id) is None:
        raise Http404
    return proof_file(event_id)
