"""The closing engine: one set-based path for one campaign or ten thousand (R7, R35).

`open_manual` acts for buyers at the moment of a cancel; `finalise` ends its hold; `close_ended` closes campaigns whose grace is over. Each
takes campaigns that the caller has locked and writes offers, wishes to publish, report, checks, audit and outbox in the caller's
transaction, in a number of statements that does not depend on how many campaigns there are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache, lru_cache
from typing import Any

import orjson
from django.db import connection

import policies
from audit.actors import Actor, system
from audit.record import Entry, Target, record_many
from campaigns import check_plan, coupon_acts, offers, steps
from campaigns.archive import settings_of
from campaigns.edges import set_state_of
from campaigns.events import Event, tell
from campaigns.explaining import Between, facts_of
from campaigns.impact import executed, forecast
from campaigns.models import Campaign, CloseKind, Closing, Occasion
from campaigns.outcomes import Impact
from campaigns.proof import verify
from core.database import arrays
from coupons import telling
from policies import timing
from policies.rules import ClosingRules

SWEEP = system("system:closing")

# Of thousands that are closed at once most have the same figures: each report travels once, and is taken apart once.
_OPEN = """
    INSERT INTO campaigns_closing (store_id, campaign_id, close_kind, closed_at, closed_by, reason, note, forecast, result, differences,
        steps, next_due_at, finalised_at)
    SELECT v.store_id, v.id, %(kind)s, %(now)s, %(by)s, %(reason)s, %(note)s, r.body -> 'forecast', r.body -> 'result',
        r.body -> 'differences', r.body -> 'steps', %(now)s, %(final)s
    FROM unnest(%(ids)s::bigint[], %(stores)s::bigint[], %(numbers)s::int[]) WITH ORDINALITY AS v(id, store_id, number, place)
    JOIN jsonb_array_elements(%(reports)s::jsonb) WITH ORDINALITY AS r(body, number) ON r.number = v.number
    ORDER BY v.place
    RETURNING id
"""
# Rows travel as one JSON text: an array of texts would be quoted item by item in Python, which takes longer than the write itself.
_SAVE = """
    UPDATE campaigns_closing k SET steps = v.steps, result = v.result, differences = v.differences, next_due_at = v.next_due_at,
        finalised_at = v.finalised_at, verified_at = v.verified_at, archived_at = v.archived_at, order_flow = v.order_flow,
        overdue = v.overdue, completed_at = v.completed_at, evidence = v.evidence
    FROM jsonb_to_recordset(%s::jsonb) AS v(id bigint, steps jsonb, result jsonb, differences jsonb, next_due_at timestamptz,
        finalised_at timestamptz, verified_at timestamptz, archived_at timestamptz, order_flow jsonb, overdue jsonb,
        completed_at timestamptz, evidence text)
    WHERE k.id = v.id
