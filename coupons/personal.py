"""Personal issuing (千人千券, R78): a coupon is handed to every buyer of its segment, by a job, set-based, within the quota."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import verb
from core import clock
from core.codes import new_code
from core.errors import Conflict
from coupons import finding, segments
from coupons.models import Coupon
from listings import jobs
from listings.models import Job
from policies.rules import CouponRules, ReachRules

RIGHT = "coupons.manage"
KIND = "coupon_issue"
CHANNEL = "push"
#: Of the segment, those who do not hold the coupon and whom a claim of their own would not refuse (R71, R73, R77), in the order of names.
_NEXT = """
    SELECT b.buyer FROM {universe}
    WHERE b.buyer > %(after)s AND {where}
        AND NOT EXISTS (SELECT FROM coupons_claim k WHERE k.coupon_id = %(coupon)s AND k.buyer = b.buyer)
        AND (SELECT count(*) FROM orders_order o WHERE o.store_id = %(store)s AND o.buyer = b.buyer AND o.dispute = 'arbitration'
            AND o.placed_at > %(disputed)s) < %(disputes)s
        AND (%(first_only)s = false OR NOT EXISTS (SELECT FROM orders_order o WHERE o.store_id = %(store)s AND o.buyer = b.buyer
            AND o.state <> 'cancelled'))
        AND (cardinality(%(regions)s::text[]) = 0 OR (SELECT o.country FROM orders_order o WHERE o.store_id = %(store)s
            AND o.buyer = b.buyer ORDER BY o.placed_at DESC LIMIT 1) = ANY(%(regions)s::text[]))
    ORDER BY b.buyer LIMIT %(most)s
"""
_LEFT = "SELECT quota - claimed FROM coupons_coupontally WHERE coupon_id = %s FOR NO KEY UPDATE"
_GIVE = """
    INSERT INTO coupons_claim (store_id, coupon_id, code, buyer, country, channel, state, claimed_at, order_code, void_reason)
    SELECT %(store)s, %(coupon)s, w.code, w.buyer, '', %(channel)s, 'claimed', %(now)s, '', ''
    FROM unnest(%(buyers)s::text[], %(codes)s::text[]) AS w (buyer, code)
    ON CONFLICT (coupon_id, buyer) DO NOTHING
"""
_COUNT = "UPDATE coupons_coupontally SET claimed = claimed + %s WHERE coupon_id = %s"


@verb("coupon.issue_segment", right=RIGHT)
def issue(store: Store, code: str, *, actor: Actor, now: datetime) -> Job:
    """Hand the coupon to every buyer of its segment, by a job; those who hold it already are left as they are. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict: ERR_COUPON_STATE (not issued now), ERR_COUPON_CODE_NEEDED (by single-use codes only),
    ERR_COUPON_SEGMENT (no segment, or one whose buyers are not known here).
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code)
    _may(coupon, now)
    found = segments.count(store, coupon.segment, now=now) if coupon.segment else None
    if not coupon.segment:
        raise Conflict(segments.CODE, _("The coupon is for everybody: there is no segment to issue it to."))
    if found is None:
        raise Conflict(
            segments.CODE, _("Buyers who have not ordered yet are not known here; name them to issue to them.")
        )
    most = policies.active(ReachRules, now).issue_most
    if found > most:
        words = _("%(found)s buyers match; one issuing reaches %(most)s at most. Make the rules narrower.")
        raise Conflict(segments.CODE, words % {"found": found, "most": most})
    job = jobs.queue(store, KIND, params={"coupon": coupon.pk}, total=found, actor=actor, now=now)
    after = {"buyers": found, "segment": segments.words(coupon.segment)}
    record(Entry("coupon.issue_segment", finding.target(coupon, store), after=after, right=RIGHT), actor=actor, now=now)
    return job


