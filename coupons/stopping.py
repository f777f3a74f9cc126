"""Stopping and letting go on: one set-based path for one coupon or a hundred thousand, and for their claims.

Each act takes ids of coupons, locks them and their counters in id order, changes those that stand where it applies along the declared
edges, gives their stock back or holds it again, voids claims, writes audit, outbox and messages: in the caller's transaction, in a number
of statements that does not depend on how many coupons or claims there are. A claim takes the counter's lock, so what a claim saw before
it is what an act counts, and a claim after the act's commit meets the new state.

Verbs of one coupon are `coupons.lifecycle`; the campaign room calls these for the coupons that are linked to its campaigns.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet
from django.db.models.expressions import RawSQL

import policies
from audit.actors import Actor, system
from audit.record import Entry, Target, record, record_many
from core import clock
from core.heartbeat import beat
from core.scopes import across_stores
from coupons import events, reserving, telling
from coupons.edges import declared, set_state
from coupons.models import Coupon, CouponState, PausedBy
from policies.rules import CouponRules

S = CouponState
SWEEP = system("system:coupons")
HEARTBEAT = "coupons.expire"

_LOCK = """
    SELECT c.id, c.store_id, c.code, c.name, c.state, c.paused_by, c.freeze_claimed, c.version, s.name, c.ends_at
    FROM coupons_coupon c
    JOIN coupons_coupontally t ON t.coupon_id = c.id
    JOIN accounts_store s ON s.id = c.store_id
    WHERE c.id = ANY(%(ids)s) ORDER BY c.id FOR NO KEY UPDATE OF c, t
"""
#: The claims that a void ends: those not used yet.
UNUSED_CLAIMS = "FROM coupons_claim k WHERE k.coupon_id = ANY(%(ids)s) AND k.state = 'claimed'"
_VOID_CLAIMS = f"""
    WITH dead AS (
        UPDATE coupons_claim k SET state = 'voided', voided_at = %(now)s, void_reason = %(reason)s
        {UNUSED_CLAIMS.removeprefix("FROM coupons_claim k ")} RETURNING k.coupon_id)
    SELECT coupon_id, count(*) FROM dead GROUP BY 1
"""  # noqa: S608 - constants of this house
_UNUSED = f"SELECT k.coupon_id, count(*) {UNUSED_CLAIMS} GROUP BY 1"
_DUE = """
    SELECT c.id FROM coupons_coupon c
    WHERE c.ends_at <= %(now)s AND c.state IN ('active', 'paused') AND c.bond = ''
    ORDER BY c.ends_at, c.id LIMIT %(most)s FOR NO KEY UPDATE SKIP LOCKED
