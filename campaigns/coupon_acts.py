"""What a campaign's acts do to its coupons, in the same transaction, set-based for one campaign or ten thousand.

A pause stops claims (`paused_by` is then `campaign`); a held cancel stops claims and freezes claimed ones; resume and take-back lift
only what the campaign itself did; the final cancel and the end void them. Campaigns without coupons cost one cheap query at most.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

import policies
from audit.actors import Actor, system
from audit.record import Entry, Target, record_many
from campaigns.models import Campaign, CampaignCoupon, CampaignState
from campaigns.selection import LINKED_COUPONS, parameters
from campaigns.writing import refuse
from core import clock
from core.errors import FieldError
from coupons import stopping
from coupons.models import Bond, Coupon, CouponState, PausedBy
from policies.rules import ClosingRules

S = CampaignState
SWEEP = system("system:coupons")
RUNS = frozenset({S.RUNNING})

_LINKED = f"SELECT g.campaign_id, c.id, c.state, c.paused_by, c.bond, g.froze {LINKED_COUPONS} ORDER BY c.id"
_BEGIN = """
    UPDATE coupons_coupon c SET bond = 'bound', version = c.version + 1, updated_at = %(now)s
    FROM campaigns_campaigncoupon g WHERE g.campaign_id = ANY(%(ids)s) AND c.id = g.coupon_id AND c.bond = 'waits'
"""
_MOVED = """
    SELECT c.id, c.code, c.name, c.starts_at, c.ends_at, greatest(g.own_starts_at, p.starts_at), least(g.own_ends_at, p.ends_at)
    FROM campaigns_campaigncoupon g
    JOIN campaigns_campaign p ON p.id = g.campaign_id
    JOIN coupons_coupon c ON c.id = g.coupon_id
    WHERE g.campaign_id = %(campaign)s AND c.state IN ('draft', 'active', 'paused')
        AND (c.starts_at, c.ends_at) IS DISTINCT FROM (greatest(g.own_starts_at, p.starts_at), least(g.own_ends_at, p.ends_at))
    ORDER BY c.id FOR NO KEY UPDATE OF c
"""
_MOVE = """
    UPDATE coupons_coupon c SET starts_at = v.starts_at, ends_at = v.ends_at, version = c.version + 1, updated_at = %(now)s
    FROM unnest(%(ids)s::bigint[], %(starts)s::timestamptz[], %(ends)s::timestamptz[]) AS v(id, starts_at, ends_at) WHERE c.id = v.id
"""
# Their own end came before their campaign's; those that end with it are closed by its close.
_OVER = """
    SELECT c.id FROM coupons_coupon c
    JOIN campaigns_campaigncoupon g ON g.coupon_id = c.id JOIN campaigns_campaign p ON p.id = g.campaign_id
    WHERE c.ends_at <= %(now)s AND c.state IN ('active', 'paused') AND c.bond <> '' AND c.ends_at < p.ends_at
    ORDER BY c.ends_at, c.id LIMIT %(most)s FOR NO KEY UPDATE OF c SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class _Link:
    campaign_id: int
    coupon_id: int
    state: str
    paused_by: str
    bond: str
    froze: bool


@dataclass(frozen=True, slots=True)
class Touched:
    """What an act did to the coupons of one campaign: coupons that moved, claims voided, units of stock let go or held again; coupons whose
    claimed ones it froze, and how many of these were not used yet.
    """

    coupons: int = 0
    claims: int = 0
    units: int = 0
    frozen: int = 0
    claims_frozen: int = 0

    def figures(self) -> dict[str, int]:
        """The figures of a void, as `Impact` names them."""
        return {"coupons": self.coupons, "claimed_unused": self.claims, "reserved_units": self.units}


def stop(
    rows: Sequence[Campaign], *, actor: Actor, reason: str, freeze: bool, right: str = "", now: datetime
) -> dict[int, Touched]:
    """Stop the claims of these campaigns' coupons; with `freeze` claimed ones cannot be used either. Answers by campaign."""
    links = _linked(rows)
    if not links:
        return {}
    done = stopping.stop_issuing(
        _ids(links), by=PausedBy.CAMPAIGN, actor=actor, reason=reason, freeze=freeze, right=right, now=now
    )
    _remember(done)
    return _with_frozen(_touched(links, done), links, [*done.ids, *done.frozen] if freeze else [])


def begin(rows: Sequence[Campaign], *, now: datetime) -> None:
    """The campaigns have started: what waited for them is issued from now on. One query."""
    with connection.cursor() as cursor:
        cursor.execute(_BEGIN, {"ids": [row.pk for row in rows], "now": now})


def go_on(rows: Sequence[Campaign], *, actor: Actor, right: str = "", now: datetime) -> dict[int, Touched]:
    """The campaigns go on: lift their own stops and freezes, and nobody else's. `rows` stand where they go on to."""
    links = _linked(rows)
    if not links:
        return {}
    running = {row.pk for row in rows if row.state in RUNS}
    if running:
        begin([row for row in rows if row.pk in running], now=now)
    stood = [link.coupon_id for link in links if link.paused_by == PausedBy.CAMPAIGN]
    done = stopping.let_go_on(stood, by=PausedBy.CAMPAIGN, actor=actor, right=right, now=now)
    _thaw(links, actor, right, now)
    return _touched(links, done)