def _may(coupon: Coupon, now: datetime) -> None:
    if not coupon.is_issued or not coupon.starts_at <= now < coupon.ends_at:
        raise Conflict("ERR_COUPON_STATE", _("The coupon is not issued now."))
    if coupon.codes_only:  # its quota is promised to the codes
        raise Conflict("ERR_COUPON_CODE_NEEDED", _("The coupon is handed out by single-use codes only."))


@jobs.kind(KIND, page="coupons:detail", right="coupons.view")
def run_issuing(run: jobs.Run) -> jobs.Outcome:
    """Issue in batches, a transaction each, until nobody is left, the quota is reached, or the issuing is stopped."""
    coupon = Coupon.objects.get(pk=run.job.params["coupon"])
    after, given = str(run.cursor.get("after", "")), int(run.cursor.get("given", 0))
    while True:
        now = clock.read()
        with transaction.atomic():
            buyers, added = _batch(coupon, after, now)
            if not buyers:
                return jobs.Outcome(total=given, summary={"claims": given})
            after, given = buyers[-1], given + added
            run.checkpoint({"after": after, "given": given}, done=given)


def _batch(coupon: Coupon, after: str, now: datetime) -> tuple[list[str], int]:
    """The next buyers, and how many claims they got; nobody when the issuing stands still or nothing is left."""
    rules = policies.active(CouponRules, now)
    fresh = finding.locked(Coupon.objects.filter(pk=coupon.pk)).get()
    if not fresh.is_issued or fresh.codes_only or now >= fresh.ends_at:
        return [], 0
    left = min(_left(fresh), rules.batch)
    buyers = _eligible(fresh, segments.of(fresh.segment).universe(), after, left, rules, now) if left > 0 else []
    return buyers, _give(fresh, buyers, CHANNEL, now) if buyers else 0


def hand(coupon: Coupon, buyer: str, *, channel: str, now: datetime) -> str:
    """Hand the coupon to one buyer who lacks it, by the rules of an issuing to its segment, in the caller's transaction. Answers the code
    of why not; empty when he got it.
    """
    fresh = finding.locked(Coupon.objects.filter(pk=coupon.pk)).get()
    if not fresh.is_issued or fresh.codes_only or now >= fresh.ends_at:
        return "ERR_COUPON_STATE"
    if _left(fresh) <= 0:
        return "ERR_COUPON_EXHAUSTED"
    only = ("unnest(%(named)s::text[]) AS b (buyer)", {"named": [buyer]})
    if not _eligible(fresh, only, "", 1, policies.active(CouponRules, now), now):
        return segments.CODE
    _give(fresh, [buyer], channel, now)
    return ""


def _left(coupon: Coupon) -> int:
    """How many the quota still bears; the counters stay locked."""
    with connection.cursor() as cursor:
        cursor.execute(_LEFT, [coupon.pk])
        return int(cursor.fetchone()[0])


def _eligible(
    coupon: Coupon, universe: tuple[str, dict[str, Any]], after: str, most: int, rules: CouponRules, now: datetime
) -> list[str]:
    """The next buyers of the universe who belong to the segment and would not be refused."""
    (where, parameters), (source, named) = segments.of(coupon.segment).where(now), universe
    asked: dict[str, Any] = {
        "store": coupon.store_id, "coupon": coupon.pk, "after": after, "most": most, "country": None,
        "disputed": now - timedelta(days=rules.dispute_days), "disputes": rules.disputes,
        "first_only": coupon.first_order_only, "regions": list(coupon.regions), **parameters, **named,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_NEXT.format(universe=source, where=where), asked)
        return [buyer for (buyer,) in cursor.fetchall()]


def _give(coupon: Coupon, buyers: Sequence[str], channel: str, now: datetime) -> int:
    """Write the claims and count them; answers how many."""
    given: dict[str, Any] = {
        "store": coupon.store_id,
        "coupon": coupon.pk,
        "buyers": list(buyers),
        "codes": [new_code("K", 12) for _buyer in buyers],
        "channel": channel,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_GIVE, given)
        added = cursor.rowcount
        cursor.execute(_COUNT, [added, coupon.pk])
    return added
