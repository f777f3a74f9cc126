"""The close report: forecast beside result, steps as they happen, checks, leftovers, prices to decide (R43-R50)."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from campaigns import cleaning, prices, steps
from campaigns import report as reports
from campaigns.evidence import evidence_of
from campaigns.labels import CLIENTS, CLOSE_REASONS, IMPACT, STEPS, WHATS
from campaigns.models import Campaign, Closing, Leftover
from campaigns.proof import bundle
from campaigns.proof.bundle import zipped
from campaigns.views.aftercare import points_shown
from campaigns.views.common import address, can_take_back, find, page
from core import clock, display
from core.downloads import announced
from core.errors import Conflict
from listings.outcome import Outcome
from policies import active
from policies.rules import ClosingRules


@requires("campaigns.view")
def report(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The whole report of the latest close."""
    campaign = find(request, code)
    return page(request, "campaigns/closing.html", campaign, _context(request, campaign))


@requires("campaigns.view")
def live(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """The moving part of the report."""
    campaign = find(request, code)
    return render(request, "campaigns/_closing_live.html", {"campaign": campaign, **_context(request, campaign)})


@requires("listings.price")
@require_POST
def restore(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """恢复销售价 for the ticked SKUs, or all that wait for a decision."""
    campaign = find(request, code)
    wanted = [] if request.POST.get("all") else request.POST.getlist("sku")
    if not wanted and not request.POST.get("all"):
        messages.error(request, _("Tick the SKUs whose sale price shall be restored."))
        return redirect(address(request, "closing", campaign) + "#prices")
    done = prices.restore_prices(request.store, campaign.code, wanted, actor=request.actor)
    words = ngettext("%(n)s sale price restored.", "%(n)s sale prices restored.", done.applied)
    messages.success(request, words % {"n": done.applied})
    _tell_rejected(request, done)
    return redirect(address(request, "closing", campaign) + "#prices")


@requires("listings.price")
@require_POST
def undo_restore(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Take the latest restoring back, where nobody has changed a price since."""
    campaign = find(request, code)
    try:
        done = prices.undo_restore(request.store, campaign.code, actor=request.actor)
    except Conflict as refusal:
        messages.error(request, str(refusal.detail))
        return redirect(address(request, "closing", campaign) + "#prices")
    words = ngettext(
        "%(n)s sale price is as before restoring.", "%(n)s sale prices are as before restoring.", done.applied
    )
    messages.success(request, words % {"n": done.applied})
    _tell_rejected(request, done)
    return redirect(address(request, "closing", campaign) + "#prices")


def _tell_rejected(request: StoreRequest, done: Outcome) -> None:
    if done.rejected:
        words = ngettext("%(n)s was refused: %(skus)s", "%(n)s were refused: %(skus)s", len(done.rejected))
        named = display.series(f"{row.value} ({row.code})" for row in done.rejected[:5])
        messages.error(request, words % {"n": len(done.rejected), "skus": named})


@requires("campaigns.cancel")
@require_POST
def run_step(request: StoreRequest, store: str, code: str, step: str) -> HttpResponse:
    """Run a failed step again by hand."""
    campaign = find(request, code)
    cleaning.run_step_again(request.store, campaign.code, step, actor=request.actor)
    messages.success(request, _("Submitted: “%(step)s” is run again.") % {"step": STEPS[step]})
    return redirect(address(request, "closing", campaign))


@requires("audit.export")
@require_safe
def proof(request: StoreRequest, store: str, code: str) -> HttpResponseBase:
    """The proof of the latest close as one zip that a third party checks without us."""
    campaign = find(request, code)
    if head := announced(request, "application/zip"):
        return head
    return zipped(bundle.export_proof(request.store, campaign.code, actor=request.actor))


@requires("campaigns.pause")
@require_POST
def clean_up(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """清理残留: take off what is left, tell the sites again, read the pages again."""
    campaign = find(request, code)
    cleaning.clean_up(request.store, campaign.code, actor=request.actor)
    messages.success(request, _("Submitted: leftovers are taken off, and the public pages are read again."))
    asked = request.POST.get("next", "")
    return redirect(asked if asked == address(request, "closing", campaign) else address(request, "detail", campaign))


def _context(request: StoreRequest, campaign: Campaign) -> dict[str, Any]:
    found = Closing.objects.filter(campaign=campaign).order_by("-id").first()
    if found is None:
        raise Http404("this campaign was never closed")
    rules = active(ClosingRules, clock.now())
    review = prices.prices_to_review(campaign, limit=rules.review_page)
    restored = prices.last_restored(campaign)
    return {
        "closing": found,
        "reason": CLOSE_REASONS.get(found.reason, found.reason),
        "steps": [_step(request, campaign, step) for step in found.steps],
        "lines": [
            {
                "label": word,
                "forecast": found.forecast.get(key),
                "result": found.result.get(key),
                "why": next((row["why"] for row in reports.differences_of(found) if row["key"] == key), ""),
            }
            for key, word in IMPACT.items()
            if key in found.forecast
        ],
        "evidence": evidence_of(campaign),
        "leftovers": _leftovers(campaign, rules.leftovers_shown),
        "leftovers_url": f"{address(request, 'leftovers')}?q={campaign.code}",
        "review": review,
        "review_count": prices.count_to_review(campaign) if review else 0,
        "restored": restored,
        "undo_url": address(request, "undo_restore", campaign),
        "points": points_shown(found, clock.now()),
        "flow": found.order_flow,
        "flow_rows": [
            row | {"amount": Decimal(row["unit_price"]) if row["unit_price"] else None}
            for row in found.order_flow.get("readings", ())
        ],
        "flow_at": steps.moment(found.order_flow.get("at")),
        "can_restore": "listings.price" in request.rights,
        "can_take_back": can_take_back(campaign, clock.now()),
        "open": found.next_due_at is not None and found.taken_back_at is None,
        "live_url": address(request, "closing_live", campaign),
        "restore_url": address(request, "restore_prices", campaign),
        "clean_url": address(request, "clean_up", campaign),
        "proof_url": address(request, "closing_proof", campaign) if "audit.export" in request.rights else "",
    }


def _leftovers(campaign: Campaign, most: int) -> dict[str, Any] | None:
    """What is still to be seen, a row a page whatever saw it there, of `most` leftovers; None when nothing is."""
    rows = Leftover.objects.filter(campaign=campaign, cleared_at=None).select_related("site", "listing")
    found = list(rows.order_by("listing_id", "site_id", "id")[: most + 1])
    pages: dict[tuple[int, int], list[Leftover]] = {}
    for row in found[:most]:
        pages.setdefault((row.listing_id, row.site_id), []).append(row)
    shown = [
        {
            "page": seen[0],
            "clients": display.series(dict.fromkeys(CLIENTS.get(row.client, row.client) for row in seen)),
            "what": display.series(dict.fromkeys(WHATS.get(row.what, row.what) for row in seen)),
            "since": min(row.first_seen_at for row in seen),
        }
        for seen in pages.values()
    ]
    return {"pages": shown, "more": len(found) > most} if shown else None


def _step(request: StoreRequest, campaign: Campaign, step: dict[str, Any]) -> dict[str, Any]:
    retry = address(request, "run_step", campaign, step=step["key"])
    return {
        **step,
        "code": step["key"],
        "label": STEPS[step["key"]],
        "evidence": steps.evidence_text(step),
        "error": steps.error_text(step),
        "started_at": steps.moment(step.get("started_at")),
        "finished_at": steps.moment(step.get("finished_at")),
        "retry_url": retry if "campaigns.cancel" in request.rights else "",
    }
