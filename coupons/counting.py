"""Claims counted by quarters of an hour, so that the funnel over months reads counters and not claims (R52, R153).

A quarter is counted once it has been over for `PATIENCE`, set-based and by nobody in a hurry: taking a claim writes nothing for it. What
changes about a claim afterwards (an order of its buyer, a redemption, an order called off, a claim that came late) is told as news by
triggers, in the transaction of the change; the next round takes it in. Whoever reads adds what is not counted yet, in one statement, so
that the sum is exact at any moment: counters, news, and the claims after the last counted quarter. No two rounds count one coupon at a
time.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction

import policies
from core import clock
from core.heartbeat import beat
from core.scopes import across_stores
from policies.rules import EffectWatchRules

HEARTBEAT = "coupons.count"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
QUARTER = timedelta(minutes=15)
#: For so long a claim may be on its way with the moment that it was asked at. Twice what the trigger `claim_came_late` looks for.
PATIENCE = timedelta(minutes=10)


def stage(ends: str) -> str:
    """SQL: the stage of claim `k`, 0 where nothing became of it; `ends` is SQL for its coupon's end. It counts as followed by an order when
    it was redeemed, or its buyer ordered in the store while the coupon was valid.
    """
    return f"""CASE WHEN k.state = 'redeemed' THEN 2 WHEN k.buyer <> '' AND EXISTS (
            SELECT FROM orders_order o WHERE o.store_id = k.store_id AND o.buyer = k.buyer AND o.buyer <> ''
                AND o.placed_at >= k.claimed_at AND o.placed_at < {ends} AND o.state <> 'cancelled'
        ) THEN 1 ELSE 0 END"""


def channels(coupon: str) -> str:
    """SQL: the channels of a coupon's claims, as a sub-select; steps from one to the next in the index. `coupon` is SQL for its id."""
    return f"""(
        WITH RECURSIVE step AS (
            (SELECT k.channel FROM coupons_claim k WHERE k.coupon_id = {coupon} ORDER BY k.channel LIMIT 1)
            UNION ALL
            SELECT (SELECT k.channel FROM coupons_claim k WHERE k.coupon_id = {coupon} AND k.channel > step.channel
                ORDER BY k.channel LIMIT 1)
            FROM step WHERE step.channel IS NOT NULL
        )
        SELECT step.channel FROM step WHERE step.channel IS NOT NULL
    )"""  # noqa: S608  # composed of constants


