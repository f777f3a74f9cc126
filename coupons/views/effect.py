"""Pages of the effect watch: funnel and refusals with their mirror, the diagnosis report, a change opened as a draft (R52, R68, R153)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.utils.translation import pgettext
from django.views.decorators.http import require_POST, require_safe

from accounts.requests import StoreRequest
from accounts.rights import requires
from core import charts, clock, display
from core.errors import DomainError
from coupons import explaining, mirror, mirror_drafts, watch_words
from coupons.diagnosing import days_of
from coupons.funnel import Funnel, Stage, funnel
from coupons.mirror import Group
from coupons.models import Coupon, Diagnosis
from coupons.views.common import address, find, page, problem_of
from coupons.watch_forms import SpanForm
from policies import active
from policies.rules import EffectWatchRules

BAR = 100


@require_safe
@requires("coupons.view")
def show(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Exposure → claim → order → redemption, by channel and by day; refusals by code, each group with its mirror."""
    return _show(request, find(request, code))


def _show(
    request: StoreRequest, coupon: Coupon, problem: dict[str, Any] | None = None, status: int = 200
) -> HttpResponse:
    now = clock.now()
    rules = active(EffectWatchRules, now)
    form = SpanForm(request.GET or None, store=request.store)
    until = min(form.until or now, now) + timedelta(microseconds=1)
    since = form.since or until - timedelta(days=rules.effect_days)
    since = min(since, until)
    zone = display.zone(request.store.time_zone)
    found = funnel(coupon, since=since, until=until, zone=display.zone_key(zone))
    groups = mirror.groups_of([coupon], since=since, until=until, most=rules.mirror_refusals, now=now).get(
        coupon.pk, ()
    )
    context: dict[str, Any] = {
        "here": _("Effect"),
        "form": form,
        "clear_url": address(request, "effect", coupon),
        "since": since,
        "until": until,
        "stages": _stages(found.total),
        "channels": _channels(found, rules),
        "charts": _charts(found),
        "groups": _groups(request, coupon, groups),
        "mirror_most": rules.mirror_refusals if any(group.more for group in groups) else None,
        "reports": _reports(request, coupon),
        "may_draft": "coupons.manage" in request.rights,
        "rate": watch_words.share(found.total.redemption_rate),
        "problem": problem,
    }
    return page(request, "coupons/effect.html", coupon, context, status)


def _stages(total: Stage) -> list[dict[str, Any]]:
    """The four counters with their bars, each with its share of the one before."""
    told = [
        (_("Exposures"), total.impressions),
        (_("Claims"), total.claims),
        (pgettext("stage", "Orders"), total.orders),
        (_("Redemptions"), total.redemptions),
    ]
    top = max(count for _label, count in told) or 1
    found, before = [], None
    for label, count in told:
        of_before = watch_words.percent(count, before) if before else "—"
        found.append({"label": label, "count": count, "bar": round(BAR * count / top, 1), "of_before": of_before})
        before = count
    return found


def _channels(found: Funnel, rules: EffectWatchRules) -> list[dict[str, Any]]:
    top = max((stage.claims for stage in found.channels), default=0) or 1
    return [
        {
            "stage": stage,
            "label": explaining.channel(stage.channel),
            "click_rate": watch_words.share(stage.click_rate),
            "usual": rules.channel_ctr.get(stage.channel),
            "redemption_rate": watch_words.share(stage.redemption_rate),
            "bar": round(BAR * stage.claims / top, 1),
        }
        for stage in found.channels
    ]


def _charts(found: Funnel) -> list[Any]:
    days = {one.day: {"claims": one.claims, "redemptions": one.redemptions} for one in found.days}
    return _day_charts(days)


def _day_charts(days: dict[date, dict[str, int]]) -> list[Any]:
    """Bars by day; their table is beside them."""
    if not days:
        return []
    axis = charts.span_of(days, len(days) + 366)[-62:]
    drawn = []
    for label, key in ((_("Claims"), "claims"), (_("Redemptions"), "redemptions")):
        words = {day: display.number(days.get(day, {}).get(key, 0)) for day in axis}
        drawn.append(charts.bars(label, days, axis, key, words))
    return drawn


def _groups(request: StoreRequest, coupon: Coupon, groups: Sequence[Group]) -> list[dict[str, Any]]:
    """Refusals by code, in words, each with the changes that would have let them in."""
    changes = [option.change for group in groups for option in group.options]
    titles, labels = watch_words.names_of(request.store.pk, changes)
    top = max((group.refusals for group in groups), default=0) or 1
    return [
        {
            "code": group.code,
            "title": watch_words.code_title(group.code),
            "refusals": group.refusals,
            "buyers": group.buyers,
            "more": group.more,
            "bar": round(BAR * group.refusals / top, 1),
            "none": group.none,
            "options": [
                {
                    "text": mirror.words(option.change, coupon, titles, labels),
                    "buyers": option.buyers,
                    "most": option.most,
                    "expected": option.expected,
                    **_sent(option.change),
                }
                for option in group.options
            ],
        }
        for group in groups
    ]


