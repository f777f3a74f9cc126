"""Language sites: how far each is, another try for one that fails, the connection to a merchant's own server."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

import policies
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock
from core.errors import InvalidInput, NotFound
from policies.rules import PublishingRules
from publishing import sites as verbs
from publishing.addresses import PLACE, shop_path
from publishing.models import Publisher, Site
from publishing.refusing import refused_pages


@require_safe
@requires("listings.view")
def sites(request: StoreRequest, store: str) -> HttpResponse:
    """Every site: who publishes it, how many pages show the last change, what fails."""
    found = verbs.statuses(request.store)
    most = policies.active(PublishingRules, clock.now()).refused_pages_shown
    refused = refused_pages(request.store, limit=most) if any(status.refused for status in found) else {}
    rows = [
        {
            "status": status,
            "refused": refused.get(status.site.pk, []),
            "builtin": status.site.publisher == Publisher.BUILTIN,
            "shop_url": shop_path(store, status.site.code) if status.site.publisher == Publisher.BUILTIN else "",
        }
        for status in found
    ]
    may = {"retry": "listings.edit" in request.rights, "connect": "settings.manage" in request.rights}
    return render(request, "publishing/sites.html", {"rows": rows, "may": may})


@require_POST
@requires("listings.edit")
def retry(request: StoreRequest, store: str, site: str) -> HttpResponse:
    """Call a publisher to a site now."""
    try:
        verbs.retry(request.store, site, actor=request.actor)
    except NotFound as error:
        raise Http404(str(error)) from error
    notices.success(request, _("%(site)s is being told again.") % {"site": site})
    return redirect("publishing:sites", store=store)


class ConnectForm(forms.Form):
    """Where a merchant's own server takes signed JSON, and where buyers find its pages."""

    endpoint = forms.CharField(
        label=gettext_lazy("Address that takes signed JSON"),
        max_length=200,
        help_text=gettext_lazy("We send each change there with POST, signed as Standard Webhooks describe."),
    )
    page_url = forms.CharField(
        label=gettext_lazy("Address of a product page"),
        max_length=300,
        help_text=gettext_lazy("With {listing} where the listing's number goes: pages are checked there as buyers see them."),
    )  # fmt: skip


@require_http_methods(["GET", "HEAD", "POST"])
@requires("settings.manage")
def connect(request: StoreRequest, store: str, site: str) -> HttpResponse:
    """Let a merchant's own server publish a site; the new secret is shown once."""
    row = get_object_or_404(Site, store=request.store, code=site)
    form = ConnectForm(request.POST or None, initial={"endpoint": row.endpoint, "page_url": row.page_url})
    context: dict[str, Any] = {"site": row, "form": form, "place": PLACE}
    if request.method != "POST" or not form.is_valid():
        return render(request, "publishing/connect.html", context, status=422 if request.method == "POST" else 200)
    try:
        _site, secret = verbs.connect(request.store, site, **form.cleaned_data, actor=request.actor)
    except InvalidInput as error:
        for found in error.errors:
            form.add_error(found.field, str(found.message))
        return render(request, "publishing/connect.html", context, status=422)
    response = render(request, "publishing/connected.html", {"site": row, "secret": secret})
    response["Cache-Control"] = "no-store"
    return response


@require_POST
@requires("settings.manage")
def disconnect(request: StoreRequest, store: str, site: str) -> HttpResponse:
    """Let this installation publish a site again."""
    try:
        verbs.disconnect(request.store, site, actor=request.actor)
    except NotFound as error:
        raise Http404(str(error)) from error
    notices.success(request, _("%(site)s is published by this installation again.") % {"site": site})
    return redirect("publishing:sites", store=store)
