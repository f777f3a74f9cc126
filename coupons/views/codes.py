"""一次性券码: batches of single-use codes, their making, download, sealing, and the end of their use (R81)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

import policies
from accounts.forms import blame
from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock, csvfile, display
from core.downloads import announced
from core.errors import DomainError
from core.tables import Empty
from coupons import batches
from coupons.batch_forms import BatchForm
from coupons.batch_tables import BatchTable
from coupons.models import BatchState, CodeBatch, Coupon, CouponState
from coupons.views.common import address, find, page, problem_of
from listings.models import JobState
from policies.rules import ReachRules


@requires("coupons.view")
def show(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The batches; with the right to manage, a form for a further one."""
    coupon = find(request, code)
    if request.htmx:
        return render(request, "coupons/_batches.html", {"coupon": coupon, **_list(request, coupon)})
    return _page(request, coupon, BatchForm())


@requires("coupons.manage")
@require_POST
def make(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Have codes made."""
    coupon = find(request, code)
    form = BatchForm(request.POST)
    if not form.is_valid():
        return _page(request, coupon, form, status=422)
    try:
        batches.make(request.store, coupon.code, **form.cleaned_data, actor=request.actor)
    except DomainError as refusal:
        blame(form, refusal.errors, refusal.detail)
        return _page(request, coupon, form, status=refusal.status)
    messages.success(request, _("The codes are being made."))
    return HttpResponseRedirect(address(request, "codes", coupon))


@requires("coupons.manage")
def download(request: StoreRequest, store: str, code: str, batch: int) -> HttpResponseBase:
    """The codes of a batch as CSV, streamed."""
    coupon = find(request, code)
    if head := announced(request, csvfile.CONTENT_TYPE):
        return head
    try:
        codes = batches.export(request.store, coupon.code, batch, actor=request.actor)
    except DomainError as refusal:
        if refusal.status == 404:
            raise Http404("no such batch") from None
        context = {"problem": problem_of(refusal, request)}
        return _page(request, coupon, BatchForm(), status=refusal.status, more=context)
    return csvfile.response(with_head(codes), f"{coupon.code}-{batch}.csv")


def with_head(codes: Iterator[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The rows of the download."""
    yield ("code", "coupon")
    yield from codes


@requires("coupons.manage")
def seal(request: StoreRequest, store: str, code: str, batch: int) -> HttpResponse:
    """Ask, then seal a batch."""
    words = {
        "here": _("Seal a batch"),
        "question": _("Seal this batch?"),
        "lines": [
            _("Its codes go on working. Nobody can download them again, not even the installation's operator."),
            _("Seal it once the codes are where they are needed."),
        ],
        "button": _("Seal the batch"),
    }
    return _ask(request, find(request, code), batch, batches.seal, words, _("The batch is sealed."))


@requires("coupons.manage")
def withdraw(request: StoreRequest, store: str, code: str, batch: int) -> HttpResponse:
    """Ask, then take a batch out of use."""
    words = {
        "here": _("Take a batch out of use"),
        "question": _("Take this batch out of use for good?"),
        "lines": [_("Its unused codes work no more, at once. What was claimed with the others stays claimed.")],
        "button": _("Take it out of use"),
        "danger": True,
    }
    return _ask(request, find(request, code), batch, batches.withdraw, words, _("The batch is out of use."))


def _ask(
    request: StoreRequest,
    coupon: Coupon,
    batch_id: int,
    act: Callable[..., CodeBatch],
    words: dict[str, Any],
    done: str,
) -> HttpResponse:
    batch = batches.batches_of(coupon).filter(pk=batch_id).first()
    if batch is None:
        raise Http404("no such batch")
    figures = {
        "name": batch.name,
        "size": display.number(batch.size),
        "used": display.number(batches.used_of([batch.pk]).get(batch.pk, 0)),
    }
    words["lines"] = [_("%(name)s: %(size)s codes, %(used)s of them used.") % figures, *words["lines"]]
    status = 200
    if request.method == "POST":
        try:
            act(request.store, coupon.code, batch.pk, actor=request.actor)
        except DomainError as refusal:
            words["problem"], status = problem_of(refusal, request), refusal.status
        else:
            messages.success(request, done)
            return HttpResponseRedirect(address(request, "codes", coupon))
    return page(request, "coupons/batch_act.html", coupon, words, status)


def _page(
    request: StoreRequest, coupon: Coupon, form: BatchForm, *, status: int = 200, more: dict[str, Any] | None = None
) -> HttpResponse:
    over = coupon.state in (CouponState.EXPIRED, CouponState.VOIDED)
    context: dict[str, Any] = {
        "here": _("Single-use codes"),
        "form": form if "coupons.manage" in request.rights and not over else None,
        "bits": 5 * policies.active(ReachRules, clock.now()).code_length,
        **_list(request, coupon),
        **(more or {}),
    }
    return page(request, "coupons/codes.html", coupon, context, status)


def _list(request: StoreRequest, coupon: Coupon) -> dict[str, Any]:
    rows: list[Any] = list(batches.batches_of(coupon)[: batches.most_shown(clock.now())])
    used = batches.used_of([row.pk for row in rows])
    for row in rows:
        row.used, row.made = used.get(row.pk, 0), batches.made_of(row)
        row.failed = row.job is not None and row.job.state == JobState.FAILED
    table = BatchTable(rows)
    if "coupons.manage" not in request.rights:
        table.exclude = ("actions",)
    table.context = {"request": request}
    table.empty = Empty(
        kind="never",
        title=_("No single-use codes yet"),
        text=_("Codes for parcels, flyers or partners: each works once, and nobody can guess one."),
    )
    making = any(row.state == BatchState.MAKING and not row.failed for row in rows)
    return {"table": table, "making": making, "poll_url": address(request, "codes", coupon)}
