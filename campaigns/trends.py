"""How a store's campaigns stood on each of the last days, by the store's own calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection

from accounts.models import Store

# A campaign ran on a day if some moment of the day lies between its start and its close (or its end, while nobody has closed it); days and
# windows are half-open. Two arms, so that each reads the few rows its index leads to: those that are not over, and those closed since the
# first day. A cancel that is held has a close and is not over: it belongs to the first arm alone.
_DAYS = """
    WITH days AS (
        SELECT day::date AS day, (day::timestamp AT TIME ZONE %(zone)s) AS begins,
            ((day + interval '1 day')::timestamp AT TIME ZONE %(zone)s) AS ends
        FROM generate_series(
            (%(now)s AT TIME ZONE %(zone)s)::date - (%(days)s - 1), (%(now)s AT TIME ZONE %(zone)s)::date, interval '1 day'
        ) AS day
    ), ran AS (
        SELECT c.started_at AS since, least(c.ends_at, coalesce(c.closed_at, %(now)s)) AS until FROM campaigns_campaign c
        WHERE c.store_id = %(store)s AND c.state IN ('running', 'paused', 'ending', 'cancelling') AND c.started_at IS NOT NULL
        UNION ALL
        SELECT c.started_at, least(c.ends_at, c.closed_at) FROM campaigns_campaign c
        WHERE c.store_id = %(store)s AND c.closed_at >= (SELECT min(begins) FROM days) AND c.started_at IS NOT NULL
            AND c.state IN ('ended', 'cancelled')
    ), seen AS (
        SELECT l.first_seen_at AS since, coalesce(l.cleared_at, %(now)s) AS until FROM campaigns_leftover l
        WHERE l.store_id = %(store)s AND (l.cleared_at IS NULL OR l.cleared_at >= (SELECT min(begins) FROM days))
    )
    SELECT d.day,
        (SELECT count(*) FROM ran r WHERE r.since < d.ends AND r.until > d.begins),
        (SELECT count(*) FROM seen s WHERE s.since < d.ends AND s.until > d.begins)
    FROM days d ORDER BY d.day
"""


@dataclass(frozen=True, slots=True)
class DayFigures:
    """One day: campaigns that ran at some moment of it, leftovers that a buyer could see."""

    day: date
    running: int
    leftovers: int


def last_days(store: Store, days: int, *, now: datetime) -> list[DayFigures]:
    """The last `days` days up to today, today included; one query."""
    asked: dict[str, Any] = {"store": store.pk, "zone": store.time_zone, "days": days, "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_DAYS, asked)
        return [DayFigures(*row) for row in cursor.fetchall()]
