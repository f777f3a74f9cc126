"""使用明细 of a coupon with a million rows against one with a thousand: pages, filters, deep pages, figures; and the plan of each page.

The floor is the same question about a thousand rows: what is indexed in the order of its pages costs no more at a million.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from django.db import connection
from django.test.utils import CaptureQueriesContext

import policies
from benchmarks.frame import database, interleaved, line, publish
from core.scopes import across_stores
from coupons import counting, mirror, usage
from coupons.funnel import funnel
from coupons.models import Coupon
from coupons.usage import UsageFilter
from policies.rules import EffectWatchRules

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)
PAGE_GOAL = 5.0
#: Seconds that the two figures of the effect page may take.
FIGURE_GOAL = 0.1
SMALL = 1000

_STORE = """
    INSERT INTO accounts_store (slug, name, name_zh, entity, account_state, kyc, currency, time_zone, opened_at, version)
    VALUES ('bench', 'Bench', '', 'company', 'normal', 'verified', 'USD', 'UTC', now(), 1) RETURNING id
"""
_CLAIMS = """
    INSERT INTO coupons_claim (store_id, coupon_id, code, buyer, country, channel, state, claimed_at, redeemed_at, order_code, amount,
        void_reason)
    SELECT %(store)s, %(coupon)s, %(tag)s || n, 'buyer-' || n, 'US', (ARRAY['push', 'email', 'off_site', 'product_page'])[1 + n %% 4],
        CASE WHEN n %% 5 = 0 THEN 'redeemed' ELSE 'claimed' END, %(from)s + n * %(step)s,
        CASE WHEN n %% 5 = 0 THEN %(from)s + n * %(step)s + interval '1 hour' END, CASE WHEN n %% 5 = 0 THEN %(tag)s || n ELSE '' END,
        CASE WHEN n %% 5 = 0 THEN 2.00 END, ''
    FROM generate_series(1, %(count)s) n
"""
_REFUSALS = """
    INSERT INTO coupons_refusal (store_id, coupon_id, phase, code, buyer, country, channel, hour, at, last_at, times, facts)
    SELECT %(store)s, %(coupon)s, 'order', (ARRAY['ERR_COUPON_MIN_ORDER', 'ERR_COUPON_REGION', 'ERR_COUPON_LIMIT'])[1 + n %% 3],
        'r-' || n, 'PL', 'push', date_trunc('hour', %(from)s + n * %(step)s), %(from)s + n * %(step)s, %(from)s + n * %(step)s, 1,
        CASE n %% 3 WHEN 0 THEN jsonb_build_object('eligible', (10 + n %% 10)::text, 'min_order', '20.00') ELSE '{}' END
    FROM generate_series(1, %(count)s) n
