"""券效预警, the effect watch: a risk signal stops issuing by itself, with a report; a resume is looked back at (R68-R70, R142).

It stops issuing only: what buyers hold stays usable. Due work is found in the database and done set-based, a batch a transaction; two
sweeps at once share it. A storm of claims from one address is judged at once, in the transaction of the refusal that told of it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime, timedelta
from functools import partial

from django.db import connection, transaction

import policies
from audit.actors import system
from core import clock
from core.heartbeat import beat
from core.scopes import across_stores
from coupons import diagnosing, joined, risk, stopping
from coupons.facts import VelocityFacts
from coupons.models import Coupon, CouponState, Diagnosis, PausedBy
from coupons.risk import Finding, Signal
from inbox.send import Note, send_many
from policies.rules import EffectWatchRules

ACTOR = system("system:effect_watch")
HEARTBEAT = "coupons.watch"
FOLLOW_UP = "NOTE_COUPON_FOLLOW_UP"

_MEASURE = """
    SELECT d.id, count(k.id), count(k.id) FILTER (WHERE k.state = 'redeemed' AND k.redeemed_at < d.follow_up_at),
        (SELECT count(*) FROM coupons_claim u WHERE u.coupon_id = d.coupon_id AND u.state = 'redeemed'
            AND u.redeemed_at >= d.resumed_at AND u.redeemed_at < d.follow_up_at),
        (SELECT min(n.at) FROM coupons_diagnosis n WHERE n.coupon_id = d.coupon_id AND n.id > d.id)
    FROM coupons_diagnosis d
    LEFT JOIN coupons_claim k ON k.coupon_id = d.coupon_id AND k.claimed_at >= d.resumed_at AND k.claimed_at < d.follow_up_at
    WHERE d.id = ANY(%s) GROUP BY d.id
"""


def run() -> dict[str, int]:
    """One round: judge, examine, close, look back; answers how many of each. For the beat."""
    done: dict[str, int] = {}
    with across_stores("the effect watch judges the coupons of every store"):
        done["stopped"] = sum(_drain(partial(judge, signal)) for signal in risk.all_signals())
        done["examined"] = _drain(diagnosing.examine_due)
        done["closed"] = close_over(now=clock.read())
        done["measured"] = _drain(measure_due)
    beat(HEARTBEAT, **done)
    return done


def _drain(batch: Callable[[], int]) -> int:
    total = 0
    while taken := batch():
        total += taken
    return total


@transaction.atomic
def judge(signal: Signal, among: Collection[int] | None = None, *, now: datetime | None = None) -> int:
    """Stop one batch of the coupons that a signal warns of; answers how many. The signal is asked again once they are locked."""
    moment = now or clock.read()
    rules = policies.active(EffectWatchRules, moment)
    suspects = [one.coupon_id for one in signal.find(among=among, limit=rules.batch, now=moment)]
    if not suspects:
        return 0
    rows = Coupon.objects.filter(pk__in=suspects, state=CouponState.ACTIVE).order_by("id")
    held = list(
        rows.select_for_update(of=("self",), no_key=True, skip_locked=among is None).values_list("pk", flat=True)
    )
    found = signal.find(among=held, limit=rules.batch, now=moment) if held else []
    return stop(signal, found, now=moment)


def stop(signal: Signal, found: Sequence[Finding], *, now: datetime) -> int:
    """Stop the issuing of coupons that a signal warns of, begin their reports and tell their stores, within the caller's transaction."""
    by_id = {one.coupon_id: one for one in found}
    if not by_id:
        return 0
    moved = stopping.stop_issuing(by_id, by=PausedBy.EFFECT_WATCH, actor=ACTOR, reason=str(signal.key), now=now).moved
    reports = Diagnosis.objects.bulk_create(_report(row, by_id[row.id], now) for row in moved)
    told = zip(moved, reports, strict=True)
    _tell(((report.store_id, _warning(signal, row, by_id[row.id], report.pk)) for row, report in told), now=now)
    return len(moved)


def _report(row: stopping.Stood, found: Finding, now: datetime) -> Diagnosis:
    return Diagnosis(
        store_id=row.store_id,
        coupon_id=row.id,
        signal=found.signal,
        at=now,
        since=found.since,
        policy=found.policy[:160],
        claimed=found.claimed,
        redeemed=found.redeemed,
        report={"measured": str(found.measured), "limit": str(found.limit)},
    )


