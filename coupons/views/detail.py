"""One coupon: what it is, for which goods, how many were claimed and redeemed, who did what."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse

from accounts.requests import StoreRequest
from accounts.rights import requires
from audit.reading import events_of
from core import clock
from coupons import labels, links, reading, tabs
from coupons.models import Coupon
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


def _events(request: StoreRequest, coupon: Coupon) -> list[dict[str, Any]]:
    limit = active(CouponRules, clock.now()).timeline_events
    return [
        {"icon": row.icon, "at": row.at, "title": row.sentence, "actor": row.actor_label, "text": row.text}
        for row in events_of(request.store.pk, "coupon", coupon.code, limit=limit)
    ]