def back_to_pause(rows: Sequence[Campaign], *, actor: Actor, right: str = "", now: datetime) -> None:
    """Cancels of paused campaigns were taken back: claimed ones are usable again unless the pause had frozen them itself."""
    links = _linked([row for row in rows if not row.freeze_claimed])
    if links:
        _thaw(links, actor, right, now)


def void(rows: Sequence[Campaign], *, reason: str, actor: Actor, right: str = "", now: datetime) -> dict[int, Touched]:
    """Void these campaigns' coupons for good, a code of `coupons.telling.WHY` says why; their people are told. Answers by campaign."""
    links = _linked(rows)
    if not links:
        return {}
    return _touched(links, stopping.void(_ids(links), reason=reason, actor=actor, right=right, now=now))


def realign(campaign: Campaign, *, actor: Actor, now: datetime) -> int:
    """After the campaign's window moved: each coupon's window is the part of its own within it. Answers how many moved.

    Raises InvalidInput when nothing would be left of one.
    """
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, {"campaign": campaign.pk})
        found = cursor.fetchall()
    if not found:
        return 0
    empty = [row[1] for row in found if row[5] >= row[6]]
    if empty:
        words = _("The coupon %(code)s would have no time left; take it out of the campaign first.") % {
            "code": empty[0]
        }
        refuse([FieldError("ends_at", "ERR_COUPON_WINDOW", words)])
    given = {"ids": [row[0] for row in found], "starts": [row[5] for row in found], "ends": [row[6] for row in found]}
    with connection.cursor() as cursor:
        cursor.execute(_MOVE, {**given, "now": now})
    entries = [
        Entry(
            "coupon.edit",
            Target("coupon", code, name, store_id=campaign.store_id, store_label=campaign.store.name),
            before={"starts_at": starts, "ends_at": ends},
            after={"starts_at": new_starts, "ends_at": new_ends, "campaign": campaign.code},
        )
        for _pk, code, name, starts, ends, new_starts, new_ends in found
    ]
    record_many(entries, actor=actor, now=now)
    return len(found)


@transaction.atomic
def expire_due(skipped: frozenset[int] = frozenset(), singly: bool = False) -> int:
    """Expire one batch of coupons whose own end came before their campaign's; answers how many. A job of the sweep."""
    now = clock.read()
    with connection.cursor() as cursor:
        cursor.execute(_OVER, {"now": now, "most": 1 if singly else policies.active(ClosingRules, now).batch})
        due = [pk for (pk,) in cursor.fetchall()]
    return len(stopping.expire(due, now=now).moved) if due else 0


def bond_of(campaign: Campaign) -> Bond:
    """The bond of a coupon that is linked to this campaign now."""
    return Bond.BOUND if campaign.state == S.RUNNING else Bond.WAITS


def stand(campaign: Campaign, coupon: Coupon, *, actor: Actor, right: str, now: datetime) -> None:
    """A coupon joins a paused campaign: it stands still like the others, and its claimed ones are frozen where theirs are."""
    if campaign.state == S.PAUSED and coupon.state in (CouponState.ACTIVE, CouponState.PAUSED):
        done = stopping.stop_issuing(
            [coupon.pk], by=PausedBy.CAMPAIGN, actor=actor, freeze=campaign.freeze_claimed, right=right, now=now
        )
        _remember(done)


def _linked(rows: Sequence[Campaign]) -> list[_Link]:
    with connection.cursor() as cursor:
        cursor.execute(_LINKED, {"ids": parameters(rows)["ids"]})
        return [_Link(*row) for row in cursor.fetchall()]


def _ids(links: Iterable[_Link]) -> list[int]:
    return [link.coupon_id for link in links]


def _thaw(links: Sequence[_Link], actor: Actor, right: str, now: datetime) -> None:
    froze = [link.coupon_id for link in links if link.froze]
    if froze:
        stopping.unfreeze(froze, actor=actor, right=right, now=now)
        CampaignCoupon.objects.filter(coupon_id__in=froze).update(froze=False)


def _remember(done: stopping.Done) -> None:
    """Note whose claimed ones the campaign froze though somebody else had stopped them, so that it thaws these and no others."""
    if done.frozen:
        CampaignCoupon.objects.filter(coupon_id__in=done.frozen).update(froze=True)


def _with_frozen(found: dict[int, Touched], links: Sequence[_Link], frozen: Sequence[int]) -> dict[int, Touched]:
    """The same with the coupons whose claimed ones cannot be used any more; one query where there are any."""
    unused = stopping.unused(frozen) if frozen else {}
    campaign_of = {link.coupon_id: link.campaign_id for link in links}
    for pk in frozen:
        old = found.get(campaign_of[pk], Touched())
        found[campaign_of[pk]] = replace(
            old, frozen=old.frozen + 1, claims_frozen=old.claims_frozen + unused.get(pk, 0)
        )
    return found


def _touched(links: Sequence[_Link], done: stopping.Done) -> dict[int, Touched]:
    campaign_of: Mapping[int, int] = {link.coupon_id: link.campaign_id for link in links}
    found: dict[int, Touched] = {}
    for stood in done.moved:
        pk = campaign_of[stood.id]
        old = found.get(pk, Touched())
        found[pk] = Touched(
            old.coupons + 1, old.claims + done.claims.get(stood.id, 0), old.units + done.units.get(stood.id, 0)
        )
    return found
