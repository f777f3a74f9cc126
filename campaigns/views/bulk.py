"""Many at once: choose, think, confirm, watch, read the answer of every row, try again what failed.

The bar of the list leads to a stop page that asks the same question as for one campaign; the permanent cancel of many is another page with
another right, another form and a token of its own, behind it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.core.paginator import Paginator
from django.core.signing import BadSignature, TimestampSigner
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import bulk, bulk_preview, form_tokens
from campaigns.edges import sources
from campaigns.forms import BulkCancelForm, BulkForm, CampaignFilterForm, StopAllForm, blame_typed
from campaigns.labels import BULK_ACTIONS
from campaigns.models import BulkJob, BulkScope, BulkState, Campaign, CampaignState
from campaigns.querysets import matching
from campaigns.views.common import address, problem_of
from campaigns.views.lists import filter_of
from core import clock, keyset
from core.errors import Conflict, DomainError, NotFound
from core.returning import to_row, with_back
from inbox.catalogue import retold
from policies import active
from policies.rules.campaigns import CampaignRules, ClosingRules

_signer = TimestampSigner(salt="campaigns.bulk-form")
_LONGEST = 200  # of one value of a filter; a longer one is none, in the list too


@requires("campaigns.pause")
@require_POST
def start(request: StoreRequest, store: str) -> HttpResponse:
    """Freeze the selection: the ticked rows, or all that match the list's filter at this moment."""
    action = request.POST.get("action", "pause")
    if action not in ("pause", "resume"):
        raise NotFound(_("The list offers no such action for many campaigns."))
    everything = request.POST.get("all") == "1"
    query = _known(request.POST.get("filter", "")) if everything else ""
    chosen = _matching(request, query) if everything else list(dict.fromkeys(request.POST.getlist("pick")))
    scope = BulkScope.MATCHING if everything else BulkScope.CHOSEN
    try:
        job = bulk.choose(request.store, action, chosen, scope=scope, filter=query, actor=request.actor)
    except DomainError as refusal:
        context = {"problem": problem_of(refusal, request), "back_url": address(request, "list")}
        return render(request, "campaigns/bulk_none.html", context, status=refusal.status)
    return redirect(address(request, "bulk_confirm", job=job.pk))


def _known(query: str) -> str:
    """A query string with what the list reads of it and nothing else, so that no part of the filter can be cut off."""
    given = QueryDict(query)
    names = [*CampaignFilterForm.base_fields, "tab"]
    return urlencode([(name, given[name][:_LONGEST]) for name in names if given.get(name)])


def _matching(request: StoreRequest, query: str) -> list[str]:
    given = QueryDict(query)
    form = CampaignFilterForm(given, store=request.store)
    form.is_valid()
    rows = matching(request.store.pk, filter_of(form, given.get("tab", "")))
    most = active(ClosingRules, clock.now()).bulk_job_max
    return list(rows.values_list("code", flat=True)[: most + 1])


