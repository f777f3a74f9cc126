"""One coupon: what it is, for which goods, how many were claimed and redeemed, who did what."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from accounts.requests import StoreRequest
from accounts.rights import requires
from audit.reading import events_of
from core import clock, display
from coupons import budgets, labels, links, reading, tabs, telling, watch_words
from coupons.models import Coupon, PausedBy
from coupons.views.common import find, page
from policies import active
from policies.rules import CouponRules


@requires("coupons.view")
def show(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The overview."""
    coupon, rules = find(request, code), active(CouponRules, clock.now())
    tally = coupon.tally
    first, sections = tabs.sections_for(request, coupon)
    context: dict[str, Any] = {
        "terms": labels.terms(coupon),
        "kind_words": labels.kind_words(coupon),
        "logistics_words": labels.logistics_words(coupon),
        "channel_words": labels.channel_words(coupon),
        "reason": _reason(coupon),
        "campaign": links.of(request.store.pk, [coupon.pk]).get(coupon.pk),
        "pool": reading.pool_of(coupon, most=rules.preview_listings),
        "tally": tally,
        "rate": reading.rate(tally.claimed, tally.redeemed),
        "refused": reading.refused_of([coupon.pk]).get(coupon.pk, 0),
        "sections_first": first,
        "sections": sections,
        "events": _events(request, coupon) if "audit.view" in request.rights else (),
    }
    return page(request, "coupons/detail.html", coupon, context)


def _reason(coupon: Coupon) -> str:
    """Why it stands still or is void: what a person wrote, or the words of what the house keeps as a code."""
    if coupon.reason in telling.WHY:
        return str(telling.WHY[coupon.reason])
    if coupon.reason == budgets.USED_UP:
        return str(PausedBy.BUDGET.label)
    return watch_words.signal_label(coupon.reason)


def _events(request: StoreRequest, coupon: Coupon) -> list[dict[str, Any]]:
    limit, zone = active(CouponRules, clock.now()).timeline_events, display.zone(request.store.time_zone)
    return [
        {"icon": row.icon, "at": row.at, "title": row.sentence, "actor": row.actor_label, "text": row.text}
        for row in events_of(request.store.pk, "coupon", coupon.code, limit=limit, zone=zone)
    ]
