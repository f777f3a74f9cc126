"""The campaign list, 50 rows, as a page: a store with 100 campaigns against one with 100,000, requests in turn.

The floor is the page of the small store: what it costs to draw fifty rows. A list that pages by key and counts no further than
it shows must cost the same whatever the store holds.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from datetime import UTC, datetime

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Store, User
from benchmarks.frame import Line, database, peak_memory, publish, reset_peak

RATIO_GOAL = 1.5
QUERIES_GOAL = 10
SMALL, LARGE = 100, 100_000
PAGES = ("", "?state=running", "?tab=live")
_CAMPAIGNS = """
    INSERT INTO campaigns_campaign (store_id, code, kind, name, name_zh, state, starts_at, ends_at, rules, price_protected,
        logistics_guarantee, platform_enforced, min_items, stacks, freeze_claimed, item_count, stop_reason, stop_note,
        state_before_cancel, lock_holder, version)
    SELECT %(store)s, %(tag)s || lpad(n::text, 6, '0'), 'limited_time_discount',
        'Weekly offer ' || n, '', CASE WHEN n <= 60 THEN 'running' ELSE 'ended' END,
        now() - interval '1 day', now() + interval '7 days', '{}', false, false, false, 0, false, false, 10, '', '', '', '', 1
    FROM generate_series(1, %(count)s) AS n
"""


def run(*, quick: bool) -> bool:
    """Measure and print; answers whether queries and ratio met their goals."""
    rounds = 20 if quick else 120
    large = 5_000 if quick else LARGE
    with database("lists"):
        clients = {size: open_shop(f"shop{size}", size) for size in (SMALL, large)}
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE")
        lines = [_measure(clients, page, rounds, large) for page in PAGES]
        _check_plan(clients[large])
        publish(
            "The campaign list",
            lines,
            f"One page of 50 rows, rendered whole (frame, filters, tabs, table), p95 of {rounds} requests each; “floor” is the same page"
            f" of a store with {SMALL} campaigns, “ours” that of one with {large:,}, sixty running in either."
            " Without sockets: Django's own client.",
            keep=not quick,
        )
    return all(line.ratio <= RATIO_GOAL and line.queries <= QUERIES_GOAL for line in lines)


@dataclass(frozen=True)
class Visitor:
    """A store and its owner, signed in; each store has an owner of its own, as most have."""

    store: Store
    client: Client

    def get(self, page: str) -> None:
        """Open the list."""
        answer = self.client.get(f"/s/{self.store.slug}/campaigns/{page}")
        assert answer.status_code == 200, answer.status_code

    def queries(self, page: str) -> int:
        """How many queries the page needs."""
        with CaptureQueriesContext(connection) as captured:
            self.get(page)
        return len(captured)


def open_shop(slug: str, count: int) -> Visitor:
    """A store with this many campaigns, sixty of them running, and its owner signed in."""
    user = User.objects.create_user(f"{slug}@bench.test", "bench-bench-bench")
    store = Store.objects.create(slug=slug, name=slug, opened_at=datetime.now(UTC))
    Membership.objects.create(store=store, user=user, is_owner=True)
    with connection.cursor() as cursor:
        cursor.execute(_CAMPAIGNS, {"store": store.pk, "tag": f"C-{len(str(count))}", "count": count})
    client = Client(headers={"host": "127.0.0.1"})
    client.force_login(user)
    return Visitor(store, client)


def _measure(visitors: dict[int, Visitor], page: str, rounds: int, large: int) -> Line:
    times: dict[int, list[float]] = {size: [] for size in visitors}
    for visitor in visitors.values():
        visitor.get(page)
    reset_peak()
    for turn in range(rounds):
        for size in sorted(visitors, reverse=bool(turn % 2)):
            began = time.perf_counter()
            visitors[size].get(page)
            times[size].append(time.perf_counter() - began)
    counts = {size: visitor.queries(page) for size, visitor in visitors.items()}
    small, big = (statistics.quantiles(times[size], n=20)[-1] for size in (SMALL, large))
    note = (
        ""
        if counts[SMALL] == counts[large]
        else f"{counts[SMALL]} queries at {SMALL} campaigns, {counts[large]} at {large:,}"
    )
    goal = f"≤ {RATIO_GOAL}, ≤ {QUERIES_GOAL} queries"
    return Line(f"/campaigns/{page}", small, big, big / small, max(counts.values()), peak_memory(), goal, note)


def _check_plan(visitor: Visitor) -> None:
    """The rows of a page must come from the index of the list, not from a walk over the table."""
    with connection.cursor() as cursor:
        cursor.execute(
            "EXPLAIN SELECT * FROM campaigns_campaign WHERE store_id = %s ORDER BY id DESC LIMIT 51", [visitor.store.pk]
        )
        plan = "\n".join(row[0] for row in cursor.fetchall())
    assert "Seq Scan" not in plan, plan