@requires("campaigns.pause")
def confirm(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """The stop page of many: pause them, or go on to the checks of the permanent cancel. For a resume: one question without a reason."""
    draft = bulk.get(request.store, job)
    if draft.state != BulkState.DRAFT:
        return redirect(address(request, "bulk_result", job=draft.pk))
    _ensure_own(request, draft, ("pause", "resume"))
    form = BulkForm(request.POST if request.method == "POST" else None, action=draft.action)
    if request.method != "POST" or not form.is_valid():
        return _confirm_page(request, draft, form, 422 if form.is_bound else 200)
    try:
        _token(request, form.cleaned_data["form_token"], draft.action, draft.pk)
        data = form.cleaned_data
        done = bulk.confirm(
            request.store, draft.pk, action=draft.action, reason=data.get("reason", ""), note=data.get("note", ""),
            freeze_claimed=data.get("freeze_claimed", False), actor=request.actor,
        )  # fmt: skip
    except DomainError as refusal:
        return _confirm_page(request, draft, form, refusal.status, problem=problem_of(refusal, request))
    return redirect(address(request, "bulk_result", job=done.pk))


def _confirm_page(request: StoreRequest, draft: BulkJob, form: BulkForm, status: int, **extra: Any) -> HttpResponse:
    now = clock.now()
    rules = active(ClosingRules, now)
    found = bulk_preview.preview(request.store, draft, shown=active(CampaignRules, now).page_size, now=now)
    context = {
        "form": form,
        "job": draft,
        "preview": found,
        "form_token": _sign(request, draft.action, draft.pk),
        "may_cancel": "campaigns.cancel" in request.rights,
        "cancel_max": rules.bulk_cancel_max,
        "few_enough": draft.total <= rules.bulk_cancel_max,
        "cancel_url": address(request, "bulk_cancel", job=draft.pk),
        "via": form_tokens.stop_pass(user_id=request.user.pk, code=f"bulk:{draft.pk}"),
        "back_url": address(request, "list"),
        **extra,
    }
    return render(request, "campaigns/bulk_confirm.html", context, status=status)


@requires("campaigns.cancel")
def cancel(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """The permanent cancel of up to `bulk_cancel_max`: each row's checks, the typed number. Reached through the stop page of many only.

    The job is frozen over those that no check blocks; the others are named and left as they are.
    """
    draft = bulk.get(request.store, job)
    if draft.state != BulkState.DRAFT:
        return redirect(address(request, "bulk_result", job=draft.pk))
    _ensure_own(request, draft, ("pause",))
    stop_url = address(request, "bulk_confirm", job=draft.pk)
    if request.method != "POST":
        sign = request.GET.get("via", "")
        few = draft.total <= active(ClosingRules, clock.now()).bulk_cancel_max
        came = form_tokens.came_through_stop(sign, user_id=request.user.pk, code=f"bulk:{draft.pk}")
        if not few or not came:
            return redirect(stop_url)
        rows = _checked(request, draft)
        clear = [one.campaign.code for one in rows if not one.blockers]
        frozen = None
        if clear:
            frozen = bulk.choose(
                request.store, "cancel", clear, scope=draft.scope, filter=draft.filter, actor=request.actor
            )
        return _cancel_page(request, draft, frozen, BulkCancelForm(), 200, rows=rows)
    form = BulkCancelForm(request.POST)
    valid = form.is_valid()
    frozen = _of_token(request, form.cleaned_data.get("form_token", ""), "cancel")
    if not valid:
        return _cancel_page(request, draft, frozen, form, 422)
    data = form.cleaned_data
    try:
        done = bulk.confirm(
            request.store, frozen.pk, action="cancel", reason=data["reason"], note=data["note"],
            confirm_count=data["confirm_count"], actor=request.actor,
        )  # fmt: skip
    except DomainError as refusal:
        return _refused(request, form, refusal, lambda **extra: _cancel_page(request, draft, frozen, form, **extra))
    return redirect(address(request, "bulk_result", job=done.pk))


def _checked(request: StoreRequest, draft: BulkJob) -> list[bulk_preview.Checked]:
    codes = list(draft.rows.order_by("position").values_list("code", flat=True))
    return bulk_preview.checked(request.store, codes, actor=request.actor, now=clock.now())


def _cancel_page(
    request: StoreRequest,
    draft: BulkJob,
    frozen: BulkJob | None,
    form: BulkCancelForm,
    status: int,
    rows: list[bulk_preview.Checked] | None = None,
    **extra: Any,
) -> HttpResponse:
    """`frozen` holds what will be cancelled; None when nothing can be."""
    codes = set(frozen.rows.values_list("code", flat=True)) if frozen else set()
    found = _checked(request, draft) if rows is None else rows
    going = [one for one in found if one.campaign.code in codes]
    context = {
        "form": form,
        "job": frozen,
        "going": going,
        "left": [(one, _ways_to_mend(request, draft, one)) for one in found if one.campaign.code not in codes],
        "may_pause": any(one.campaign.state in sources("pause") for one in found),
        "coupons": sum(one.impact.coupons for one in going),
        "unused": sum(one.impact.claimed_unused for one in going),
        "share": bulk_preview.share_of(request.store, sorted(codes), now=clock.now()),
        "form_token": _sign(request, "cancel", frozen.pk) if frozen else "",
        "stop_url": address(request, "bulk_confirm", job=draft.pk),
        "back_url": address(request, "list"),
        **extra,
    }
    return render(request, "campaigns/bulk_cancel.html", context, status=status)


def _ways_to_mend(request: StoreRequest, draft: BulkJob, one: bulk_preview.Checked) -> list[dict[str, Any]]:
    """Where a row's blockers can be mended; each leads back to these checks, at this row, looked at again (R33)."""
    via = form_tokens.stop_pass(user_id=request.user.pk, code=f"bulk:{draft.pk}")
    here = f"{address(request, 'bulk_cancel', job=draft.pk)}?{urlencode({'via': via})}"
    back = to_row(here, one.campaign.code)
    return [{"label": fix.label, "url": with_back(fix.url, back)} for fix in one.fixes]


@requires("campaigns.pause")
def stop_all(request: StoreRequest, store: str) -> HttpResponse:
    """One reason pauses everything that runs. The number is typed, and counted again at the moment of the submit."""
    if request.method != "POST":
        draft = bulk.choose(request.store, "pause", (), scope=BulkScope.LIVE, actor=request.actor)
        return _stop_all_page(request, draft, StopAllForm(), 200)
    form = StopAllForm(request.POST)
    valid = form.is_valid()
    draft = _of_token(request, form.cleaned_data.get("form_token", ""), "pause")
    if not valid:
        return _stop_all_page(request, draft, form, 422)
    data = form.cleaned_data
    try:
        done = bulk.confirm(
            request.store, draft.pk, action="pause", reason=data["reason"], note=data["note"],
            freeze_claimed=data["freeze_claimed"], confirm_count=data["confirm_count"], actor=request.actor,
        )  # fmt: skip
    except DomainError as refusal:
        return _refused(request, form, refusal, lambda **extra: _stop_all_page(request, draft, form, **extra))
    return redirect(address(request, "bulk_result", job=done.pk))


def _stop_all_page(request: StoreRequest, draft: BulkJob, form: StopAllForm, status: int, **extra: Any) -> HttpResponse:
    now = clock.now()
    running = bulk.running_codes(request.store, now)
    waiting = Campaign.objects.filter(store_id=request.store.pk, state=CampaignState.SCHEDULED)
    context = {
        "form": form,
        "running": len(running),
        "share": bulk_preview.share_of(request.store, running, now=now),
        "linked": bulk_preview.linked_to(request.store, running),
        "scheduled": waiting.count(),
        "scheduled_url": address(request, "list") + f"?state={CampaignState.SCHEDULED}",
        "form_token": _sign(request, "pause", draft.pk),
        "back_url": address(request, "list"),
        **extra,
    }
    return render(request, "campaigns/stop_all.html", context, status=status)


@requires("campaigns.view")
def jobs(request: StoreRequest, store: str) -> HttpResponse:
    """批量任务: what was done to many at once, newest first."""
    rows = BulkJob.objects.filter(store_id=request.store.pk).exclude(state=BulkState.DRAFT).select_related("created_by")
    size = active(CampaignRules, clock.now()).page_size
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=size)
    except DomainError:
        found = keyset.page(rows, size=size)
    tallies = bulk.counts_of(found.rows)
    shown = [{"job": row, "word": _word(row), "counts": tallies[row.pk]} for row in found.rows]
    return render(request, "campaigns/bulk_jobs.html", {"rows": shown, "pages": found})


@requires("campaigns.view")
def result(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """How far it is, and row by row what was done, refused (and why) or failed."""
    return render(request, "campaigns/bulk_result.html", _result(request, job))


@requires("campaigns.view")
def live(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """The part of the result that asks again while the job is at work."""
    return render(request, "campaigns/_bulk_live.html", _result(request, job))


def _result(request: StoreRequest, job_id: int) -> dict[str, Any]:
    job = bulk.get(request.store, job_id)
    if job.state == BulkState.DRAFT:
        raise NotFound(_("There is no such job in this store."))
    tally = bulk.counts(job)
    show = request.GET.get("show", "")
    show = show if show in ("done", "refused", "failed") else ""
    rows = job.rows.filter(result=show) if show else job.rows.exclude(result="")
    pages = Paginator(rows.order_by("position"), active(CampaignRules, clock.now()).page_size)
    pages.count = tally[show] if show else job.total - tally["open"]
    page = pages.get_page(request.GET.get("page"))
    shown = list(page.object_list)
    known = {row.code: row for row in Campaign.objects.filter(code__in=[row.code for row in shown])}
    answered = job.total - tally["open"]
    base = address(request, "bulk_result", job=job.pk)
    query = urlencode({key: value for key, value in (("show", show), ("page", request.GET.get("page", ""))) if value})
    words = (("", _("All"), answered), ("done", _("Done"), tally["done"]), ("refused", _("Refused"), tally["refused"]),
             ("failed", _("Failed"), tally["failed"]))  # fmt: skip
    return {
        "job": job,
        "action_word": _word(job),
        "open": job.state != BulkState.DONE,
        "answered": answered,
        "percent": answered * 100 // job.total if job.total else 100,
        "counts": tally,
        "frozen": bulk.frozen_of(job),
        "rows": [
            {"row": row, "campaign": _visible(known.get(row.code), row.error), "told": _told(row.error, job)}
            for row in shown
        ],
        "pages": page,
        "tabs": [
            {"label": word, "url": f"{base}?show={key}" if key else base, "current": show == key, "count": count}
            for key, word, count in words
        ],
        "live_url": address(request, "bulk_live", job=job.pk) + (f"?{query}" if query else ""),
        "may_retry": job.state == BulkState.DONE
        and tally["refused"] + tally["failed"] > 0
        and "campaigns.pause" in request.rights,
        "may_resume": job.state == BulkState.DONE
        and job.action == "pause"
        and tally["done"] > 0
        and "campaigns.pause" in request.rights,
    }


def _told(error: Any, job: BulkJob) -> str:
    """Why a row was not done: it was said in the language of whoever started the job."""
    return retold(error["code"], error["message"], job.language or "en") if error else ""


def _visible(campaign: Campaign | None, error: Any) -> Campaign | None:
    """The campaign of a row, unless the answer is that the person may not know of it."""
    return None if error and error.get("code") in ("ERR_NOT_FOUND", "ERR_PERMISSION") else campaign


@requires("campaigns.pause")
@require_POST
def retry(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """What was refused or failed becomes a new selection; a cancel begins at the stop page again."""
    draft = bulk.retry(request.store, job, actor=request.actor)
    return redirect(address(request, "bulk_confirm", job=draft.pk))


@requires("campaigns.pause")
@require_POST
def resume(request: StoreRequest, store: str, job: int) -> HttpResponse:
    """What a bulk pause has paused becomes a selection to resume."""
    paused = bulk.get(request.store, job)
    codes = list(paused.rows.filter(result="done").order_by("position").values_list("code", flat=True))
    draft = bulk.choose(request.store, "resume", codes, scope=BulkScope.CHOSEN, actor=request.actor)
    return redirect(address(request, "bulk_confirm", job=draft.pk))


def _word(job: BulkJob) -> str:
    return _("Stop all: pause everything that runs") if job.scope == BulkScope.LIVE else str(BULK_ACTIONS[job.action])


def _ensure_own(request: StoreRequest, draft: BulkJob, actions: tuple[str, ...]) -> None:
    """A selection is its maker's own: 404 for anybody else, and for one of another action."""
    if draft.created_by_id != request.user.pk or draft.action not in actions or draft.scope == BulkScope.LIVE:
        raise NotFound(_("There is no such selection in this store."))


def _sign(request: HttpRequest, action: str, job_id: int) -> str:
    """A token of one form: this person, this action, this frozen selection."""
    return _signer.sign(f"{request.user.pk}:{action}:{job_id}")


def _token(request: HttpRequest, token: str, action: str, job_id: int | None = None) -> int:
    """The selection a token is for. Raises Conflict ERR_FORM_TOKEN (409) for one of another form, person or selection, or an old one."""
    age = active(ClosingRules, clock.now()).form_token_ttl
    try:
        person, found, number = _signer.unsign(token, max_age=age).split(":")
    except (BadSignature, ValueError):
        person, found, number = "", "", "0"
    if person != str(request.user.pk) or found != action or (job_id is not None and int(number) != job_id):
        raise Conflict("ERR_FORM_TOKEN", _("This form is not valid any more. Load the page again and repeat the step."))
    return int(number)


def _of_token(request: StoreRequest, token: str, action: str) -> BulkJob:
    return bulk.get(request.store, _token(request, token, action))


def _refused(request: StoreRequest, form: Any, refusal: DomainError, again: Any) -> HttpResponse:
    """A wrong number belongs to its field; anything else stands above the form."""
    if any(item.field == "confirm_count" for item in refusal.errors):
        blame_typed(form, "confirm_count", str(refusal.errors[0].message))
        return again(status=422)
    return again(status=refusal.status, problem=problem_of(refusal, request))