_DUE = """
    SELECT t.coupon_id FROM coupons_coupontally t LEFT JOIN coupons_counted d ON d.coupon_id = t.coupon_id
    WHERE t.claimed > coalesce(d.claims, 0) AND coalesce(d.until, %(epoch)s) < %(target)s
    UNION
    SELECT n.coupon_id FROM coupons_claimnews n JOIN coupons_claim k ON k.id = n.claim_id
    JOIN coupons_counted d ON d.coupon_id = n.coupon_id WHERE k.claimed_at < d.until
    LIMIT %(most)s
"""
_BEGIN = """
    INSERT INTO coupons_counted (coupon_id, store_id, until, claims)
    SELECT c.id, c.store_id, %(epoch)s, 0 FROM coupons_coupon c WHERE c.id = ANY(%(ids)s)
    ON CONFLICT (coupon_id) DO NOTHING
"""
_LOCK = """
    SELECT coupon_id FROM coupons_counted WHERE coupon_id = ANY(%(ids)s) ORDER BY coupon_id FOR NO KEY UPDATE SKIP LOCKED
"""
#: One statement sees one state of the rows: what it counts and what it takes from the news fit together.
_COUNT = f"""
    WITH mine AS MATERIALIZED (
        SELECT d.coupon_id, d.until AS since, greatest(d.until, %(target)s) AS until, c.ends_at
        FROM coupons_counted d JOIN coupons_coupon c ON c.id = d.coupon_id WHERE d.coupon_id = ANY(%(ids)s)
    ), fresh AS (
        SELECT k.* FROM mine m CROSS JOIN LATERAL {channels("m.coupon_id")} every
        CROSS JOIN LATERAL (
            SELECT k.id, k.store_id, k.coupon_id, k.channel, k.claimed_at, {stage("m.ends_at")} AS stage
            FROM coupons_claim k WHERE k.coupon_id = m.coupon_id AND k.channel = every.channel
                AND k.claimed_at >= m.since AND k.claimed_at < m.until
        ) k
    ), told AS (
        DELETE FROM coupons_claimnews n USING mine m, coupons_claim k
        WHERE n.coupon_id = m.coupon_id AND k.id = n.claim_id AND k.claimed_at < m.until
        RETURNING n.claim_id, n.late, m.ends_at, k.claimed_at < m.since AS counted
    ), changed AS (
        SELECT k.id, k.store_id, k.coupon_id, k.channel, k.claimed_at, {stage("n.ends_at")} AS stage,
            coalesce(s.stage, 0) AS was, n.late
        FROM (SELECT claim_id, ends_at, bool_or(late) AS late FROM told WHERE counted GROUP BY 1, 2) n
        JOIN coupons_claim k ON k.id = n.claim_id LEFT JOIN coupons_claimstage s ON s.claim_id = n.claim_id
    ), every_one AS (
        SELECT id, store_id, coupon_id, channel, claimed_at, stage, 0 AS was, 1 AS claims FROM fresh
        UNION ALL
        SELECT id, store_id, coupon_id, channel, claimed_at, stage, was, late::integer FROM changed
    ), raised AS (
        INSERT INTO coupons_claimstage (claim_id, store_id, stage)
        SELECT id, store_id, stage FROM every_one WHERE stage > 0 AND stage <> was
        ON CONFLICT (claim_id) DO UPDATE SET stage = EXCLUDED.stage
    ), fallen AS (
        DELETE FROM coupons_claimstage s USING changed c WHERE s.claim_id = c.id AND c.stage = 0
    ), sums AS (
        SELECT store_id, coupon_id, date_bin('15 minutes', claimed_at, %(epoch)s) AS at, channel, sum(claims)::integer AS claims,
            sum((stage > 0)::integer - (was > 0)::integer)::integer AS orders,
            sum((stage = 2)::integer - (was = 2)::integer)::integer AS redemptions
        FROM every_one GROUP BY 1, 2, 3, 4
    ), added AS (
        UPDATE coupons_claimcount h SET claims = h.claims + s.claims, orders = h.orders + s.orders,
            redemptions = h.redemptions + s.redemptions
        FROM sums s WHERE h.coupon_id = s.coupon_id AND h.at = s.at AND h.channel = s.channel
        RETURNING h.coupon_id, h.at, h.channel
    ), begun AS (
        INSERT INTO coupons_claimcount (store_id, coupon_id, at, channel, claims, orders, redemptions)
        SELECT s.store_id, s.coupon_id, s.at, s.channel, s.claims, s.orders, s.redemptions FROM sums s
        WHERE NOT EXISTS (SELECT FROM added a WHERE a.coupon_id = s.coupon_id AND a.at = s.at AND a.channel = s.channel)
    )
    UPDATE coupons_counted d SET until = m.until, claims = d.claims + coalesce((
        SELECT sum(s.claims) FROM sums s WHERE s.coupon_id = d.coupon_id), 0)
    FROM mine m WHERE d.coupon_id = m.coupon_id
"""  # noqa: S608  # composed of constants


def quarter(moment: datetime) -> datetime:
    """When the quarter of an hour of this moment began."""
    return moment - (moment - EPOCH) % QUARTER


def run() -> int:
    """Count what is due, a batch of coupons a transaction; answers how many coupons. For the beat."""
    total = 0
    with across_stores("claims of every store are counted"):
        while taken := count_due(now=clock.read()):
            total += taken
    beat(HEARTBEAT, counted=total)
    return total


@transaction.atomic
def count_due(*, now: datetime) -> int:
    """Count one batch of coupons that have claims or news to be counted; answers how many. Four statements for any number of rows."""
    given: dict[str, Any] = {
        "epoch": EPOCH,
        "target": quarter(now - PATIENCE),
        "most": policies.active(EffectWatchRules, now).batch,
    }
    with connection.cursor() as cursor:
        for name, statement in (("ids", _DUE), ("", _BEGIN), ("ids", _LOCK), ("", _COUNT)):
            cursor.execute(statement, given)
            if name:
                given[name] = [pk for (pk,) in cursor.fetchall()]
            if not given["ids"]:
                return 0
    return len(given["ids"])