def _sent(change: mirror.Change) -> dict[str, str]:
    """A change as the form of its button sends it."""
    return {"field": change.field, "value": json.dumps(change.value)}


def _reports(request: StoreRequest, coupon: Coupon) -> list[dict[str, Any]]:
    rows = Diagnosis.objects.filter(store_id=request.store.pk, coupon=coupon).order_by("-id")
    return [
        {
            "row": row,
            "label": watch_words.signal_label(row.signal),
            "url": address(request, "diagnosis", coupon, report=row.pk),
        }
        for row in rows[: active(EffectWatchRules, clock.now()).report_rows]
    ]


@require_POST
@requires("coupons.manage")
def draft(request: StoreRequest, store: str, code: str) -> HttpResponse:
    """Open a change of the mirror as a new draft."""
    coupon = find(request, code)
    try:
        change = mirror_drafts.read_change(request.POST.get("field", ""), request.POST.get("value", ""))
        saved = mirror_drafts.copy_with(request.store, coupon.code, change, actor=request.actor)
    except DomainError as error:
        return _show(request, coupon, problem_of(error, request), error.status)
    messages.success(request, _("A draft with this change is ready: %(code)s.") % {"code": saved.coupon.code})
    return redirect(address(request, "edit", saved.coupon))


@require_safe
@requires("coupons.view")
def diagnosis(request: StoreRequest, store: str, code: str, report: int) -> HttpResponse:
    """诊断报告: what, since when, by which rule; figures; what would help; what a resume made of it."""
    coupon = find(request, code)
    row = Diagnosis.objects.filter(store_id=request.store.pk, coupon=coupon, pk=report).first()
    if row is None:
        raise Http404("no such report of this coupon")
    rules = active(EffectWatchRules, clock.now())
    context: dict[str, Any] = {
        "here": _("Diagnosis report"),
        "row": row,
        "label": watch_words.signal_label(row.signal),
        "rule": watch_words.rule_of(row),
        "policy": watch_words.policy_of(row),
        "rate": watch_words.percent(row.redeemed, row.claimed),
        "channels": _kept_channels(row),
        "refusals": _kept_refusals(row),
        "why": _kept_why(row),
        "unused": row.report.get("unused", 0),
        "charts": _day_charts(days_of(row)),
        "advice": _advice(row, coupon),
        "after": _after(row),
        "expected": rules.expected_percent,
        "may_draft": "coupons.manage" in request.rights,
        "usage_url": address(request, "usage", coupon),
    }
    return page(request, "coupons/diagnosis.html", coupon, context)


def _kept_channels(row: Diagnosis) -> list[dict[str, Any]]:
    kept = row.report.get("channels", ())
    return [
        {"label": explaining.channel(channel), "claimed": claimed, "redeemed": redeemed, "rate": watch_words.percent(redeemed, claimed)}
        for channel, claimed, redeemed in kept
    ]  # fmt: skip


def _kept_refusals(row: Diagnosis) -> list[dict[str, Any]]:
    return [
        {"code": code, "title": watch_words.code_title(code), "times": times, "buyers": buyers}
        for code, times, buyers in row.report.get("refusals", ())
    ]


def _kept_why(row: Diagnosis) -> list[dict[str, Any]]:
    kept: Iterable[tuple[str, int]] = row.report.get("why", ())
    unused = row.report.get("unused", 0)
    return [
        {"text": watch_words.REASONS.get(reason, reason), "count": count, "share": watch_words.percent(count, unused)}
        for reason, count in kept
    ]


def _advice(row: Diagnosis, coupon: Coupon) -> list[dict[str, Any]]:
    return [
        {"text": one.text, "detail": one.detail, **(_sent(one.change) if one.change else {})}
        for one in watch_words.advice_of(row, coupon)
    ]


def _after(row: Diagnosis) -> dict[str, Any] | None:
    """The look back in words; None before it."""
    if row.measured_at is None:
        return None
    claimed, redeemed = row.after["claimed"], row.after["redeemed"]
    return {**row.after, "rate": watch_words.percent(redeemed, claimed)}


def warning(request: StoreRequest, coupon: Coupon) -> dict[str, Any] | None:
    """The box on the overview of a coupon that the watch has stopped, or that is being looked back at; one query."""
    row = Diagnosis.objects.filter(store_id=request.store.pk, coupon=coupon).order_by("-id").first()
    if row is None or row.closed_at is not None or row.measured_at is not None:
        return None
    return {
        "row": row,
        "label": watch_words.signal_label(row.signal),
        "rule": watch_words.rule_of(row),
        "report_url": address(request, "diagnosis", coupon, report=row.pk),
    }
