"""Due work, found in the database by the database's clock: start, end, close, finalise, lapse, and open closes.

Each function takes one batch of due rows with `FOR UPDATE SKIP LOCKED` and does it in one transaction; it answers how many rows it
took, so that callers go on until nothing is due. Two sweeps at once share the work; a crash leaves rows due.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from datetime import datetime
from functools import partial

from django.db import OperationalError, transaction
from django.db.models import Q

import policies
from accounts.models import Store
from audit.actors import system
from audit.record import Entry, Target, record_many
from campaigns import check_plan, closing, coupon_acts, offers, parking
from campaigns.advancing import advance_due
from campaigns.batches import Faulty, within
from campaigns.edges import set_state_of, sources
from campaigns.events import Event, tell
from campaigns.models import Campaign, CampaignState, Closing
from campaigns.retrying import retried
from campaigns.starting import start_now
from core import clock
from core.heartbeat import beat
from core.scopes import across_stores
from policies import timing
from policies.rules import ClosingRules

logger = logging.getLogger(__name__)

#: One batch: which rows to leave out, and whether to take them one by one; answers how many were taken.
Job = Callable[[frozenset[int], bool], int]

S = CampaignState
ACTOR = system("system:sweep")
HEARTBEAT = "campaigns.sweep"
#: What the jobs read of a campaign; the rest of its columns would take longer to load than the work to do.
NEEDED = (
    "store_id", "code", "name", "state", "version", "starts_at", "ends_at", "started_at", "closed_at", "item_count",
    "stop_reason",
)  # fmt: skip


def run() -> dict[str, int]:
    """Do everything that is due, batch after batch, and leave a beat; answers how many campaigns each job took, and how many it could not.

    A job that meets a fault does the rest one by one, so that the fault stays with its campaign; the other jobs go on.
    """
    done: dict[str, int] = {}
    failed = 0
    with across_stores("sweeps find what is due in every store"):
        for name, job in JOBS.items():
            done[name], broken = _drain(job, done)
            failed += broken
    done["failed"] = failed
    beat(HEARTBEAT, **done)
    return done


def _drain(job: Job, done: dict[str, int]) -> tuple[int, int]:
    """Batches until nothing is due; answers how many rows were done, and how many could not be."""
    total = 0
    broken: set[int] = set()
    singly = False
    while True:
        try:
            taken = retried(partial(job, frozenset(broken), singly))
        except Faulty as fault:
            logger.exception("%s: a batch of %s could not be done", fault, fault.ids[:20])
            if singly or not fault.ids:
                broken.update(fault.ids)
            if not fault.ids:
                return total, len(broken) + 1
            singly = True
            continue
        if not taken:
            return total, len(broken)
        total += taken
        beat(HEARTBEAT, **done, at_work=total)


def _take(due: Q, order: str, rules: ClosingRules, skipped: frozenset[int], singly: bool) -> list[Campaign]:
    """Lock one batch of due campaigns that no other worker holds, small enough for one transaction."""
    rows = (
        Campaign.objects.filter(due)
        .exclude(pk__in=skipped)
        .only(*NEEDED)
        .order_by(order, "id")
        .select_for_update(of=("self",), no_key=True, skip_locked=True)[: 1 if singly else rules.batch]
    )
    taken = within(list(rows), rules.item_batch, lambda row: row.item_count)
    stores = Store.objects.in_bulk({row.store_id for row in taken})
    known = Campaign._meta.get_field("store")
    for row in taken:
        known.set_cached_value(row, stores[row.store_id])  # as `row.store = …`, without its look at who belongs to whom
    return taken


def _job(due: Callable[[datetime], Q], order: str, work: Callable[[list[Campaign], datetime], None]) -> Job:
    """A job over campaigns: one batch in one transaction, by the database's clock of that moment."""

    def once(skipped: frozenset[int] = frozenset(), singly: bool = False) -> int:
        now = clock.read()
        rows: list[Campaign] = []
        try:
            with transaction.atomic():
                rows = _take(due(now), order, policies.active(ClosingRules, now), skipped, singly)
                if rows:
                    work(rows, now)
        except OperationalError:
            raise
        except Exception as error:
            raise Faulty([row.id for row in rows]) from error
        return len(rows)

    return once


