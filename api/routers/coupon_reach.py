"""Beyond the platforms: what coupons cost and bring, single-use codes, segments, tests."""

from __future__ import annotations

from typing import Any

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_noop as _
from ninja import Router

from api.access import needs
from api.frame import reply
from api.requests import ApiRequest, number
from api.schemas.common import JobStarted
from api.schemas.coupon_reach import BatchIn, BatchOut, BudgetIn, CostsOut, SegmentOut, TestIn, TestOut
from core import clock, csvfile, money
from coupons import arms, batches, budgets, cost_figures, finding, personal, segments
from coupons.models import Coupon
from coupons.views.codes import with_head

router = Router(tags=["coupons"])


@router.get(
    "/coupons/{code}/costs",
    response=CostsOut,
    summary=_("What a coupon costs and brings"),
    description=_(
        "The cost ledger added up, cost against margin, conversion, repurchase and share of sales, each defined."
    ),
)
@needs("coupons.view")
def coupon_costs(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /coupons/{code}/costs`."""
    return reply(_costs(finding.get(request.store, code)))


@router.post(
    "/coupons/{code}/budget",
    response=CostsOut,
    summary=_("Set the money budget of a coupon"),
    description=_("A redemption that it does not bear is refused and issuing stops; a larger one lets it go on."),
)
@needs("coupons.manage")
def coupon_budget(request: ApiRequest, code: str, body: BudgetIn) -> HttpResponse:
    """`POST /coupons/{code}/budget`."""
    budgets.set_budget(request.store, code, budget=body.budget, version=body.version, actor=request.actor)
    return reply(_costs(finding.get(request.store, code)))


def _costs(coupon: Coupon) -> dict[str, Any]:
    now, currency, tally = clock.now(), coupon.currency, coupon.tally
    sums = cost_figures.totals(coupon)
    return {
        "code": coupon.code,
        "currency": currency,
        "cost": money.text(sums.cost, currency),
        "face_values": money.text(sums.given, currency),
        "clicks": sums.clicks,
        "clicks_cost": money.text(sums.clicks_cost, currency),
        "redemptions": sums.redemptions,
        "budget": None if tally.budget is None else money.text(tally.budget, currency),
        "spent": money.text(tally.spent, currency),
        "state": coupon.state,
        "version": coupon.version,
        "margin_share": _share(sums.margin_share),
        "net_margin": _share(sums.net_margin),
        "effects": [
            {
                "key": rate.key,
                "percent": _share(rate.percent),
                "beside": _share(rate.beside),
                "definition": str(rate.definition),
            }
            for rate in cost_figures.effects(coupon, now=now)
        ],
    }


def _share(value: object) -> str | None:
    return None if value is None else str(value)


@router.get(
    "/coupons/{code}/batches",
    response=list[BatchOut],
    summary=_("Batches of single-use codes"),
    description=_("Newest first, with how many codes were used."),
)
@needs("coupons.view")
def list_batches(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /coupons/{code}/batches`."""
    rows = list(batches.batches_of(finding.get(request.store, code))[: batches.most_shown(clock.now())])
    used = batches.used_of([row.pk for row in rows])
    return reply([batches.document(row, used.get(row.pk, 0)) for row in rows])


@router.post(
    "/coupons/{code}/batches",
    response={202: BatchOut},
    summary=_("Make single-use codes"),
    description=_("A job makes them. The coupon is then claimed with such codes only."),
)
@needs("coupons.manage")
def make_batch(request: ApiRequest, code: str, body: BatchIn) -> HttpResponse:
    """`POST /coupons/{code}/batches`."""
    batch = batches.make(request.store, code, name=body.name, size=body.size, actor=request.actor)
    return reply(batches.document(batch, 0), 202)


@router.get(
    "/coupons/{code}/batches/{id}/codes.csv",
    summary=_("The codes of a batch"),
    description=_("CSV, streamed; not after the batch was sealed. Each download is in the audit log."),
    openapi_extra={"responses": {200: {"description": "OK", "content": {"text/csv; charset=utf-8": {"schema": {}}}}}},
)
@needs("coupons.manage", also=(409,))
def batch_codes(request: ApiRequest, code: str, id: str) -> HttpResponseBase:
    """`GET /coupons/{code}/batches/{id}/codes.csv`."""
    codes = batches.export(request.store, code, number(id), actor=request.actor)
    return csvfile.response(with_head(codes), "codes.csv")


@router.post(
    "/coupons/{code}/batches/{id}/seal",
    response=BatchOut,
    summary=_("Seal a batch of codes"),
    description=_("Its codes go on working; nobody can download them any more."),
)
@needs("coupons.manage")
def seal_batch(request: ApiRequest, code: str, id: str) -> HttpResponse:
    """`POST /coupons/{code}/batches/{id}/seal`."""
    batch = batches.seal(request.store, code, number(id), actor=request.actor)
    return reply(batches.document(batch, batches.used_of([batch.pk]).get(batch.pk, 0)))


@router.post(
    "/coupons/{code}/batches/{id}/withdraw",
    response=BatchOut,
    summary=_("Take a batch of codes out of use"),
    description=_("For good: its unused codes claim nothing any more."),
)
@needs("coupons.manage")
def withdraw_batch(request: ApiRequest, code: str, id: str) -> HttpResponse:
    """`POST /coupons/{code}/batches/{id}/withdraw`."""
    batch = batches.withdraw(request.store, code, number(id), actor=request.actor)
    return reply(batches.document(batch, batches.used_of([batch.pk]).get(batch.pk, 0)))


@router.get(
    "/coupons/{code}/segment",
    response=SegmentOut,
    summary=_("Who may claim a coupon"),
    description=_("Its rules in words, and how many buyers match now."),
)
@needs("coupons.view")
def coupon_segment(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /coupons/{code}/segment`."""
    coupon = finding.get(request.store, code)
    found = segments.count(request.store, coupon.segment, now=clock.now()) if coupon.segment else None
    return reply({"rules": list(segments.words(coupon.segment)), "buyers": found})


@router.post(
    "/coupons/{code}/issue",
    response={202: JobStarted},
    summary=_("Issue a coupon to its segment"),
    description=_("A job hands it to every buyer who matches, within the quota."),
)
@needs("coupons.manage")
def issue_coupon(request: ApiRequest, code: str) -> HttpResponse:
    """`POST /coupons/{code}/issue`."""
    job = personal.issue(request.store, code, actor=request.actor)
    return reply({"job": job.pk}, 202)


@router.post(
    "/coupon-tests",
    response={201: TestOut},
    summary=_("Start an A/B test of two coupons"),
    description=_("Buyers claim with the test's code; each gets one of the coupons, always the same."),
)
@needs("coupons.manage")
def start_test(request: ApiRequest, body: TestIn) -> HttpResponse:
    """`POST /coupon-tests`."""
    first, second = body.arms
    test = arms.start(
        request.store, body.code, name=body.name, arms=(first, second), share=body.share_percent, actor=request.actor
    )
    return reply(arms.document(test, arms.compare(test, now=clock.now())), 201)


@router.get(
    "/coupon-tests/{code}",
    response=TestOut,
    summary=_("The results of an A/B test"),
    description=_("Claims, redemptions, cost and sales of each arm, and whether chance explains the difference."),
)
@needs("coupons.view")
def get_test(request: ApiRequest, code: str) -> HttpResponse:
    """`GET /coupon-tests/{code}`."""
    test = arms.find(request.store, code)
    return reply(arms.document(test, arms.compare(test, now=clock.now())))


@router.post(
    "/coupon-tests/{code}/stop",
    response=TestOut,
    summary=_("Stop an A/B test"),
    description=_("Its code claims nothing any more; the coupons go on."),
)
@needs("coupons.manage")
def stop_test(request: ApiRequest, code: str) -> HttpResponse:
    """`POST /coupon-tests/{code}/stop`."""
    arms.stop(request.store, code, actor=request.actor)
    test = arms.find(request.store, code)
    return reply(arms.document(test, arms.compare(test, now=clock.now())))
