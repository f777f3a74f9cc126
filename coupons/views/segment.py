"""Who may claim: the rules of a segment in words, how many match now, and personal issuing (R78)."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from accounts.requests import StoreRequest
from accounts.rights import requires
from core import clock
from core.errors import DomainError
from coupons import personal, segments
from coupons.models import Coupon
from coupons.views.common import address, find, page, problem_of
from listings.models import Job


def section(request: StoreRequest, coupon: Coupon) -> dict[str, Any] | None:
    """The section of the overview; none for a coupon that is for everybody."""
    if not coupon.segment:
        return None
    running = (
        Job.objects.filter(store=request.store, kind=personal.KIND, params__coupon=coupon.pk).order_by("-id").first()
    )
    return {
        "words": segments.words(coupon.segment),
        "count": segments.count(request.store, coupon.segment, now=clock.now()),
        "job": running,
        "may_issue": "coupons.manage" in request.rights and coupon.is_issued and not coupon.codes_only,
    }


@requires("coupons.manage")
def issue(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Ask, then issue to the segment."""
    coupon = find(request, code)
    if not coupon.segment:
        raise Http404("this coupon has no segment")
    context: dict[str, Any] = {
        "here": _("Issue to the segment"),
        "words": segments.words(coupon.segment),
        "count": segments.count(request.store, coupon.segment, now=clock.now()),
        "left": coupon.tally.quota - coupon.tally.claimed,
    }
    status = 200
    if request.method == "POST":
        try:
            personal.issue(request.store, coupon.code, actor=request.actor)
        except DomainError as refusal:
            context["problem"], status = problem_of(refusal, request), refusal.status
        else:
            messages.success(request, _("The coupon is being issued to the segment."))
            return HttpResponseRedirect(address(request, "detail", coupon))
    return page(request, "coupons/issue.html", coupon, context, status)
