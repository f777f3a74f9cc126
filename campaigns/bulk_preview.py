"""What a bulk act is about to touch, before anybody confirms it: rows, states, the share of what is on promotion, each row's checks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count

import policies
from accounts.models import Store
from audit.actors import Actor
from campaigns import guards
from campaigns.edges import sources
from campaigns.house_guards import TRANSITIONS
from campaigns.impact import forecast
from campaigns.models import BulkJob, Campaign
from campaigns.outcomes import Fix, GuardRow, Impact
from campaigns.selection import LINKED_COUPONS
from policies.rules import ClosingRules

#: What no mending helps against.
_OVER = ("ERR_CLOSE_ENDED", "ERR_STATE")
_PAUSABLE = """ANY(
    SELECT p.id FROM campaigns_campaign p WHERE p.store_id = %(store)s AND p.code = ANY(%(codes)s) AND p.state = ANY(%(states)s))"""
_SHARE = """
    SELECT count(DISTINCT listing_id), count(DISTINCT listing_id) FILTER (WHERE campaign_code = ANY(%(codes)s))
    FROM listings_liveoffer WHERE store_id = %(store)s AND active AND starts_at <= %(now)s AND ends_at > %(now)s
"""

#: As `impact` counts them, over codes instead of ids.
_LINKED = f"""
    SELECT count(*), COALESCE(sum((SELECT count(*) FROM coupons_claim k WHERE k.coupon_id = c.id AND k.state = 'claimed')), 0)::bigint
    {LINKED_COUPONS.replace("ANY(%(ids)s::bigint[])", _PAUSABLE)}
"""  # noqa: S608 - constants of this house


@dataclass(frozen=True)
class Share:
    """How many products are on promotion, and how many of them the act takes off. `warns` past the policy's share (R161)."""

    promoted: int
    touched: int
    limit: int

    @property
    def percent(self) -> int:
        """Whole percent, rounded down."""
        return self.touched * 100 // self.promoted if self.promoted else 0

    @property
    def warns(self) -> bool:
        """Whether it is more than the share that looks like a withdrawal in bad faith."""
        return self.touched * 100 > self.promoted * self.limit


@dataclass(frozen=True)
class Linked:
    """The coupons that go with a selection, and how many claimed ones among them are not used yet."""

    coupons: int = 0
    unused: int = 0


@dataclass(frozen=True)
class Preview:
    """A selection before it is confirmed: its first rows, how many there are, how many stand where the act may start, the share, and the
    coupons of those that it will stop.
    """

    rows: Sequence[Campaign]
    total: int
    known: int
    ready: int
    share: Share | None
    linked: Linked = Linked()

    @property
    def more(self) -> int:
        """Rows that are not shown."""
        return max(0, self.known - len(self.rows))

    @property
    def left_alone(self) -> int:
        """Rows that the act will refuse, as they stand now."""
        return self.total - self.ready


@dataclass(frozen=True)
class Checked:
    """One row of a bulk cancel with what stands in its way and what it would touch."""

    campaign: Campaign
    blockers: Sequence[GuardRow]
    warnings: Sequence[GuardRow]
    impact: Impact

    @property
    def fixes(self) -> list[Fix]:
        """Where its blockers can be mended, each place once."""
        found = {line.fix.url: line.fix for line in self.blockers if line.fix and line.fix.url}
        return list(found.values())


def preview(store: Store, job: BulkJob, *, shown: int, now: datetime) -> Preview:
    """What the selection holds now (four queries)."""
    codes = list(job.rows.order_by("position").values_list("code", flat=True))
    rows = Campaign.objects.filter(store_id=store.pk, code__in=codes)
    states: Counter[str] = Counter(dict(rows.order_by().values_list("state").annotate(n=Count("id"))))
    ready = sum(states[state] for state in sources(TRANSITIONS[job.action]))
    first = list(rows.order_by("-id")[:shown])
    if job.action == "resume":
        return Preview(first, job.total, states.total(), ready, None)
    share, linked = share_of(store, codes, now=now), linked_to(store, codes)
    return Preview(first, job.total, states.total(), ready, share, linked)


def linked_to(store: Store, codes: Sequence[str]) -> Linked:
    """The coupons that a pause of these campaigns stops: those of campaigns that run (one query)."""
    given: dict[str, Any] = {"store": store.pk, "codes": list(codes), "states": sorted(sources("pause"))}
    with connection.cursor() as cursor:
        cursor.execute(_LINKED, given)
        return Linked(*cursor.fetchone())


def share_of(store: Store, codes: Sequence[str], *, now: datetime) -> Share:
    """The share of the products on promotion that these campaigns hold (one query)."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARE, {"store": store.pk, "codes": list(codes), "now": now})
        promoted, touched = cursor.fetchone()
    return Share(promoted, touched, policies.active(ClosingRules, now).bulk_warn_percent)


def checked(store: Store, codes: Sequence[str], *, actor: Actor, now: datetime) -> list[Checked]:
    """Each of these campaigns with its own checks before a permanent cancel and with what it would touch, in their order; the number of
    queries does not depend on how many they are. Where its state alone forbids it, nothing else is named.
    """
    place = {code: position for position, code in enumerate(codes)}
    rows = sorted(Campaign.objects.filter(store_id=store.pk, code__in=codes), key=lambda row: place[row.code])
    with transaction.atomic():
        answers = guards.evaluate(guards.Case(store, rows, "cancel", actor, now))
    impacts = forecast(rows)
    return [
        Checked(
            row,
            _told([line for line in answers[row.pk] if line.blocks]),
            [line for line in answers[row.pk] if not line.blocks and line.status != "passed"],
            impacts.get(row.pk, Impact()),
        )
        for row in rows
    ]


def _told(blockers: Sequence[GuardRow]) -> Sequence[GuardRow]:
    """The blockers worth telling: of a campaign that is over, that it is."""
    return [line for line in blockers if line.code in _OVER][:1] or blockers
