"""Figures that leave no trace of their own: how many SKUs were on promotion, how many public pages were as wanted.

Nothing else remembers them, so a sweep keeps the last reading of each day, a row for each store by its own calendar. A day
on which nothing ran has no row, and stays a gap wherever it is shown.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta

from django.db import connection

from accounts.models import Store
from core import display
from insights.models import StoreDay

# One statement for all stores; two sweeps at once write the same row, the later reading stays.
_READ = """
    INSERT INTO insights_storeday (store_id, day, read_at, promoted_skus, pages, pages_shown)
    SELECT s.id, z.day, %(now)s, coalesce(o.skus, 0), coalesce(p.pages, 0), coalesce(p.shown, 0)
    FROM accounts_store s
    JOIN unnest(%(zones)s::text[], %(days)s::date[]) AS z(zone, day) ON z.zone = s.time_zone
    LEFT JOIN (
        SELECT store_id, count(DISTINCT sku_id) AS skus FROM listings_liveoffer
        WHERE active AND starts_at <= %(now)s AND ends_at > %(now)s GROUP BY store_id
    ) o ON o.store_id = s.id
    LEFT JOIN (
        SELECT store_id, count(*) AS pages, count(*) FILTER (WHERE published_version >= desired_version) AS shown
        FROM publishing_publication GROUP BY store_id
    ) p ON p.store_id = s.id
    ON CONFLICT (store_id, day) DO UPDATE SET read_at = excluded.read_at, promoted_skus = excluded.promoted_skus,
        pages = excluded.pages, pages_shown = excluded.pages_shown
    WHERE excluded.read_at > insights_storeday.read_at
"""


def read_all(*, now: datetime) -> int:
    """Keep the reading of this moment for every store's day; answers how many stores were read."""
    zones = list(Store.objects.order_by().values_list("time_zone", flat=True).distinct())
    with connection.cursor() as cursor:
        cursor.execute(_READ, {"now": now, "zones": zones, "days": [_today(zone, now) for zone in zones]})
        return cursor.rowcount


def readings(store: Store, days: int, *, now: datetime) -> dict[date, StoreDay]:
    """What was read on the last `days` days before today, by day; days without a reading are missing. One query."""
    today = _today(store.time_zone, now)
    rows = StoreDay.objects.filter(store_id=store.pk, day__gte=today - timedelta(days=days - 1), day__lt=today)
    return {row.day: row for row in rows}


def _today(zone: str, now: datetime) -> date:
    return now.astimezone(display.zone(zone)).date()
