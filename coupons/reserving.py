"""Stock that coupons in force hold back (R59): `Sku.reserved` is the sum of the reservations of its coupons.

A coupon holds min(what is left of its quota, what can be had) of every SKU of its pool, from its activation until it is stopped, voided
or over; as its quota is used up it lets go (`use`, `trim`). Stock that comes later is everybody's. Whoever redeems the coupon may take of
what it holds; for everybody else it is not there.

Rows are locked in one order everywhere: counters of coupons, then SKUs by id, then their reservations.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from core import clock, outbox
from core.models import OutboxMessage
from core.scopes import across_stores
from coupons.pool import SKUS
from listings.models import Sku
from listings.signals import listings_changed
from policies import timing

SURPLUS = "coupons.surplus"
_LOCK = f"""
    SELECT k.id FROM listings_sku k WHERE k.id IN (
        SELECT s.id {SKUS} UNION SELECT r.sku_id FROM coupons_reservation r WHERE r.coupon_id = ANY(%(ids)s)
    ) ORDER BY k.id FOR NO KEY UPDATE
"""  # noqa: S608  # composed of constants
#: The coupons of one call share a SKU in the order of their ids: each gets what the ones before it leave.
_HOLD = f"""
    WITH goods AS (SELECT named.coupon_id, s.id AS sku_id, s.stock, s.reserved {SKUS}),
    mine AS (
        SELECT r.sku_id, sum(r.units) AS units FROM coupons_reservation r WHERE r.coupon_id = ANY(%(ids)s) GROUP BY r.sku_id
    ),
    asked AS (
        SELECT g.coupon_id, g.sku_id, t.store_id, t.quota - t.redeemed AS wanted,
            greatest(0, g.stock - g.reserved + coalesce(m.units, 0)) AS free,
            sum(t.quota - t.redeemed) OVER (PARTITION BY g.sku_id ORDER BY g.coupon_id) AS up_to
        FROM goods g JOIN coupons_coupontally t ON t.coupon_id = g.coupon_id LEFT JOIN mine m ON m.sku_id = g.sku_id
    ),
    given AS (
        SELECT coupon_id, sku_id, store_id, least(wanted, greatest(0, free - (up_to - wanted)))::integer AS units FROM asked
    ),
    gone AS (
        DELETE FROM coupons_reservation r WHERE r.coupon_id = ANY(%(ids)s) AND NOT EXISTS (
            SELECT FROM given v WHERE v.coupon_id = r.coupon_id AND v.sku_id = r.sku_id AND v.units > 0)
    ),
    kept AS (
        INSERT INTO coupons_reservation (store_id, coupon_id, sku_id, units)
        SELECT store_id, coupon_id, sku_id, units FROM given WHERE units > 0
        ON CONFLICT (coupon_id, sku_id) DO UPDATE SET units = EXCLUDED.units
    ),
    moved AS (
        SELECT sku_id, sum(units) AS units FROM (
            SELECT sku_id, units FROM given UNION ALL SELECT sku_id, -units FROM mine
        ) both_sides GROUP BY sku_id HAVING sum(units) <> 0
    ),
    written AS (
        UPDATE listings_sku s SET reserved = s.reserved + m.units FROM moved m WHERE s.id = m.sku_id
        RETURNING s.store_id, s.listing_id, s.stock > s.reserved AS now_in, s.stock > s.reserved - m.units AS was_in
    )
    SELECT 'listing', store_id, listing_id::bigint FROM written WHERE now_in <> was_in
    UNION ALL SELECT 'units', coupon_id, sum(units)::bigint FROM given GROUP BY coupon_id
"""  # noqa: S608  # composed of constants
_LOCK_HELD = """
    SELECT k.id FROM listings_sku k WHERE k.id IN (SELECT r.sku_id FROM coupons_reservation r WHERE r.coupon_id = ANY(%(ids)s))
    ORDER BY k.id FOR NO KEY UPDATE