"""
_SAVED = (
    "steps", "result", "differences", "next_due_at", "finalised_at", "verified_at", "archived_at", "order_flow", "overdue",
    "completed_at", "evidence",
)  # fmt: skip


@dataclass(slots=True)
class Opened:
    """Closes just opened: their ids, what the stop touched, and what was foreseen, by campaign id."""

    closings: list[int]
    touched: offers.Touched
    foreseen: Mapping[int, Impact]


def final_at(now: datetime) -> datetime:
    """When a cancel submitted now becomes final."""
    return now + timing.cancel_hold()


def open_manual(
    rows: Sequence[Campaign], *, actor: Actor, reason: str, note: str, right: str = "", now: datetime
) -> Opened:
    """Act for buyers at the moment of a cancel: offers off, claims stopped and claimed coupons frozen, sites told, the report opened with
    the forecast beside what was done.
    """
    before = forecast(rows)
    touched = offers.switch_off(rows, now=now)
    with_coupons = [row for row in rows if before[row.id].coupons]
    stopped = {}
    if with_coupons:
        stopped = coupon_acts.stop(with_coupons, actor=actor, reason=note, freeze=True, right=right, now=now)
    after = executed(rows, before, touched.listings)
    wait = final_at(now).isoformat()
    archived = (now + timing.archive_delay()).isoformat()
    reports = {
        row.id: _report(
            [
                *_stopped(row, touched, cut_over=now),
                steps.pending("void_coupons", before[row.id].coupons, until=wait),
                steps.pending("release_stock", until=wait, released=_units(stopped, row)),
                _publishing(_pages(row, before[row.id]), now),
                steps.pending("review_prices", until=wait),
                steps.pending("verify"),
                steps.pending("archive", due=archived),
            ]
        )
        for row in rows
    }
    closings = _insert(
        rows, reports, before, after, kind=CloseKind.MANUAL, by=actor.label, now=now, reason=reason, note=note
    )
    return Opened(closings, touched, before)


def finalise(rows: Sequence[Campaign], *, now: datetime) -> int:
    """End the hold of these campaigns: coupons, stock, prices, `cancelled` for good; answers how many."""
    ids = [row.id for row in rows]
    # Locked: a worker that carries one of them forward at this moment would otherwise be overwritten with what was read before.
    open_ones = Closing.objects.filter(campaign_id__in=ids, taken_back_at=None, finalised_at=None)
    held = list(open_ones.select_for_update(of=("self",), no_key=True).order_by("id"))
    figures = forecast(rows)
    with_coupons = [row for row in rows if figures[row.id].coupons]
    voided = {}
    if with_coupons:
        voided = coupon_acts.void(with_coupons, reason=telling.CAMPAIGN_CANCELLED, actor=SWEEP, now=now)
    for closing in held:
        impact = _voided(figures[closing.campaign_id], voided, closing)
        result = {**impact.as_dict(), "tags": closing.result.get("tags", 0)}
        closing.result = result
        closing.steps = steps.put(closing.steps, _final_steps(impact, now))
        closing.finalised_at = now
        closing.next_due_at = now
    known = {row.id: row for row in rows}
    odd = [one for one in held if differences(one.forecast, one.result)]
    facts = facts_of([_between(known[one.campaign_id], one.closed_at) for one in odd], now=now)
    for closing in held:
        closing.differences = differences(closing.forecast, closing.result, facts.get(closing.campaign_id))
    save(held)
    moved = set_state_of(ids, transition="finalise_cancel", now=now)
    _tell_closed(rows, "campaign.cancel_final", "campaign.cancelled", "cancelling", "cancelled", now)
    return moved


def close_ended(rows: Sequence[Campaign], *, now: datetime) -> int:
    """Close campaigns whose grace is over (R35); answers how many. The cut-over for buyers was `ends_at`, by the clock."""
    before = forecast(rows, at_end=True)
    touched = offers.switch_off(rows, now=now, tell=False)
    with_coupons = [row for row in rows if before[row.id].coupons]
    voided = {}
    if with_coupons:
        voided = coupon_acts.void(with_coupons, reason=telling.CAMPAIGN_ENDED, actor=SWEEP, now=now)
    after = executed(rows, before, touched.listings, {pk: one.figures() for pk, one in voided.items()})
    odd = [row for row in rows if after[row.id] is not before[row.id]]
    facts = facts_of([_between(row, row.ends_at) for row in odd], now=now)
    archived = (now + timing.archive_delay()).isoformat()
    reports = {
        row.id: _ended_report(
            _shown(row, touched), row.ends_at, after[row.id], _pages(row, before[row.id]), now, archived
        )
        for row in rows
    }
    closings = _insert(
        rows, reports, before, after, kind=CloseKind.AUTO, by=SWEEP.label, now=now, final=now, facts=facts
    )
    check_plan.plan(rows, Occasion.CLOSE, now=now, closings=closings)
    moved = set_state_of([row.id for row in rows], transition="end", now=now, closed_at=now)
    _tell_closed(rows, "campaign.end", "campaign.ended", "ending", "ended", now, foreseen=before)
    return moved


def take_back(ids: Sequence[int], *, now: datetime) -> None:
    """The held closes of these campaigns did not happen after all."""
    Closing.objects.filter(campaign_id__in=ids, taken_back_at=None, finalised_at=None).update(
        taken_back_at=now, next_due_at=None
    )


def differences(
    before: Mapping[str, int], after: Mapping[str, int], facts: Mapping[str, Any] | None = None
) -> list[dict[str, Any]]:
    """Where result and forecast differ, line by line, with what happened in between (`report.why_text` says it in words)."""
    known = facts or {}
    return [
        {"key": key, "forecast": before.get(key, 0), "result": value, "facts": known.get(key, {})}
        for key, value in after.items()
        if before.get(key, 0) != value
    ]


def save(closings: Sequence[Closing]) -> None:
    """Write steps, figures and times of many closes in one statement."""
    if not closings:
        return
    rows = [{"id": closing.pk} | {name: getattr(closing, name) for name in _SAVED} for closing in closings]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [_json(rows)])


# -- the parts of a report ---------------------------------------------------------------------------------------------------


def _stopped(row: Campaign, touched: offers.Touched, *, cut_over: datetime) -> tuple[steps.Step, ...]:
    return _display(*_shown(row, touched), cut_over)


def _shown(row: Campaign, touched: offers.Touched) -> tuple[int, int]:
    """How many offers of the campaign were switched off, and on how many listings."""
    return touched.offers.get(row.code, 0), len(touched.listings.get(row.code, ()))


def _display(count: int, listings: int, cut_over: datetime) -> tuple[steps.Step, ...]:
    return (
        steps.done("stop_display", count, cut_over, offers=count, cut_over=cut_over.isoformat()),
        steps.done("clear_tags", listings, cut_over),
    )


def _pages(row: Campaign, before: Impact) -> int:
    """How many pages have to be published again."""
    return before.listings * before.sites if row.started_at is not None else 0


def _publishing(pages: int, now: datetime) -> steps.Step:
    """Every page of the campaign has to be published again; without sites or listings there is nothing to do."""
    if not pages:
        return steps.done("publish_sites", 0, now)
    return steps.moved(steps.pending("publish_sites"), steps.RUNNING, at=now, done_count=0, total=pages)


def _final_steps(impact: Impact, now: datetime) -> tuple[steps.Step, ...]:
    """What happens once nothing can be taken back any more, in the figures of what was done."""
    return (
        steps.done("void_coupons", impact.coupons, now, claims=impact.claimed_unused),
        steps.done("release_stock", impact.reserved_units, now, released=impact.reserved_units),
        steps.done("review_prices", impact.prices_to_review, now, to_review=impact.prices_to_review),
    )


# Of ten thousand that end in one second most have the same figures.
@lru_cache(maxsize=256)
def _ended_report(
    shown: tuple[int, int], cut_over: datetime, impact: Impact, pages: int, now: datetime, archived: str
) -> str:
    """The steps of a close by the clock."""
    later = (steps.pending("verify"), steps.pending("archive", due=archived))
    return _report([*_display(*shown, cut_over), *_final_steps(impact, now), _publishing(pages, now), *later])


def _report(found: Sequence[steps.Step]) -> str:
    return _json(steps.put((), found))


def _voided(foreseen: Impact, voided: Mapping[int, coupon_acts.Touched], closing: Closing) -> Impact:
    """The figures of a cancel that became final: what was voided now, and the stock that was let go now or when it was submitted."""
    one = voided.get(closing.campaign_id, coupon_acts.Touched())
    at_once = int(steps.find(closing.steps, "release_stock")["evidence"].get("released", 0))
    return replace(foreseen, **one.figures() | {"reserved_units": at_once + one.units})


def _units(stopped: Mapping[int, coupon_acts.Touched], row: Campaign) -> int:
    return stopped[row.id].units if row.id in stopped else 0


def _insert(
    rows: Sequence[Campaign],
    reports: Mapping[int, str],
    before: Mapping[int, Impact],
    after: Mapping[int, Impact],
    *,
    kind: CloseKind,
    by: str,
    now: datetime,
    final: datetime | None = None,
    reason: str = "",
    note: str = "",
    facts: Mapping[int, Mapping[str, Any]] | None = None,
) -> list[int]:
    explained = facts or {}
    bodies: dict[tuple[str, str, str, str], int] = {}
    numbers: list[int] = []
    figures = cache(lambda impact: _json(impact.as_dict()))
    for row in rows:
        foreseen, done = before[row.id], after[row.id]
        odd = [] if done is foreseen else differences(foreseen.as_dict(), done.as_dict(), explained.get(row.id))
        body = (figures(foreseen), figures(done), _json(odd), reports[row.id])
        numbers.append(bodies.setdefault(body, len(bodies) + 1))
    names = ("forecast", "result", "differences", "steps")
    texts = (
        "{" + ",".join(f'"{name}":{part}' for name, part in zip(names, body, strict=True)) + "}" for body in bodies
    )
    given: dict[str, Any] = {
        "kind": str(kind), "now": now, "by": by[:160], "reason": reason, "note": note, "final": final,
        "ids": arrays.numbers(row.id for row in rows), "stores": arrays.numbers(row.store_id for row in rows),
        "numbers": arrays.numbers(numbers), "reports": "[" + ",".join(texts) + "]",
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_OPEN, given)
        return [pk for (pk,) in cursor.fetchall()]


def decided(row: Campaign, foreseen: Impact) -> dict[str, str]:
    """What stands at the moment of a close, as hashes for its own entry in the record: nobody can tell it otherwise later, although the
    close is not complete yet. `row` as it was before the close.
    """
    before = settings_of(row)
    del before["version"]
    return {"settings_sha256": verify.digest_of(before)} | _foreseen(foreseen)


# Of ten thousand that end in one second most have the same figures; their settings are not even read.
@lru_cache(maxsize=256)
def _foreseen(foreseen: Impact) -> dict[str, str]:
    return {"forecast_sha256": verify.digest_of(foreseen.as_dict())}


def _tell_closed(
    rows: Sequence[Campaign],
    action: str,
    event: str,
    state_before: str,
    state_after: str,
    now: datetime,
    *,
    foreseen: Mapping[int, Impact] | None = None,
) -> None:
    """Audit and outbox of campaigns that the clock closed: one row each, with the version of the rules that were followed (R20), and the
    hash of what was `foreseen`.
    """
    policy = policies.active(ClosingRules, now).cited
    hashes = {pk: _foreseen(impact) for pk, impact in foreseen.items()} if foreseen else {}
    entries = [
        Entry(
            action,
            Target("campaign", row.code, row.name, store_id=row.store_id, store_label=row.store.name),
            before={"state": state_before},
            after={
                "state": state_after,
                "items": row.item_count,
                "ends_at": row.ends_at,
                "policy": policy,
                **hashes.get(row.pk, {}),
            },
            reason=row.stop_reason,
        )
        for row in rows
    ]
    record_many(entries, actor=SWEEP, now=now)
    tell([Event(event, row, {"state": state_after}) for row in rows], now=now)


def _between(row: Campaign, since: datetime) -> Between:
    return Between(row.id, row.code, row.store_id, since)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