def _warning(signal: Signal, row: stopping.Stood, found: Finding, report: int) -> Note:
    params = {
        "code": row.code,
        "name": row.name,
        "report": report,
        "measured": str(found.measured),
        "limit": str(found.limit),
        "claimed": found.claimed,
        "redeemed": found.redeemed,
    }
    return Note(signal.message, f"{signal.message}:{report}", params, "coupon", row.code)


def _tell(told: Iterable[tuple[int, Note]], *, now: datetime) -> None:
    by_store: dict[int, list[Note]] = {}
    for store_id, note in told:
        by_store.setdefault(store_id, []).append(note)
    for store_id, notes in by_store.items():
        send_many(store_id, notes, now=now)


# -- what joins the watch to claiming and to resuming ------------------------------------------------------------------------


def refused(news: joined.Refused) -> None:
    """A claim too many from one address: judged at once, by the signal that reads such refusals (R69)."""
    signal = risk.signal_of(risk.AddressStorm.key)
    if news.code == VelocityFacts.code and signal is not None:
        judge(signal, [news.coupon_id], now=news.now)


def resumed(rows: Sequence[stopping.Stood], now: datetime) -> None:
    """Issuing goes on: whoever lifted a stop of the watch is looked back at after some days (R70). Within the caller's transaction."""
    ids = [row.id for row in rows if row.paused_by == PausedBy.EFFECT_WATCH]
    if not ids:
        return
    due = now + timedelta(days=policies.active(EffectWatchRules, now).follow_up_days)
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE coupons_diagnosis d SET resumed_at = %s, follow_up_at = %s, claimed_before = t.claimed,"
            " redeemed_before = t.redeemed FROM coupons_coupontally t"
            " WHERE t.coupon_id = d.coupon_id AND d.coupon_id = ANY(%s) AND d.resumed_at IS NULL AND d.closed_at IS NULL",
            [now, due, ids],
        )


def join() -> None:
    """Join claiming and resuming; called once, when the project starts."""
    joined.on_refused.join(refused)
    stopping.on_resumed(resumed)


# -- what becomes due --------------------------------------------------------------------------------------------------------


def close_over(*, now: datetime) -> int:
    """Close open reports of coupons that are over: nobody can resume them any more; answers how many. One statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE coupons_diagnosis d SET closed_at = coalesce(c.closed_at, %s) FROM coupons_coupon c"
            " WHERE c.id = d.coupon_id AND c.state IN ('expired', 'voided') AND d.resumed_at IS NULL AND d.closed_at IS NULL",
            [now],
        )
        return int(cursor.rowcount)


@transaction.atomic
def measure_due() -> int:
    """Look back at one batch of resumes whose days are over (R70): of what was claimed since, how much was redeemed; answers how many."""
    now = clock.read()
    rules = policies.active(EffectWatchRules, now)
    due = Diagnosis.objects.filter(measured_at=None, follow_up_at__lte=now).order_by("follow_up_at", "id")
    rows = list(
        due.select_for_update(of=("self",), no_key=True, skip_locked=True).select_related("coupon")[: rules.batch]
    )
    if not rows:
        return 0
    with connection.cursor() as cursor:
        cursor.execute(_MEASURE, [[row.pk for row in rows]])
        found = {pk: rest for pk, *rest in cursor.fetchall()}
    for row in rows:
        claims, used, uses, again = found[row.pk]
        row.measured_at = now
        row.after = {
            "claimed": claims,
            "redeemed": used,
            "uses": uses,
            "days": rules.follow_up_days,
            "again_at": clock.rfc3339(again) if again else None,
        }
    Diagnosis.objects.bulk_update(rows, ["measured_at", "after"])
    _tell(((row.store_id, _looked_back(row)) for row in rows), now=now)
    return len(rows)


def _looked_back(row: Diagnosis) -> Note:
    before, after = percent(row.redeemed, row.claimed), percent(row.after["redeemed"], row.after["claimed"])
    params = {
        "code": row.coupon.code,
        "name": row.coupon.name,
        "report": row.pk,
        "days": row.after["days"],
        "before": before,
        "after": after,
        "claimed": row.after["claimed"],
        "redeemed": row.after["redeemed"],
    }
    return Note(FOLLOW_UP, f"{FOLLOW_UP}:{row.pk}", params, "coupon", row.coupon.code)


def percent(part: int, whole: int) -> str:
    """`11.2`, or a dash where nothing was claimed."""
    return f"{part * 100 / whole:.1f}" if whole else "—"
