"""使用明细: the usage tab and its export (R74)."""

from __future__ import annotations

from typing import Any

from django.http import FileResponse, HttpResponse
from django.http.response import HttpResponseBase
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock, display
from core.downloads import announced
from core.errors import DomainError, InvalidInput
from core.tables import Empty
from coupons import usage, usage_export
from coupons.models import Coupon
from coupons.usage import Status
from coupons.usage_tables import UsageTable
from coupons.views.common import address, find, page, problem_of
from coupons.watch_forms import UsageForm
from policies import active
from policies.rules import CouponRules

FORMS = {"csv": "text/csv; charset=utf-8", "xlsx": usage_export.XLSX}


@require_safe
@requires("coupons.view")
def show(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Claimed, redeemed, void and refused rows. Filters are the address, so that a link restores the page."""
    return _show(request, find(request, code))


def _show(
    request: StoreRequest, coupon: Coupon, problem: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    rules = active(CouponRules, clock.now())
    form = _form(request, coupon)
    wanted = form.wanted(request.GET.get("status", ""))
    try:
        found = usage.page(coupon, wanted, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except InvalidInput:
        found = usage.page(coupon, wanted, size=rules.page_size)
    counts = usage.counts(coupon, wanted, limit=rules.count_limit + 1)
    total = sum(counts[kind] for kind in wanted.statuses)
    table = UsageTable(
        found.rows, coupon=coupon, zone=display.zone(request.store.time_zone), order_url=_order_url(request)
    )
    table.context = {"request": request}
    filtered = any(request.GET.get(name) for name in (*form.fields, "status"))
    table.empty = _empty(request, coupon, filtered)
    context: dict[str, Any] = {
        "here": _("Usage details"),
        "form": form,
        "table": table,
        "kinds": _kinds(request, counts, rules.count_limit),
        "kind": wanted.status,
        "pages": found,
        "total": total if total <= rules.count_limit else None,
        "clear_url": address(request, "usage", coupon),
        "exports": _exports(request, coupon) if usage_export.RIGHT in request.rights else (),
        "problem": problem,
    }
    return page(request, "coupons/usage.html", coupon, context, status)


@require_safe
@requires("insights.export")
def download(request: StoreRequest, store: str, code: str) -> HttpResponseBase:
    """The rows of the query string as a file; `format` is csv or xlsx."""
    coupon = find(request, code)
    form = request.GET.get("format", "csv")
    form = form if form in FORMS else "csv"
    if head := announced(request, FORMS[form]):
        return head
    wanted = _form(request, coupon).wanted(request.GET.get("status", ""))
    try:
        path, _rows = usage_export.export(request.store, coupon.code, wanted, form, actor=request.actor)
    except DomainError as error:
        return _show(request, coupon, problem_of(error, request), error.status)
    file = path.open("rb")
    path.unlink()
    name = usage_export.file_name(coupon.code, form, clock.now(), request.store)
    answer = FileResponse(file, as_attachment=True, filename=name, content_type=FORMS[form])
    answer["Cache-Control"] = "no-store"
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


def _form(request: StoreRequest, coupon: Coupon) -> UsageForm:
    return UsageForm(request.GET or None, store=request.store, codes=usage.codes_of(coupon))


def _order_url(request: StoreRequest) -> Any:
    """Where an order is shown; nowhere for a reader without the right."""
    if "orders.view" not in request.rights:
        return lambda _code: ""
    return lambda code: reverse("orders:detail", kwargs={"store": request.store.slug, "code": code})


def _kinds(request: StoreRequest, counts: dict[str, int], limit: int) -> list[dict[str, Any]]:
    """The status filter as tabs, each with how many rows it holds under the other filters."""
    query = request.GET.copy()
    for name in ("cursor", "status"):
        query.pop(name, None)

    def link(status: str) -> str:
        given = query.copy()
        if status:
            given["status"] = status
        return f"?{given.urlencode()}"

    chosen = request.GET.get("status", "")
    tabs = [{"label": _("All"), "url": link(""), "current": chosen not in Status.values, "count": None}]
    for status in Status:
        count = counts[status]
        if count or status != Status.VOIDED or chosen == status:
            label = str(status.label) if count <= limit else f"{status.label} {display.number(limit)}+"
            shown = count if count <= limit else None
            tabs.append({"label": label, "url": link(status), "current": chosen == status, "count": shown})
    return tabs


def _exports(request: StoreRequest, coupon: Coupon) -> list[tuple[str, str]]:
    query = request.GET.copy()
    query.pop("cursor", None)
    found = []
    for form, label in (("csv", _("Export CSV")), ("xlsx", _("Export Excel"))):
        query["format"] = form
        found.append((f"{address(request, 'usage_export', coupon)}?{query.urlencode()}", label))
    return found


def _empty(request: StoreRequest, coupon: Coupon, filtered: bool) -> Empty:
    if filtered:
        return Empty(kind="filtered", clear_url=address(request, "usage", coupon))
    return Empty(
        kind="never",
        title=_("Nobody has asked for this coupon yet"),
        text=_("Every claim, every use and every refusal stands here, with its reason."),
    )