"""
_RELEASE = """
    WITH gone AS (
        DELETE FROM coupons_reservation r WHERE r.coupon_id = ANY(%(ids)s) RETURNING r.coupon_id, r.sku_id, r.units
    ),
    moved AS (SELECT sku_id, sum(units) AS units FROM gone GROUP BY sku_id),
    written AS (
        UPDATE listings_sku s SET reserved = greatest(0, s.reserved - m.units) FROM moved m WHERE s.id = m.sku_id
        RETURNING s.store_id, s.listing_id, s.stock > s.reserved AS now_in, s.stock > s.reserved + m.units AS was_in
    )
    SELECT 'listing', store_id, listing_id::bigint FROM written WHERE now_in <> was_in
    UNION ALL SELECT 'units', coupon_id, sum(units)::bigint FROM gone GROUP BY coupon_id
"""
_USE = """
    WITH fit AS (
        SELECT r.id, r.sku_id, r.units,
            least(r.units, t.quota - t.redeemed, greatest(0, s.stock - (s.reserved - r.units)))::integer AS left_over
        FROM coupons_reservation r
        JOIN coupons_coupontally t ON t.coupon_id = r.coupon_id
        JOIN listings_sku s ON s.id = r.sku_id
        WHERE r.coupon_id = %(coupon)s AND r.sku_id = ANY(%(skus)s)
    ),
    kept AS (
        UPDATE coupons_reservation r SET units = f.left_over FROM fit f WHERE r.id = f.id AND f.left_over <> f.units
    )
    UPDATE listings_sku s SET reserved = greatest(0, s.reserved - (f.units - f.left_over)) FROM fit f
    WHERE s.id = f.sku_id AND f.left_over <> f.units
"""
_TRIM = """
    WITH fit AS (
        SELECT r.id, r.coupon_id, r.sku_id, r.units, greatest(0, t.quota - t.redeemed) AS left_over
        FROM coupons_reservation r JOIN coupons_coupontally t ON t.coupon_id = r.coupon_id
        WHERE r.coupon_id = ANY(%(ids)s) AND r.units > t.quota - t.redeemed
    ),
    gone AS (DELETE FROM coupons_reservation r USING fit f WHERE r.id = f.id AND f.left_over = 0),
    kept AS (UPDATE coupons_reservation r SET units = f.left_over FROM fit f WHERE r.id = f.id AND f.left_over > 0),
    moved AS (SELECT sku_id, sum(units - left_over) AS units FROM fit GROUP BY sku_id),
    written AS (
        UPDATE listings_sku s SET reserved = greatest(0, s.reserved - m.units) FROM moved m WHERE s.id = m.sku_id
        RETURNING s.store_id, s.listing_id, s.stock > s.reserved AS now_in, s.stock > s.reserved + m.units AS was_in
    )
    SELECT 'listing', store_id, listing_id::bigint FROM written WHERE now_in <> was_in
    UNION ALL SELECT 'units', coupon_id, sum(units - left_over)::bigint FROM fit GROUP BY coupon_id
"""
_HELD = """
    SELECT r.sku_id, sum(r.units) FROM coupons_reservation r
    WHERE r.coupon_id = ANY(%(ids)s) AND r.sku_id = ANY(%(skus)s) GROUP BY r.sku_id
"""
#: The same of one SKU, `s` of the statement that this is part of.
HELD = "coalesce((SELECT sum(r.units) FROM coupons_reservation r WHERE r.sku_id = s.id AND r.coupon_id = ANY(%(ids)s)), 0)::integer"
_GAUGE = f"""
    SELECT named.coupon_id, count(*), count(*) FILTER (WHERE s.stock > s.reserved), min(s.stock_as_of),
        count(*) FILTER (WHERE s.stock_synced_at IS NOT NULL AND ({{stale}}))
    {SKUS} AND l.state = 'on_sale' GROUP BY named.coupon_id
"""
#: A figure that another system keeps is too old to trust when it came late, or when the next one should have come and did not (R65, R183).
STALE = """
    s.stock_synced_at - s.stock_as_of > %(stale)s OR s.stock_synced_at + %(period)s + %(stale)s < %(now)s