"""


@dataclass(frozen=True, slots=True)
class Stood:
    """A coupon as it stood when it was locked."""

    id: int
    store_id: int
    code: str
    name: str
    state: str
    paused_by: str
    freeze_claimed: bool
    version: int
    store_name: str
    ends_at: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """What an act did: the coupons that moved as they stood before; by id the claims it voided (or left unused) and the units of stock
    that it gave back or holds again; `frozen`: the coupons that stood still already and whose claimed ones it froze as well.
    """

    moved: tuple[Stood, ...] = ()
    claims: Mapping[int, int] = field(default_factory=dict)
    units: Mapping[int, int] = field(default_factory=dict)
    frozen: tuple[int, ...] = ()

    @property
    def ids(self) -> list[int]:
        """The coupons that moved."""
        return [one.id for one in self.moved]


Listener = Callable[[Sequence[Stood], datetime], None]
_resumed: list[Listener] = []


def on_resumed(listener: Listener) -> None:
    """Be told, within the transaction, of coupons whose issuing goes on again, as they stood before (`paused_by` says why they stood)."""
    _resumed.append(listener)


@transaction.atomic
def stop_issuing(
    ids: Iterable[int],
    *,
    by: PausedBy,
    actor: Actor,
    reason: str = "",
    freeze: bool = False,
    right: str = "",
    now: datetime,
) -> Done:
    """暂停发放 for those that are issued; claimed ones stay usable unless `freeze`. `by` says whose stop it is.

    With `freeze` the claimed ones of coupons that somebody else had stopped before are frozen as well; their stop stays his.
    """
    rows = _locked(ids)
    issued = [row for row in rows if row.state == S.ACTIVE]
    stopped = _ids(issued)
    units: dict[int, int] = {}
    if issued:
        set_state(
            _rows(stopped),
            transition="pause",
            now=now,
            paused_by=by,
            freeze_claimed=freeze,
            reason=reason[:540],
        )
        units = reserving.release(stopped, now=now)
    others = [row for row in rows if freeze and row.state == S.PAUSED and not row.freeze_claimed]
    if others:
        _rows(_ids(others)).update(freeze_claimed=True, version=F("version") + 1, updated_at=now)
    after: dict[str, Any] = {"state": S.PAUSED, "paused_by": by}
    after |= {"freeze_claimed": True} if freeze else {}
    entries = [
        _entry("coupon.pause", row, after | _figures(units_released=units.get(row.id)), reason) for row in issued
    ]
    entries += [_entry("coupon.pause", row, {"freeze_claimed": True}, reason) for row in others]
    _record(entries, actor, right, now)
    data = {"state": S.PAUSED, "paused_by": str(by), "freeze_claimed": freeze, "reason": reason}
    events.tell("coupon.paused", [_event(row, data) for row in issued], now=now)
    return Done(tuple(issued), units=units, frozen=tuple(_ids(others)))


@transaction.atomic
def let_go_on(
    ids: Iterable[int], *, by: PausedBy, actor: Actor, reason: str = "", right: str = "", now: datetime
) -> Done:
    """恢复发放 for those that `by` stopped and whose end has not come; stock is held again as far as there is any."""
    rows = [row for row in _locked(ids) if row.state == S.PAUSED and row.paused_by == by and now < row.ends_at]
    stood = _ids(rows)
    units: dict[int, int] = {}
    if rows:
        set_state(_rows(stood), transition="resume", now=now, paused_by="", freeze_claimed=False, reason="")
        units = reserving.hold(stood, now=now)
    after = {"state": S.ACTIVE}
    _record(
        [_entry("coupon.resume", row, after | _figures(units_held=units.get(row.id)), reason) for row in rows],
        actor,
        right,
        now,
    )
    events.tell("coupon.resumed", [_event(row, {"state": S.ACTIVE}) for row in rows], now=now)
    for listener in _resumed if rows else ():
        listener(rows, now)
    return Done(tuple(rows), units=units)


@transaction.atomic
def unfreeze(ids: Iterable[int], *, actor: Actor, reason: str = "", right: str = "", now: datetime) -> Done:
    """Claimed ones of coupons that stand still may be used again; the stop itself stays."""
    rows = [row for row in _locked(ids) if row.state == S.PAUSED and row.freeze_claimed]
    if rows:
        _rows(_ids(rows)).update(freeze_claimed=False, version=F("version") + 1, updated_at=now)
        _record([_entry("coupon.unfreeze", row, {"freeze_claimed": False}, reason) for row in rows], actor, right, now)
    return Done(tuple(rows))


@transaction.atomic
def void(
    ids: Iterable[int], *, reason: str, note: str = "", actor: Actor, right: str = "", now: datetime, tell: bool = True
) -> Done:
    """作废 for good: the coupons, and every claimed one that was not used. `reason` is a code of `telling.WHY`, `note` free text.

    The people of the store are told how many claimed ones were voided and why, unless `tell` is off.
    """
    sources, _target = declared()["void"]
    rows = [row for row in _locked(ids) if row.state in sources]
    dead = _ids(rows)
    if not rows:
        return Done()
    claims = _counted(_VOID_CLAIMS, dead, now=now, reason=reason)
    set_state(
        _rows(dead),
        transition="void",
        now=now,
        paused_by="",
        freeze_claimed=False,
        closed_at=now,
        reason=(note or reason)[:540],
    )
    units = reserving.release(dead, now=now)
    entries = []
    for row in rows:
        figures = _figures(claims_voided=claims.get(row.id, 0), units_released=units.get(row.id))
        entries.append(_entry("coupon.void", row, {"state": S.VOIDED, "why": reason, **figures}, note))
    _record(entries, actor, right, now)
    told = [
        _event(row, {"state": S.VOIDED, "reason": reason, "note": note, "claims_voided": claims.get(row.id, 0)})
        for row in rows
    ]
    events.tell("coupon.voided", told, now=now)
    if tell:
        telling.of_void([(row.store_id, row.code, row.name, claims.get(row.id, 0)) for row in rows], reason, now=now)
    return Done(tuple(rows), claims, units)


@transaction.atomic
def expire(ids: Iterable[int], *, actor: Actor = SWEEP, now: datetime) -> Done:
    """Their end has come: no claim and no new use any more; what was claimed and not used stays on record as claimed."""
    sources, _target = declared()["expire"]
    rows = [row for row in _locked(ids) if row.state in sources]
    over = _ids(rows)
    if not rows:
        return Done()
    claims = _counted(_UNUSED, over)
    set_state(_rows(over), transition="expire", now=now, paused_by="", freeze_claimed=False, closed_at=now)
    units = reserving.release(over, now=now)
    entries = []
    for row in rows:
        figures = _figures(claims_unused=claims.get(row.id, 0), units_released=units.get(row.id))
        entries.append(_entry("coupon.expire", row, {"state": S.EXPIRED, **figures}))
    _record(entries, actor, "", now)
    told = [_event(row, {"state": S.EXPIRED, "claims_unused": claims.get(row.id, 0)}) for row in rows]
    events.tell("coupon.expired", told, now=now)
    telling.of_expiry([(row.store_id, row.code, row.name, claims.get(row.id, 0)) for row in rows], now=now)
    return Done(tuple(rows), claims, units)


def unused(ids: Sequence[int]) -> dict[int, int]:
    """How many claimed ones of these coupons were not used, by coupon: what a void would end. One query."""
    return _counted(_UNUSED, ids)


def expire_due() -> int:
    """Expire every coupon whose end has come, batch by batch, a transaction each; answers how many. For the sweep: two at once share the
    work. Those with a bond are closed by their campaign's room.
    """
    total = 0
    with across_stores("the end of a coupon comes in every store"):
        while taken := _expire_batch():
            total += taken
            beat(HEARTBEAT, expired=total)
    beat(HEARTBEAT, expired=total)
    return total


@transaction.atomic
def _expire_batch() -> int:
    now = clock.read()
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"now": now, "most": policies.active(CouponRules, now).batch})
        due = [pk for (pk,) in cursor.fetchall()]
    return len(expire(due, now=now).moved) if due else 0


# -- the parts of an act -----------------------------------------------------------------------------------------------------


def _locked(ids: Iterable[int]) -> list[Stood]:
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, {"ids": list(ids)})
        return [Stood(*row) for row in cursor.fetchall()]


def _ids(rows: Iterable[Stood]) -> list[int]:
    return [row.id for row in rows]


def _rows(ids: Sequence[int]) -> QuerySet[Coupon]:
    """The coupons with these ids, as one parameter however many they are."""
    return Coupon.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [list(ids)]))


def _counted(statement: str, ids: Sequence[int], **more: Any) -> dict[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(ids), **more})
        return {pk: int(n) for pk, n in cursor.fetchall()}


def _figures(**found: int | None) -> dict[str, int]:
    return {name: n for name, n in found.items() if n is not None}


def _entry(action: str, row: Stood, after: Mapping[str, Any], reason: str = "") -> Entry:
    before: dict[str, Any] = {"state": row.state}
    before |= {"paused_by": row.paused_by} if row.paused_by else {}
    before |= {"freeze_claimed": row.freeze_claimed} if "freeze_claimed" in after else {}
    target = Target("coupon", row.code, row.name, store_id=row.store_id, store_label=row.store_name)
    return Entry(action, target, before=before, after=after, reason=reason)


def _record(entries: Sequence[Entry], actor: Actor, right: str, now: datetime) -> None:
    """One event keeps the address of the request as a commitment; many go in by COPY."""
    whole = [Entry(**{**_fields(entry), "right": right}) for entry in entries]
    if len(whole) == 1:
        record(whole[0], actor=actor, now=now)
    else:
        record_many(whole, actor=actor, now=now)


def _fields(entry: Entry) -> dict[str, Any]:
    names = ("action", "target", "before", "after", "reason")
    return {name: getattr(entry, name) for name in names}


def _event(row: Stood, data: Mapping[str, Any]) -> events.Event:
    return events.Event(row.store_id, row.code, row.version + 1, dict(data))
