"""Who may claim: the rules of a segment in words, how many match now, and personal issuing (R78).

Counting looks at every buyer of the store, so the overview does not wait for it: a script asks for the number once the page is there, a
link does without one.
"""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

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
    countable = segments.of(coupon.segment).countable
    found = _found(request, coupon) if "count" in request.GET or not countable else None
    somebody = countable and (found is None or bool(found["count"]))
    issued = coupon.is_issued and not coupon.codes_only
    return {
        "words": segments.words(coupon.segment),
        "found": found,
        "job": running,
        "may_issue": "coupons.manage" in request.rights and issued and somebody,
    }


def _found(request: StoreRequest, coupon: Coupon) -> dict[str, int | None]:
    """How many buyers match now, None where nobody can say."""
    return {"count": segments.count(request.store, coupon.segment, now=clock.now())}


@require_safe
@requires("coupons.view")
def count(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """How many buyers match now: the line of the overview alone."""
    coupon = find(request, code)
    if not coupon.segment:
        raise Http404("this coupon has no segment")
    return render(request, "coupons/_segment_count.html", {"found": _found(request, coupon)})


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