"""
_UNITS = "SELECT coupon_id, sum(units) FROM coupons_reservation WHERE coupon_id = ANY(%(ids)s) GROUP BY coupon_id"


@dataclass(frozen=True, slots=True)
class Gauge:
    """Of a coupon's products on sale: how many there are, how many can be had, since when the oldest stock figure stands, how many of
    the figures are too old to trust; and the units that the coupon holds back.
    """

    skus: int = 0
    in_stock: int = 0
    reserved_units: int = 0
    oldest: datetime | None = None
    stale: int = 0

    @property
    def percent(self) -> float | None:
        """The in-stock rate in percent (R59); None without products on sale."""
        return 100 * self.in_stock / self.skus if self.skus else None


@transaction.atomic
def hold(coupon_ids: Collection[int], *, now: datetime) -> dict[int, int]:
    """Hold stock back for these coupons, anew for those that hold some; answers the units of each. Three statements for any number."""
    return _move(_LOCK, _HOLD, coupon_ids, now)


@transaction.atomic
def release(coupon_ids: Collection[int], *, now: datetime) -> dict[int, int]:
    """Let go what these coupons hold; answers the units of each that held some. Two statements for any number."""
    return _move(_LOCK_HELD, _RELEASE, coupon_ids, now)


def _move(lock: str, statement: str, coupon_ids: Collection[int], now: datetime) -> dict[int, int]:
    ids = {"ids": sorted(coupon_ids)}
    if not ids["ids"]:
        return {}
    listings: dict[int, set[int]] = {}
    units: dict[int, int] = {}
    with connection.cursor() as cursor:
        cursor.execute(lock, ids)
        cursor.execute(statement, ids)
        for kind, key, value in cursor.fetchall():
            if kind == "listing":
                listings.setdefault(key, set()).add(value)
            else:
                units[key] = value
    for store_id in sorted(listings):
        listings_changed.send(Sku, store_id=store_id, listing_ids=sorted(listings[store_id]), now=now)
    return units


def held(coupon_ids: Collection[int], sku_ids: Collection[int]) -> Counter[int]:
    """Units of each SKU that these coupons hold between them; one query, none without coupons."""
    if not coupon_ids or not sku_ids:
        return Counter()
    with connection.cursor() as cursor:
        cursor.execute(_HELD, {"ids": list(coupon_ids), "skus": list(sku_ids)})
        return Counter(dict(cursor.fetchall()))


def use(coupon_ids: Iterable[int], sku_ids: Collection[int]) -> None:
    """After an order has taken its units and redeemed these coupons: bring what they hold of its SKUs down to what is left of quota and
    stock. The SKUs are locked by the caller.
    """
    with connection.cursor() as cursor:
        for coupon_id in sorted(coupon_ids):
            cursor.execute(_USE, {"coupon": coupon_id, "skus": list(sku_ids)})


def trim_later(left: Mapping[int, int], *, store_id: int, now: datetime) -> None:
    """After redemptions that left so much of these coupons' quotas: have what their other products hold brought down to it.

    A pool can have a hundred thousand products, so an order does not wait for that; and it is done as often as what is left has halved,
    down to nothing, not at each redemption.
    """
    halved = {str(pk): {"coupon": pk} for pk, units in left.items() if not units & (units - 1)}
    if halved:
        outbox.put_once(SURPLUS, halved, store_id=store_id, now=now)


@outbox.handles(SURPLUS)
def trim(message: OutboxMessage) -> None:
    """Let go what a coupon holds beyond what is left of its quota."""
    with across_stores("the message names the coupon"), transaction.atomic():
        _move(_LOCK_HELD, _TRIM, [message.payload["coupon"]], clock.now())


def freshness(now: datetime) -> dict[str, Any]:
    """The parameters of `STALE`."""
    return {"period": timing.stock_sync_period(), "stale": timing.stock_stale_after(), "now": now}


def gauges(coupon_ids: Collection[int], *, now: datetime) -> dict[int, Gauge]:
    """The in-stock gauge of each of these coupons; two queries."""
    given: Mapping[str, Any] = {"ids": list(coupon_ids), **freshness(now)}
    with connection.cursor() as cursor:
        cursor.execute(_UNITS, given)
        units = dict(cursor.fetchall())
        cursor.execute(_GAUGE.format(stale=STALE), given)
        rows = {row[0]: row[1:] for row in cursor.fetchall()}
    found = {}
    for coupon_id in coupon_ids:
        skus, in_stock, oldest, stale = rows.get(coupon_id, (0, 0, None, 0))
        found[coupon_id] = Gauge(skus, in_stock, int(units.get(coupon_id, 0)), oldest, stale)
    return found