def _start(rows: list[Campaign], now: datetime) -> None:
    start_now(rows, now=now, actor=ACTOR)


def _reach_end(rows: list[Campaign], now: datetime) -> None:
    ids = [row.id for row in rows]
    before = {row.id: row.state for row in rows}
    set_state_of(ids, transition="reach_end", now=now)
    shown = [row for row in rows if row.started_at is not None]
    if shown:
        offers.tell_sites(shown, now=now)
    check_plan.drop([row.id for row in rows if before[row.id] == S.PAUSED], now=now)
    _record("campaign.reach_end", rows, before, S.ENDING, now)


def _close(rows: list[Campaign], now: datetime) -> None:
    closing.close_ended(rows, now=now)


def _finalise(rows: list[Campaign], now: datetime) -> None:
    closing.finalise(rows, now=now)


def _lapse(rows: list[Campaign], now: datetime) -> None:
    before = {row.id: row.state for row in rows}
    set_state_of([row.id for row in rows], transition="reject", now=now, reviewed_at=now, review_reason="lapsed")
    _record("campaign.lapse", rows, before, S.REJECTED, now)
    tell([Event("campaign.rejected", row, {"state": S.REJECTED}) for row in rows], now=now)


start_due = _job(lambda now: Q(state=S.SCHEDULED, starts_at__lte=now, ends_at__gt=now), "starts_at", _start)
"""Scheduled campaigns whose start has come and whose end has not."""

reach_end = _job(lambda now: Q(state__in=sorted(sources("reach_end")), ends_at__lte=now), "ends_at", _reach_end)
"""At `ends_at`: over for buyers by the clock already; here the state follows and the sites are told (R35)."""

close_due = _job(lambda now: Q(state=S.ENDING, ends_at__lte=now - timing.expiry_grace()), "ends_at", _close)
"""At `ends_at` plus the grace: `ended`, offers off, report, checks (R35)."""

finalise_due = _job(lambda now: Q(state=S.CANCELLING, cancel_final_at__lte=now), "cancel_final_at", _finalise)
"""Cancels whose hold is over become final (R6)."""

lapse_review = _job(lambda now: Q(state=S.IN_REVIEW, ends_at__lte=now), "ends_at", _lapse)
"""Enrolments still in review at their end are rejected."""


def _record(action: str, rows: list[Campaign], before: dict[int, str], state: str, now: datetime) -> None:
    policy = policies.active(ClosingRules, now).cited
    record_many(
        [
            Entry(
                action,
                Target("campaign", row.code, row.name, store_id=row.store_id, store_label=row.store.name),
                before={"state": before[row.id]},
                after={"state": state, "ends_at": row.ends_at, "policy": policy},
            )
            for row in rows
        ],
        actor=ACTOR,
        now=now,
    )


def oldest_due(now: datetime) -> datetime | None:
    """Since when the oldest due campaign or close has been waiting; None when nothing is due. For health (two queries)."""
    with across_stores("health looks at all due work"):
        campaign_rows = Campaign.objects.filter(
            Q(state=S.SCHEDULED, starts_at__lte=now)
            | Q(state__in=sorted(sources("reach_end")), ends_at__lte=now)
            | Q(state=S.ENDING, ends_at__lte=now - timing.expiry_grace())
            | Q(state=S.CANCELLING, cancel_final_at__lte=now)
        )
        since = [_due_at(row) for row in campaign_rows.order_by("ends_at")[:100]]
        step = Closing.objects.filter(next_due_at__lte=now, taken_back_at=None).order_by("next_due_at").first()
    if step is not None and step.next_due_at is not None:
        since.append(step.next_due_at)
    return min(since, default=None)


def _due_at(row: Campaign) -> datetime:
    if row.state == S.CANCELLING and row.cancel_final_at is not None:
        return row.cancel_final_at
    if row.state == S.ENDING:
        return row.ends_at + timing.expiry_grace()
    return min(row.starts_at, row.ends_at) if row.state == S.SCHEDULED else row.ends_at


JOBS: dict[str, Job] = {
    "started": start_due,
    "reached_end": reach_end,
    "closed": close_due,
    "finalised": finalise_due,
    "lapsed": lapse_review,
    "advanced": advance_due,
    "parked": parking.look_due,
    "coupons_expired": coupon_acts.expire_due,
}