"""
_ROWS = {
    "first page": UsageFilter(),
    "refusals by code": UsageFilter(status="refused", code="ERR_COUPON_REGION"),
    "redeemed on a channel": UsageFilter(status="redeemed", channel="email"),
    "one day in the middle": UsageFilter(since=NOON - timedelta(days=16), until=NOON - timedelta(days=15)),
}


def run(*, quick: bool = False) -> bool:
    """Measure, publish, and say whether every page met its goal."""
    rows, rounds = (20_000, 3) if quick else (1_000_000, 7)
    with database("usage"), across_stores("a benchmark's own store"):
        small, large = _fill(rows)
        lines = []
        for name, wanted in _ROWS.items():
            page = partial(usage.page, wanted=wanted, size=50)
            lines.append(_line(name, small, large, page, rounds, _plan(large, page), goal=f"≤ {PAGE_GOAL:g}"))
        deep = partial(_deep, wanted=UsageFilter())
        lines.append(
            _line(
                "a page in the middle, by its cursor",
                small,
                large,
                deep,
                rounds,
                _plan(large, deep),
                goal=f"≤ {PAGE_GOAL:g}",
            )
        )
        lines.append(
            _line(
                "counts of the tabs", small, large, partial(usage.counts, wanted=UsageFilter(), limit=1001), rounds, ""
            )
        )
        figures = [
            _line(name, small, large, work, rounds, _took(work, large), goal=f"≤ {FIGURE_GOAL * 1000:.0f} ms")
            for name, work in (("funnel of 30 days", _funnel), ("refusal mirror of 30 days", _mirror))
        ]
    met = all(one.ratio <= PAGE_GOAL for one in lines if one.goal) and all(one.ours <= FIGURE_GOAL for one in figures)
    publish(
        "Usage of a coupon",
        [*lines, *figures],
        f"A coupon with {rows:,} claims and {rows // 5:,} refusals (ours) beside one with {SMALL:,} (floor). The funnel reads counters of"
        " quarters of an hour and the claims after the last one, the mirror the latest refusals of each code.",
        keep=not quick,
    )
    return met


def _fill(rows: int) -> tuple[Coupon, Coupon]:
    made = []
    with connection.cursor() as cursor:
        cursor.execute(_STORE)
        (store,) = cursor.fetchone()
        for tag, count in (("S", SMALL), ("L", rows)):
            coupon = Coupon.objects.create(
                store_id=store, code=tag, name=tag, kind="spend", face_value=2, currency="USD", min_order=20,
                starts_at=NOON - timedelta(days=30), ends_at=NOON + timedelta(days=30), quota=count, regions=["RU"],
                created_at=NOON - timedelta(days=31),
            )  # fmt: skip
            cursor.execute(
                "INSERT INTO coupons_coupontally (coupon_id, store_id, quota, claimed, redeemed, spent) VALUES (%s, %s, %s, %s, %s, 0)",
                [coupon.pk, store, count, count, count // 5],
            )
            given: dict[str, Any] = {"store": store, "coupon": coupon.pk, "tag": tag, "from": NOON - timedelta(days=30)}
            cursor.execute(_CLAIMS, given | {"count": count, "step": timedelta(days=30) / count})
            cursor.execute(_REFUSALS, given | {"count": count // 5, "step": timedelta(days=30) / (count // 5)})
            made.append(Coupon.objects.select_related("tally").get(pk=coupon.pk))
        while counting.count_due(now=NOON):
            pass
        cursor.execute(
            "VACUUM ANALYZE coupons_claim, coupons_refusal, coupons_claimcount, coupons_claimstage, coupons_claimnews"
        )
    return made[0], made[1]


Work = Callable[[Coupon], Any]


def _line(name: str, small: Coupon, large: Coupon, work: Work, rounds: int, note: str, goal: str = "") -> Any:
    measured = interleaved(lambda: None, lambda _none: work(small), lambda _none: work(large), rounds=rounds)
    return line(name, measured, goal=goal, note=note)


def _deep(coupon: Coupon, wanted: UsageFilter) -> Any:
    """A page from a cursor in the middle of the list."""
    edge = usage.page(coupon, UsageFilter(until=NOON - timedelta(days=15)), size=1)
    return usage.page(coupon, wanted, cursor=edge.next, size=50)


def _funnel(coupon: Coupon) -> Any:
    return funnel(coupon, since=NOON - timedelta(days=30), until=NOON, zone="UTC")


def _mirror(coupon: Coupon) -> Any:
    return mirror.groups_of([coupon], most=policies.active(EffectWatchRules, NOON).mirror_refusals, now=NOON)


def _took(work: Work, coupon: Coupon) -> str:
    began = time.perf_counter()
    work(coupon)
    return f"{time.perf_counter() - began:.2f} s once, cold"


def _plan(coupon: Coupon, work: Work) -> str:
    """The indexes that a page reads, from the plan of its own statement; a scan of a table is said to be one."""
    with CaptureQueriesContext(connection) as asked:
        work(coupon)
    statement = asked.captured_queries[-1]["sql"]
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (FORMAT JSON) " + statement.replace("%", "%%"), [])
        (found,) = cursor.fetchone()
    names: list[str] = []
    _walk(found[0]["Plan"], names)
    return "reads " + ", ".join(f"`{name}`" for name in dict.fromkeys(names))


def _walk(node: dict[str, Any], names: list[str]) -> None:
    if node["Node Type"] == "Seq Scan":
        names.append(f"every row of {node['Relation Name']}")
    elif "Index Name" in node:
        names.append(node["Index Name"])
    for below in node.get("Plans", ()):
        _walk(below, names)
