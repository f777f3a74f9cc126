"""Why closes fail: refused pauses and cancels, counted by the guard that refused them, from the record (R149).

The causes that the platform gives figures for stand by name; the rest of them is the bucket "other", as its shares leave a rest (R32).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

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
    SELECT NULL, count(DISTINCT id), 0 FROM causes WHERE NOT cause = ANY(%(named)s)
    UNION ALL
    (SELECT cause, count(*), 0 FROM causes GROUP BY cause ORDER BY 2 DESC, 1)
"""


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause: how many refused attempts had it, and their share of all refused ones in percent. `within`: part of the bucket "other"."""

    code: str
    title: str
    attempts: int
    share: float
    source_share: float | None
    within: bool = False


@dataclass(frozen=True, slots=True)
class Failures:
    """Attempts to pause or cancel in `[since, until)`; one refused attempt may have several causes: shares may exceed 100 together."""

    since: datetime
    until: datetime
    attempts: int
    refused: int
    causes: Sequence[Cause]
    other: Cause

    @property
    def rows(self) -> list[Cause]:
        """The table: causes with a figure to compare, also those that never came up; the bucket; its parts. Empty without a refusal."""
        if not self.refused:
            return []
        return [
            *(cause for cause in self.causes if not cause.within),
            self.other,
            *(cause for cause in self.causes if cause.within),
        ]


def of(store_id: int, *, since: datetime | None, until: datetime | None, now: datetime) -> Failures:
    """Count a store's refused closes in one statement; the last `failure_days` unless a span is given."""
    rules = policies.active(InsightRules, now)
    end = until or now + timedelta(microseconds=1)  # this very moment counts
    start = since or end - timedelta(days=rules.failure_days)
    values: dict[str, Any] = {"store": store_id, "actions": list(ACTIONS), "since": start, "until": end}
    values["named"] = list(rules.source_shares)
    with connection.cursor() as cursor:
        cursor.execute(_COUNT, values)
        (_none, attempts, refused), (_other, others, _zero), *rows = cursor.fetchall()
    counted = {code: count for code, count, _zero in rows}
    counted |= {code: 0 for code in rules.source_shares if code not in counted}
    known = rules.source_shares
    counted = dict(sorted(counted.items(), key=lambda one: (-one[1], -known.get(one[0], 0.0), one[0])))
    causes = [
        Cause(code, _title(code), count, _percent(count, refused), known.get(code), code not in known)
        for code, count in counted.items()
    ]
    rest = round(max(0.0, 100 - sum(known.values())), 1)
    return Failures(
        start, end, attempts, refused, causes, Cause("", _("Other causes"), others, _percent(others, refused), rest)
    )


def _percent(count: int, whole: int) -> float:
    return round(100 * count / whole, 1) if whole else 0.0


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
            if cause.attempts
        ],
        "other": {
            "attempts": found.other.attempts,
            "share": found.other.share,
            "source_share": found.other.source_share,
        },
    }
