"""Why closes fail: refused pauses and cancels, counted by the guard that refused them, from the record (R149)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection

import policies
from core import clock
from inbox.catalogue import lookup
from policies.rules import InsightRules

ACTIONS = ("campaign.pause", "campaign.cancel")
# A refusal without a checklist (no right, operation lock, stale page) counts under its own code.
_COUNT = """
    WITH tried AS (
        SELECT id, result, code, after FROM audit_auditevent
        WHERE store_id = %(store)s AND action = ANY(%(actions)s) AND at >= %(since)s AND at < %(until)s
    ), causes AS (
        SELECT DISTINCT t.id, coalesce(b.value ->> 'code', t.code) AS cause
        FROM tried t
        LEFT JOIN LATERAL jsonb_array_elements(
            CASE WHEN jsonb_typeof(t.after -> 'blockers') = 'array' THEN t.after -> 'blockers' ELSE '[]' END
        ) AS b(value) ON true
        WHERE t.result = 'refused'
    )
    SELECT NULL, count(*), count(*) FILTER (WHERE result = 'refused') FROM tried
    UNION ALL
    (SELECT cause, count(*), 0 FROM causes GROUP BY cause ORDER BY 2 DESC, 1)
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how many refused attempts had it, and their share of all refused ones in percent."""

    code: str
    title: str
    attempts: int
    share: float
    source_share: float | None


@dataclass(frozen=True, slots=True)
class Failures:
    """Attempts to pause or cancel in `[since, until)`; one refused attempt may have several causes: shares may exceed 100 together."""

    since: datetime
    until: datetime
    attempts: int
    refused: int
    causes: Sequence[Cause]


def of(store_id: int, *, since: datetime | None, until: datetime | None, now: datetime) -> Failures:
    """Count a store's refused closes in one statement; the last `failure_days` unless a span is given."""
    rules = policies.active(InsightRules, now)
    end = until or now + timedelta(microseconds=1)  # this very moment counts
    start = since or end - timedelta(days=rules.failure_days)
    values: dict[str, Any] = {"store": store_id, "actions": list(ACTIONS), "since": start, "until": end}
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        (_none, attempts, refused), *rows = cursor.fetchall()
    causes = [
        Cause(code, _title(code), count, round(100 * count / refused, 1), rules.source_shares.get(code))
        for code, count, _zero in rows
    ]
    return Failures(start, end, attempts, refused, causes)


def _title(code: str) -> str:
    known = lookup(code)
    return str(known.title) if known else code


def document(found: Failures) -> dict[str, Any]:
    """As the API answers it."""
    return {
        "since": clock.rfc3339(found.since),
        "until": clock.rfc3339(found.until),
        "attempts": found.attempts,
        "refused": found.refused,
        "causes": [
            {
                "code": cause.code,
                "title": cause.title,
                "attempts": cause.attempts,
                "share": cause.share,
                "source_share": cause.source_share,
            }
            for cause in found.causes
        ],
    }
