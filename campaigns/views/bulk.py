"""Bulk pause and resume: choose, confirm with a reason, read the result of every row (experience.md §3.3)."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import bulk
from campaigns.forms import CampaignFilterForm, ReasonForm
from campaigns.labels import campaign_name
from campaigns.models import BulkJob, Campaign
from campaigns.querysets import matching
from campaigns.views.common import address
from campaigns.views.lists import filter_of
from core import clock
from core.errors import DomainError
from policies import active
from policies.rules.campaigns import CampaignRules, ClosingRules

ACTIONS = ("pause", "resume")


@requires("campaigns.pause")
@require_POST
def start(request: StoreRequest, store: str) -> HttpResponse:
    """First submit: the frozen selection with a reason to choose. Second: do it and show the rows."""
    action = request.POST.get("action", "pause")
    if action not in ACTIONS:
        raise Http404("no such bulk action")
    chosen = _codes(request)
    form = ReasonForm(request.POST if "confirmed" in request.POST else None)
    form.fields["reason"].required = action == "pause"
    if chosen and "confirmed" in request.POST and form.is_valid():
        try:
            job = bulk.run(
                request.store,
                action,
                chosen,
                reason=form.cleaned_data["reason"],
                note=form.cleaned_data["note"],
                actor=request.actor,
            )
        except DomainError as refusal:
            form.add_error(None, str(refusal.detail))
        else:
            return redirect(address(request, "bulk_result", job=job.pk))
    rows = list(
        Campaign.objects.filter(
            store_id=request.store.pk, code__in=chosen[: active(CampaignRules, clock.now()).page_size]
        )
    )
    context = {
        "form": form,
        "action": action,
        "codes": chosen,
        "rows": [(row, campaign_name(row)) for row in rows],
        "more": len(chosen) - len(rows),
        "back_url": address(request, "list"),
    }
    status = 422 if form.errors or not chosen else 200
    return render(request, "campaigns/bulk_confirm.html", context, status=status)


def _codes(request: StoreRequest) -> list[str]:
    """The codes meant: the ticked ones, or all that match the list's filter at this moment; frozen from here on."""
    if request.POST.get("all") != "1":
        return list(dict.fromkeys(request.POST.getlist("pick")))
    query = QueryDict(request.POST.get("filter", ""))
    form = CampaignFilterForm(query, store=request.store)
    form.is_valid()
    rows = matching(request.store.pk, filter_of(form, query.get("tab", "")))
    return list(rows.values_list("code", flat=True)[: active(ClosingRules, clock.now()).bulk_max])


@requires("campaigns.view")
def result(request: HttpRequest, store: str, job: int) -> HttpResponse:
    """Row by row what was done, refused (and why) or failed; failed rows can be tried again as a new job."""
    found = BulkJob.objects.filter(pk=job).first()
    if found is None:
        raise Http404("no such bulk job in this store")
    names = {row.code: row for row in Campaign.objects.filter(code__in=found.codes)}
    rows = [
        {
            **row,
            "campaign": names.get(row["code"]),
            "name": campaign_name(names[row["code"]]) if row["code"] in names else "",
        }
        for row in found.results
    ]
    counts = {key: sum(1 for row in rows if row["result"] == key) for key in ("done", "refused", "failed")}
    again = [row["code"] for row in rows if row["result"] != "done" and row["campaign"] is not None]
    words = {"pause": _("Pause (can resume)"), "resume": _("Resume")}
    context = {
        "job": found,
        "rows": rows,
        "counts": counts,
        "again": again,
        "action_word": words.get(found.action, found.action),
    }
    return render(request, "campaigns/bulk_result.html", context)
