"""Finishing checks: the verdict on each, and what follows where something was left or could not be read (R43); set-based.

What is left is cleared, published again and looked at again; what is still there after that is told to people.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from datetime import datetime

import orjson
from django.db import OperationalError, connection, transaction

from campaigns import check_plan, finding, leftovers
from campaigns.edges import STOPPED
from campaigns.models import Campaign, Check, CheckState, Closing, Occasion
from policies.rules import ClosingRules

logger = logging.getLogger(__name__)

_FIELDS = ("state", "results", "pages_done", "leftover_count", "lease_until", "finished_at")
_SAVE = """
    UPDATE campaigns_check k SET state = v.state, results = v.results, pages_done = v.pages_done,
        leftover_count = v.leftover_count, lease_until = v.lease_until, finished_at = v.finished_at
    FROM jsonb_to_recordset(%s::jsonb) AS v(id bigint, state text, results jsonb, pages_done int, leftover_count int,
        lease_until timestamptz, finished_at timestamptz)
    WHERE k.id = v.id
"""
# How many looks in a row, the latest among them, were looks after a clearing.
_ROUNDS = """
    SELECT k.campaign_id, count(*) FROM campaigns_check k
    WHERE k.campaign_id = ANY(%s) AND k.finished_at IS NOT NULL AND k.state <> 'dropped' AND k.occasion = 'cleanup'
        AND NOT EXISTS (
            SELECT FROM campaigns_check o
            WHERE o.campaign_id = k.campaign_id AND o.finished_at IS NOT NULL AND o.state <> 'dropped'
                AND o.occasion <> 'cleanup' AND (o.finished_at, o.id) > (k.finished_at, k.id))
    GROUP BY 1
"""


def save(checks: Sequence[Check]) -> None:
    """Write what became of these checks in one statement."""
    if not checks:
        return
    rows = [{"id": check.pk} | {name: getattr(check, name) for name in _FIELDS} for check in checks]
    with connection.cursor() as cursor:
        cursor.execute(_SAVE, [orjson.dumps(rows).decode()])


def alive(ids: Sequence[int]) -> set[int]:
    """The checks that nobody dropped meanwhile; their rows stay locked."""
    rows = Check.objects.filter(pk__in=ids, state=CheckState.RUNNING).select_for_update(no_key=True).order_by("id")
    return set(rows.values_list("pk", flat=True))


def finish(checks: Sequence[Check], *, now: datetime, rules: ClosingRules) -> None:
    """Close these checks, whose pages were all read: clean, leftovers, or unreadable. A fault stays with its check, which comes again."""
    if not checks:
        return
    try:
        with transaction.atomic():
            _finish(checks, now, rules)
        return
    except OperationalError:
        raise
    except Exception:
        logger.exception("%s checks could not be finished together; trying them one by one", len(checks))
    for check in checks:
        try:
            with transaction.atomic():
                _finish([check], now, rules)
        except OperationalError:
            raise
        except Exception:
            logger.exception("check %s could not be finished", check.pk)


def _finish(checks: Sequence[Check], now: datetime, rules: ClosingRules) -> None:
    ids = {check.campaign_id for check in checks}
    campaigns = {row.pk: row for row in finding.locked(Campaign.objects.filter(pk__in=ids))}
    still = alive([check.pk for check in checks])
    done = [check for check in checks if check.pk in still]
    for check in done:
        for line in check.results:
            line["state"] = _verdict(line["leftovers"], line["failed"])
        check.state = _verdict(check.leftover_count, sum(line["failed"] for line in check.results))
        check.finished_at, check.lease_until = now, None
    save(done)
    unclean = [
        check
        for check in done
        if check.state != CheckState.PASSED and (check.skus or campaigns[check.campaign_id].state in STOPPED)
    ]
    if unclean:
        _again(unclean, campaigns, now, rules)
    closings = [check.closing_id for check in done if check.closing_id is not None]
    Closing.objects.filter(pk__in=closings, taken_back_at=None).update(next_due_at=now)


def _verdict(left: int, failed: int) -> str:
    if left:
        return str(CheckState.LEFTOVER)
    return str(CheckState.FAILED if failed else CheckState.PASSED)


def _again(unclean: Sequence[Check], campaigns: Mapping[int, Campaign], now: datetime, rules: ClosingRules) -> None:
    """Clear, publish again, look again; after the first look again that still finds something, tell people."""
    rounds = _rounds([check.campaign_id for check in unclean])
    left = {check.campaign_id: check for check in unclean if check.state == CheckState.LEFTOVER}
    if left:
        leftovers.clear([campaigns[pk] for pk in left], now=now)
        leftovers.report([campaigns[pk] for pk in left if rounds.get(pk, 0)], now=now)
    looks = []
    for check in unclean:
        tried = rounds.get(check.campaign_id, 0)
        if tried < rules.recheck_rounds:
            wait = rules.recheck_delay if tried else rules.recheck_delay_first
            looks.append(check_plan.Look(check.campaign_id, check.closing_id, wait, check.scope))
    check_plan.plan_each(looks, occasion=Occasion.CLEANUP, now=now)


def _rounds(campaign_ids: Sequence[int]) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(_ROUNDS, [sorted(set(campaign_ids))])
        return dict(cursor.fetchall())
