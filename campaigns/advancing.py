"""Carrying open closes forward: sites published, pages verified, data archived; each look set-based over many closes.

A close whose `next_due_at` has come is locked, looked at and given its next time; a crash anywhere leaves it due. What has been done is
read from the rows that did it (publications, checks, archives), so a second look changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import OperationalError, connection, transaction

import policies
from audit.record import Entry, Target, record_many
from campaigns import archive, checklist, offers, order_flow, steps
from campaigns.batches import Faulty, within
from campaigns.closing import save
from campaigns.edges import CLOSED, STOPPED
from campaigns.models import Check, CheckState, Closing, Leftover
from core import clock
from inbox.send import send
from policies import timing
from policies.rules import ClosingRules

logger = logging.getLogger(__name__)

_PUBLISHED = """
    SELECT i.campaign_id, count(*), count(*) FILTER (WHERE p.published_version >= p.desired_version)
    FROM (SELECT DISTINCT campaign_id, listing_id FROM campaigns_campaignitem WHERE campaign_id = ANY(%s)) i
    JOIN publishing_publication p ON p.listing_id = i.listing_id
    JOIN publishing_site s ON s.id = p.site_id AND s.is_active
    GROUP BY 1
"""


@dataclass(slots=True)
class _Looks:
    """What is known about a batch of closes: pages (all, published) by campaign, checks by closing, hashes of archives by campaign.

    `left`: campaigns of which something is still left, where some pages were looked at alone.
    """

    pages: Mapping[int, tuple[int, int]]
    checks: Mapping[int, list[Check]]
    archived: Mapping[int, str]
    broken: Mapping[int, str]
    left: frozenset[int]


def advance_due(skipped: frozenset[int] = frozenset(), singly: bool = False) -> int:
    """Carry one batch of due closes forward, in one transaction; answers how many were looked at. Raises Faulty.

    `skipped` are closes that could not be carried forward a moment ago; with `singly` one is taken at a time.
    """
    now = clock.read()
    rules = policies.active(ClosingRules, now)
    batch: list[Closing] = []
    try:
        with transaction.atomic():
            due = list(
                Closing.objects.filter(next_due_at__lte=now, taken_back_at=None)
                .exclude(pk__in=skipped)
                .select_related("campaign__store")
                .order_by("next_due_at", "id")
                .select_for_update(of=("self",), no_key=True, skip_locked=True)[: 1 if singly else rules.batch]
            )
            batch = within(due, rules.item_batch, lambda closing: closing.campaign.item_count)
            if batch:
                advance(batch, now=now)
    except OperationalError:
        raise
    except Exception as error:
        raise Faulty([closing.pk for closing in batch]) from error
    return len(batch)


def advance(batch: Sequence[Closing], *, now: datetime) -> None:
    """Look at these closes, whose rows the caller has locked, and write what became of each step."""
    rules = policies.active(ClosingRules, now)
    looks = _look(batch, now)
    _order_flow(batch, looks, rules, now)
    for closing in batch:
        publishing = _publishing(closing, looks.pages.get(closing.campaign_id, (0, 0)), rules, now)
        checks = looks.checks.get(closing.pk, [])
        verifying = _verifying(closing, checks, now, left=closing.campaign_id in looks.left)
        archiving = _archiving(closing, looks, rules, now)
        closing.steps = steps.put(closing.steps, [publishing, verifying, archiving])
        if verifying["state"] == steps.DONE:
            closing.verified_at = closing.verified_at or now
        else:
            closing.verified_at = None
    _record_archives(batch, looks, now)
    checklist.settle(batch, looks.checks, now=now)
    for closing in batch:
        closing.next_due_at = _next(closing, looks.checks.get(closing.pk, []), rules, now)
    save(batch)


def _look(batch: Sequence[Closing], now: datetime) -> _Looks:
    telling = [one.campaign_id for one in batch if steps.find(one.steps, "publish_sites")["state"] != steps.DONE]
    pages: dict[int, tuple[int, int]] = {}
    if telling:
        with connection.cursor() as cursor:
            cursor.execute(_PUBLISHED, [telling])
            pages = {pk: (total, published) for pk, total, published in cursor.fetchall()}
    checks: dict[int, list[Check]] = {}
    for check in Check.objects.filter(closing__in=[one.pk for one in batch]).defer("results").order_by("due_at", "id"):
        if check.closing_id is not None:
            checks.setdefault(check.closing_id, []).append(check)
    archived, broken = _archive([one for one in batch if _archive_due(one, now)], now)
    partly = [one.campaign_id for one in batch if any(check.scope for check in checks.get(one.pk, ()))]
    left: set[int] = set()
    if partly:
        left = set(Leftover.objects.filter(campaign__in=partly, cleared_at=None).values_list("campaign_id", flat=True))
    return _Looks(pages, checks, archived, broken, frozenset(left))


def _archive_due(closing: Closing, now: datetime) -> bool:
    if closing.finalised_at is None or closing.campaign.state not in CLOSED:
        return False
    step = steps.find(closing.steps, "archive")
    return bool(step["state"] != steps.DONE) and closing.closed_at + timing.archive_delay() <= now


def _order_flow(batch: Sequence[Closing], looks: _Looks, rules: ClosingRules, now: datetime) -> None:
    """Ask for dry quotes of the closes whose pages were read since they were asked last, or where the last answer was not clean (R47).

    What the quotes still find is switched off, as a leftover on a page would be.
    """
    due = [closing for closing in batch if _flow_due(closing, looks.checks.get(closing.pk, []), rules, now)]
    found = order_flow.look(due, now=now)
    for closing in due:
        if closing.pk in found:
            answer = found[closing.pk]
            clean = answer["state"] in order_flow.GOOD
            closing.order_flow = answer | {"tries": 0 if clean else closing.order_flow.get("tries", 0) + 1}
    left = [one for one in due if one.order_flow.get("state") == order_flow.LEFT and one.campaign.state in STOPPED]
    if left:
        offers.switch_off([one.campaign for one in left], now=now)


def _flow_due(closing: Closing, checks: Sequence[Check], rules: ClosingRules, now: datetime) -> bool:
    ended = [
        check.finished_at for check in checks if check.finished_at is not None and check.state != CheckState.DROPPED
    ]
    if not ended:
        return False
    asked = steps.moment(closing.order_flow.get("at"))
    if asked is None or max(ended) > asked:
        return True
    return closing.order_flow["state"] not in order_flow.GOOD and _flow_again(closing, rules) <= now


def _flow_again(closing: Closing, rules: ClosingRules) -> datetime:
    """When to ask again after an answer that was not clean: with back-off."""
    asked = steps.moment(closing.order_flow["at"]) or closing.closed_at
    return asked + timedelta(seconds=_wait(closing.order_flow.get("tries", 1), rules))


def _wait(attempts: int, rules: ClosingRules) -> float:
    return float(min(rules.step_backoff_cap, rules.step_backoff * 2 ** min(max(0, attempts - 1), 16)))


def _record_archives(batch: Sequence[Closing], looks: _Looks, now: datetime) -> None:
    """The hash of each archive goes into the record, so that the archive cannot be replaced unnoticed."""
    entries = [
        Entry(
            "campaign.archive",
            Target("campaign", one.campaign.code, one.campaign.name, one.store_id, one.campaign.store.name),
            after={"archive_sha256": looks.archived[one.campaign_id]},
        )
        for one in batch
        if one.campaign_id in looks.archived
    ]
    record_many(entries, actor=checklist.ACTOR, now=now)


def _archive(due: Sequence[Closing], now: datetime) -> tuple[dict[int, str], dict[int, str]]:
    """Archive what is due; when the batch fails, one by one, so that a fault stays with its campaign."""
    if not due:
        return {}, {}
    try:
        with transaction.atomic():
            return archive.build(due, now=now), {}
    except Exception:
        logger.exception("archiving %s campaigns failed; trying them one by one", len(due))
    done: dict[int, str] = {}
    broken: dict[int, str] = {}
    for closing in due:
        try:
            with transaction.atomic():
                done |= archive.build([closing], now=now)
        except Exception as error:
            logger.exception("archiving %s failed", closing.campaign.code)
            broken[closing.campaign_id] = f"{type(error).__name__}: {error}"
    return done, broken


def _publishing(closing: Closing, pages: tuple[int, int], rules: ClosingRules, now: datetime) -> steps.Step:
    step = steps.find(closing.steps, "publish_sites")
    if step["state"] == steps.DONE:
        return step
    total, published = pages
    late = now - closing.closed_at >= timedelta(seconds=rules.publish_alarm)
    if published < total and late and step["state"] != steps.FAILED:
        step = steps.failed(step, at=now, error=steps.UNPUBLISHED)
        return step | {"done": published, "total": total}
    if published < total and step["state"] == steps.FAILED:
        return step | {"done": published, "total": total}
    state = steps.DONE if published >= total else steps.RUNNING
    return steps.moved(step, state, at=now, done_count=published, total=total)


def _verdict(finished: Sequence[Check], left: bool) -> str:
    """What the looks come to. The last one decides; one at some pages only is clean when all pages were read and nothing is left."""
    last = finished[-1]
    if last.scope is None or last.state != CheckState.PASSED:
        return str(last.state)
    whole = [one for one in finished if one.scope is None]
    if not whole or whole[-1].state == CheckState.FAILED:
        return str(CheckState.FAILED)
    return str(CheckState.LEFTOVER if left else CheckState.PASSED)


def _verifying(closing: Closing, checks: Sequence[Check], now: datetime, *, left: bool) -> steps.Step:
    """The finished looks at the pages decide; later looks may open the step again."""
    step = steps.find(closing.steps, "verify")
    finished = [one for one in checks if one.state in (CheckState.PASSED, CheckState.LEFTOVER, CheckState.FAILED)]
    running = [one for one in checks if one.state == CheckState.RUNNING]
    shown = (running or finished)[-1] if running or finished else None
    waiting = [one for one in checks if one.state == CheckState.PENDING]
    figures = {
        "passed": sum(1 for one in finished if one.state == CheckState.PASSED),
        "planned": len([one for one in checks if one.state != CheckState.DROPPED]),
        "leftovers": shown.leftover_count if shown else 0,
        "next": waiting[0].due_at.isoformat() if waiting else None,
        "order_flow": closing.order_flow.get("state"),
    }
    seen, total = (shown.pages_done, shown.pages_total) if shown else (0, 0)
    if not finished:
        state = steps.RUNNING if running else steps.PENDING
        return steps.moved(step, state, at=now, done_count=seen, total=total, **figures)
    last = _verdict(finished, left)
    if last == CheckState.FAILED:
        looks = next((n for n, one in enumerate(reversed(finished)) if one.state != CheckState.FAILED), len(finished))
        step = steps.failed(step, at=now, error=steps.UNREAD, attempts=max(1, looks))
        return step | {"evidence": {**step["evidence"], **figures}}
    flow = closing.order_flow.get("state")
    if flow in (order_flow.LEFT, order_flow.BROKEN):
        error = steps.STILL_PRICED if flow == order_flow.LEFT else steps.NO_QUOTES
        step = steps.failed(step, at=now, error=error, attempts=closing.order_flow.get("tries", 1))
        return step | {"evidence": {**step["evidence"], **figures}}
    state = steps.DONE if last == CheckState.PASSED else steps.RUNNING
    return steps.moved(step, state, at=now, done_count=seen, total=total, **figures)


def _archiving(closing: Closing, looks: _Looks, rules: ClosingRules, now: datetime) -> steps.Step:
    step = steps.find(closing.steps, "archive")
    digest = looks.archived.get(closing.campaign_id)
    if digest is not None:
        closing.archived_at = now
        return steps.moved(step, steps.DONE, at=now, done_count=1, total=1, sha256=digest)
    error = looks.broken.get(closing.campaign_id)
    if error is None:
        return step
    step = steps.failed(step, at=now, error=error)
    if step["attempts"] == rules.step_attempts:
        _alarm(closing, step, now)
    return step


def _alarm(closing: Closing, step: steps.Step, now: datetime) -> None:
    """Tell people that a step failed; it goes on being tried."""
    code = closing.campaign.code
    params = {"campaign": code, "code": code, "error": step["error"], "step": step["key"]}
    key = f"step:{closing.pk}:{step['key']}:{step['attempts']}"
    send(closing.store_id, "ERR_CLOSE_STEP", params, key, "campaign", code, now=now)


def _next(closing: Closing, checks: Sequence[Check], rules: ClosingRules, now: datetime) -> datetime | None:
    """When to look again: soon for a young close, seldom for an old one, when a point becomes late; never once all is done."""
    age = (now - closing.closed_at).total_seconds()
    soon = now + timedelta(seconds=min(rules.poll_longest, max(rules.poll_first, age / 10)))
    publishing, archiving = steps.find(closing.steps, "publish_sites"), steps.find(closing.steps, "archive")
    times = []
    if publishing["state"] != steps.DONE:
        times.append(soon)
    for check in checks:
        if check.state == CheckState.RUNNING:
            times.append(soon)
        elif check.state == CheckState.PENDING:
            times.append(max(soon, check.due_at + timedelta(seconds=rules.poll_first)))
    if closing.order_flow.get("state") in (order_flow.LEFT, order_flow.BROKEN):
        times.append(max(soon, _flow_again(closing, rules)))
    if archiving["state"] != steps.DONE and closing.finalised_at is not None:
        again = now + timedelta(seconds=_wait(archiving["attempts"], rules)) if archiving["attempts"] else now
        times.append(max(closing.closed_at + timing.archive_delay(), again))
    if (late := checklist.next_due(closing)) is not None:
        times.append(late)
    return min(times, default=None)
