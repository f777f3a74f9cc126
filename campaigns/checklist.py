"""What a close has to show before it is settled: display, coupons and archive verified (R40-R43). It stays open until all three are.

A point that is not verified in time is told to people once. When everything is verified and no check is planned any more, the close is
complete, and the hash of what was seen goes into the audit log, so that nobody can improve on it afterwards.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import orjson

import policies
from audit.actors import system
from audit.record import Entry, Target, record_many
from campaigns import steps
from campaigns.check_plan import OPEN
from campaigns.models import Check, CheckState, Closing
from core import display
from inbox.send import Note, send_many
from policies import timing
from policies.rules import ClosingRules

DISPLAY, COUPONS, ARCHIVE = "display", "coupons", "archive"
POINTS = (DISPLAY, COUPONS, ARCHIVE)
LATE = {DISPLAY: "ERR_CLOSE_UNVERIFIED", COUPONS: "ERR_CLOSE_COUPONS_OPEN", ARCHIVE: "ERR_CLOSE_ARCHIVE_LATE"}
ACTOR = system("system:closing")
FORMAT = 1


@dataclass(frozen=True, slots=True)
class Point:
    """One point of the list: when it was verified, and from when on it is late."""

    key: str
    verified_at: datetime | None
    due_at: datetime

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is open although its time is over."""
        return self.verified_at is None and now >= self.due_at


def points_of(closing: Closing) -> tuple[Point, ...]:
    """The three points of a close as they stand; no query."""
    rules = policies.active(ClosingRules, closing.closed_at)
    slack, limit = timedelta(seconds=rules.verify_slack), timing.verification_limit()
    final = closing.finalised_at or closing.closed_at + timing.cancel_hold()
    archive = max(timing.archive_delay(), timedelta(seconds=rules.archive_alarm))
    coupons = _step(closing, "void_coupons")
    return (
        Point(DISPLAY, closing.verified_at, closing.closed_at + limit + slack),
        Point(
            COUPONS,
            steps.moment(coupons["finished_at"]) if coupons and coupons["state"] == steps.DONE else None,
            final + limit + slack,
        ),
        Point(ARCHIVE, closing.archived_at, closing.closed_at + archive + slack),
    )


def next_due(closing: Closing) -> datetime | None:
    """When the next open point of which nobody was told becomes late."""
    times = [
        point.due_at for point in points_of(closing) if point.verified_at is None and point.key not in closing.overdue
    ]
    return min(times, default=None)


def settle(batch: Sequence[Closing], checks: Mapping[int, Sequence[Check]], *, now: datetime) -> None:
    """Complete the closes of which every point is verified, open again those that were complete and are not, tell what is late.

    The rows are locked, and saved by the caller. The number of statements does not depend on how many closes there are.
    """
    fresh: list[Closing] = []
    notes: dict[int, list[Note]] = {}
    for closing in batch:
        points = points_of(closing)
        waiting = any(check.state in OPEN for check in checks.get(closing.pk, ()))
        if waiting or any(point.verified_at is None for point in points):
            closing.completed_at, closing.evidence = None, ""
        elif closing.completed_at is None or _seen_since(checks.get(closing.pk, ()), closing.completed_at):
            closing.completed_at = now
            fresh.append(closing)
        verified = {point.key for point in points if point.verified_at is not None}
        late = [point for point in points if point.is_overdue(now) and point.key not in closing.overdue]
        closing.overdue = [key for key in closing.overdue if key not in verified] + [point.key for point in late]
        for point in late:
            notes.setdefault(closing.store_id, []).append(_note(closing, point, now))
    for store_id, rows in notes.items():
        send_many(store_id, _few(rows, now), now=now)
    _commit(fresh, now)


def document_of(closing: Closing, checks: Sequence[Check]) -> dict[str, Any]:
    """What was foreseen, what came of it and what was seen, as it is hashed when the close is complete. `checks` with their results."""
    return {
        "format": FORMAT,
        "campaign": closing.campaign.code,
        "store": closing.campaign.store.slug,
        "close_kind": str(closing.close_kind),
        "closed_at": _time(closing.closed_at),
        "finalised_at": _time(closing.finalised_at),
        "completed_at": _time(closing.completed_at),
        "forecast": closing.forecast,
        "result": closing.result,
        "differences": closing.differences,
        "order_flow": closing.order_flow,
        "checks": [
            {
                "number": check.number,
                "occasion": str(check.occasion),
                "due_at": _time(check.due_at),
                "started_at": _time(check.started_at),
                "finished_at": _time(check.finished_at),
                "state": str(check.state),
                "pages_done": check.pages_done,
                "pages_total": check.pages_total,
                "leftovers": check.leftover_count,
                "results": check.results,
            }
            | ({} if check.scope is None else {"scope": check.scope})
            for check in checks
            if check.state != CheckState.DROPPED and _counts(check, closing.completed_at)
        ],
    }


def _counts(check: Check, completed_at: datetime | None) -> bool:
    """Whether a check belongs to what was seen: a later look makes the close complete anew, and counts from then on."""
    return check.finished_at is not None and (completed_at is None or check.finished_at <= completed_at)


def _seen_since(checks: Sequence[Check], moment: datetime) -> bool:
    return any(one.finished_at is not None and one.finished_at > moment for one in checks)


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that are hashed: UTF-8, members sorted, no blanks."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def checks_of(closings: Sequence[Closing]) -> dict[int, list[Check]]:
    """All checks of these closes with what they saw, in their order; one query."""
    found: dict[int, list[Check]] = {}
    for check in Check.objects.filter(closing__in=[one.pk for one in closings]).order_by("due_at", "id"):
        found.setdefault(int(check.closing_id or 0), []).append(check)
    return found


def _commit(fresh: Sequence[Closing], now: datetime) -> None:
    if not fresh:
        return
    seen = checks_of(fresh)
    entries = []
    for closing in fresh:
        campaign = closing.campaign
        closing.evidence = hashlib.sha256(canonical(document_of(closing, seen.get(closing.pk, [])))).hexdigest()
        entries.append(
            Entry(
                "campaign.close_complete",
                Target("campaign", campaign.code, campaign.name, campaign.store_id, campaign.store.name),
                after={
                    "evidence_sha256": closing.evidence,
                    "archive_sha256": (_step(closing, "archive") or {"evidence": {}})["evidence"].get("sha256", ""),
                    "closed_at": closing.closed_at,
                    "checks": len(seen.get(closing.pk, [])),
                },
            )
        )
    record_many(entries, actor=ACTOR, now=now)


def _note(closing: Closing, point: Point, now: datetime) -> Note:
    code = closing.campaign.code
    minutes = max(0, int((now - closing.closed_at).total_seconds() // 60))
    return Note(
        LATE[point.key],
        f"overdue:{closing.pk}:{point.key}:{point.due_at:%Y%m%dT%H%M%S}",
        {"campaign": code, "code": code, "minutes": display.number(minutes)},
        "campaign",
        code,
    )


def _few(rows: Sequence[Note], now: datetime) -> list[Note]:
    """The messages, or one for all of them when they are so many that nobody would read them one by one."""
    if len(rows) <= policies.active(ClosingRules, now).overdue_messages:
        return list(rows)
    return [Note("ERR_CLOSES_OVERDUE", f"overdue:{rows[0].key}"[:128], {"n": display.number(len(rows))})]


def _step(closing: Closing, key: str) -> steps.Step | None:
    return next((step for step in closing.steps if step["key"] == key), None)


def _time(value: datetime | None) -> str | None:
    return None if value is None else value.isoformat()
