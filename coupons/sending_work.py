"""The sender: one message at a time for each store and way, each at most once, and none after its coupon stopped (R78, R81).

A step takes the next recipient in a transaction: the coupon is looked at, the row becomes `trying`, and that is committed before anybody
is called. The call is made outside any transaction; its answer is written afterwards. A worker that dies in between leaves a row that is
`trying`: after `lost_seconds` it is `unknown`, and nobody calls for it again. Until then the sending waits, so that one call a sending is
under way, and of several sendings of a store by one way the older one goes first: the pace of the policy is the store's.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

import policies
from audit.record import Entry, record
from core import clock, sealed
from core.http import Limits
from core.scopes import across_stores
from core.signals import nudged
from coupons import finding, gateways, personal, sending, sending_mail, sending_text
from coupons.gateways import Door, Result
from coupons.models import Channel, Claim, ClaimState, Coupon, Recipient, RecipientState, Sending, SendingState
from coupons.sending_list import TWICE
from coupons.stopping import SWEEP
from inbox.send import send
from policies.rules import SendingRules

logger = logging.getLogger(__name__)

S, R = SendingState, RecipientState
WHY = "sendings of all stores wait in one queue"
#: Of the channels that a claim can have come by.
_CAME_BY = {Channel.EMAIL: "email", Channel.SMS: "off_site"}
FAILING = "ERR_SENDING_FAILING"
LEFT = "ERR_SENDING_LEFT"
_GOING = """
    SELECT s.id FROM coupons_sending s
    WHERE s.state = 'sending' AND s.next_at <= %(now)s AND NOT EXISTS (
        SELECT FROM coupons_sending e
        WHERE e.store_id = s.store_id AND e.channel = s.channel AND e.state = 'sending' AND e.id < s.id)
    ORDER BY s.next_at, s.id LIMIT 1 FOR NO KEY UPDATE OF s SKIP LOCKED
"""
#: What keeps a buyer from getting the coupon a second time by the same way.
_HAD = """
    SELECT EXISTS (
        SELECT FROM coupons_recipient r JOIN coupons_sending s ON s.id = r.sending_id
        WHERE r.store_id = %(store)s AND r.buyer = %(buyer)s AND r.state IN ('trying', 'sent', 'unknown')
            AND s.id <> %(sending)s AND s.coupon_id = %(coupon)s AND s.channel = %(channel)s)
"""


@dataclass(frozen=True, slots=True)
class Order:
    """One call to make, with all that it needs: no row is read meanwhile. Never logged: it holds an address."""

    recipient: int
    sending: int
    go: int
    key: str
    to: str
    subject: str
    text: str
    sender: str
    door: Door | None
    caps: Limits

    def __repr__(self) -> str:
        return f"Order({self.key})"


def turn() -> int:
    """Send what is due for one turn; answers how many steps were made. What is left goes on in the next turn, behind other work."""
    with clock.unit_of_work():
        patience = policies.active(SendingRules, clock.now()).turn_seconds
    until, steps = time.monotonic() + patience, 0
    while time.monotonic() < until:
        if step():
            steps += 1
            continue
        wait = _next_in()
        if wait is None or wait > until - time.monotonic():
            break
        time.sleep(max(wait, 0.005))
    if steps:
        nudged.send(Sending, topics={sending.NUDGE})
    return steps


def step() -> bool:
    """Take one recipient and send to it, or end, pause or stop one sending; False when nothing is due."""
    with clock.unit_of_work(), across_stores(WHY):
        taken = _take()
    if not isinstance(taken, Order):
        return taken
    result = _deliver(taken)
    with clock.unit_of_work(), across_stores(WHY):
        _note(taken, result)
    return True


def _deliver(order: Order) -> Result:
    try:
        if order.door is None:
            return sending_mail.deliver(order.to, order.subject, order.text, order.sender, order.key)
        return gateways.call(order.door, order.to, order.text, order.key, order.caps)
    except Exception as error:
        # What nobody foresaw may have happened after the message left. Its words are not logged: they may hold the address.
        logger.error("%s went wrong in a way that is not known: %s", order.key, type(error).__name__)
        return Result(R.UNKNOWN, gateways.UNKNOWN)


def _next_in() -> float | None:
    """Seconds until a sending is due; None when none is going."""
    with clock.unit_of_work(), across_stores(WHY):
        due = Sending.objects.filter(state=S.SENDING).order_by("next_at").values_list("next_at", flat=True).first()
        return None if due is None else max((due - clock.read()).total_seconds(), 0.0)


@transaction.atomic
def _take() -> Order | bool:
    """The next call to make, its recipient marked; True when something else was done, False when nothing is due."""
    now = clock.read()
    rules = policies.active(SendingRules, now)
    lose(now, rules)
    going = _going(now)
    if going is None:
        return False
    if why := sending.not_issued(going.coupon, now):
        _halt(going, why, now)
        return True
    recipient = Recipient.objects.filter(sending=going, state=R.WAITING).order_by("id").first()
    if recipient is None:
        _finish(going, now)
        return True
    going.next_at = now + timedelta(seconds=rules.lost_seconds)
    claim = _claim_of(going, recipient, now)
    if isinstance(claim, str):
        return _not(going, recipient, R.SKIPPED, claim, now)
    try:
        to = sealed.unseal(sending.purpose_of(going), recipient.address)
        door = _door(going)
    except sealed.SealBrokenError:
        _halt(going, gateways.BROKEN, now)
        return True
    if door is None and going.channel == Channel.SMS:
        _halt(going, gateways.MISSING, now)
        return True
    recipient.state, recipient.tried_at = R.TRYING, now
    recipient.save(update_fields=["state", "tried_at"])
    going.save(update_fields=["next_at"])
    message = sending_text.render(going.coupon, sending_text.of(going), claim=claim.code)
    return Order(
        recipient.pk, going.pk, recipient.go, sending.key_of(recipient), to, message.subject, message.text,
        going.coupon.store.name, door, gateways.limits(now),
    )  # fmt: skip


def _going(now: datetime) -> Sending | None:
    with connection.cursor() as cursor:
        cursor.execute(_GOING, {"now": now})
        found = cursor.fetchone()
    return Sending.objects.select_related("coupon__store").get(pk=found[0]) if found else None


def _claim_of(going: Sending, recipient: Recipient, now: datetime) -> Claim | str:
    """The buyer's unused claim, made if the sending issues; or the code of why the buyer gets nothing."""
    coupon, buyer = going.coupon, recipient.buyer
    asked: dict[str, Any] = {
        "store": going.store_id, "buyer": buyer, "sending": going.pk, "coupon": coupon.pk, "channel": going.channel,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_HAD, asked)
        if cursor.fetchone()[0]:
            return TWICE
    claim = _held(coupon, buyer)
    if claim is None and going.issue:
        if why := personal.hand(coupon, buyer, channel=_CAME_BY[Channel(going.channel)], now=now):
            return why
        claim = _held(coupon, buyer)
    if claim is None:
        return "ERR_COUPON_NOT_CLAIMED"
    if claim.state != ClaimState.CLAIMED:
        return "ERR_COUPON_LIMIT" if claim.state == ClaimState.REDEEMED else "ERR_COUPON_STATE"
    return claim


def _held(coupon: Coupon, buyer: str) -> Claim | None:
    return Claim.objects.filter(coupon=coupon, buyer=buyer).first()


def _door(going: Sending) -> Door | None:
    if going.channel != Channel.SMS:
        return None
    gateway = gateways.of(going.coupon.store)
    return None if gateway is None else gateways.door(gateway)


def _not(going: Sending, recipient: Recipient, state: RecipientState, code: str, now: datetime) -> bool:
    """The recipient gets nothing; the next one's turn comes at once."""
    recipient.state, recipient.code, going.next_at = state, code, now
    recipient.save(update_fields=["state", "code"])
    going.save(update_fields=["next_at"])
    return True


@transaction.atomic
def _note(order: Order, result: Result) -> None:
    """Write what came of a call. An answer that comes after its time still tells more than "unknown"."""
    now = clock.read()
    rules = policies.active(SendingRules, now)
    rows = Sending.objects.select_for_update(of=("self",), no_key=True).select_related("coupon__store")
    going = rows.get(pk=order.sending)
    mine = Recipient.objects.filter(pk=order.recipient, go=order.go, state__in=(R.TRYING, R.UNKNOWN))
    if not mine.update(state=result.state, code=result.code, answer=result.answer):
        return
    pace = timedelta(seconds=1 / rules.per_second)
    tried = Recipient.objects.values_list("tried_at", flat=True).get(pk=order.recipient) or now
    going.next_at = tried + pace
    going.in_a_row = 0 if result.state == R.SENT else F("in_a_row") + 1
    going.save(update_fields=["next_at", "in_a_row"])
    going.refresh_from_db(fields=["in_a_row"])
    if going.state == S.SENDING and going.in_a_row >= rules.failures_in_a_row:
        _halt(going, FAILING, now)


def lose(now: datetime, rules: SendingRules) -> int:
    """Calls that got no answer in time have an unknown outcome; answers how many. Nobody makes them again."""
    late = Recipient.objects.filter(state=R.TRYING, tried_at__lte=now - timedelta(seconds=rules.lost_seconds))
    return late.update(state=R.UNKNOWN, code=gateways.UNKNOWN)


def _halt(going: Sending, why: str, now: datetime) -> None:
    """Pause a sending by itself; stop it for good where its coupon will never be issued again. The store is told."""
    coupon = going.coupon
    if sending.is_over(coupon, now):
        sending.finish(going, S.STOPPED, why=why, now=now)
    else:
        going.state, going.why, going.moved_at = S.PAUSED, why, now
        going.next_at = now
        going.save()
    _record("coupon.send_halt", going, {"state": going.state, "why": why}, now)
    params = {"code": coupon.code, "number": going.pk, "why": why}
    key = f"sending.{going.pk}.halt.{now.isoformat()}"
    send(going.store_id, "ERR_SENDING_HALTED", params, key, "coupon", coupon.code, now=now)


def _finish(going: Sending, now: datetime) -> None:
    sending.finish(going, S.DONE, why="", now=now)
    counts = sending.counts_of([going.pk])[going.pk]
    told = {name: counts[name] for name in (R.SENT, R.FAILED, R.UNKNOWN, R.SKIPPED)}
    _record("coupon.send_finish", going, {str(name): n for name, n in told.items()}, now)
    if counts[R.FAILED] or counts[R.UNKNOWN]:
        code = going.coupon.code
        params = {"code": code, "number": going.pk, **{str(name): n for name, n in told.items()}}
        key = f"sending.{going.pk}.done.{going.go}"
        send(going.store_id, "ERR_SENDING_PART", params, key, "coupon", code, now=now)


def _record(action: str, going: Sending, after: dict[str, object], now: datetime) -> None:
    target = finding.target(going.coupon, going.coupon.store)
    record(Entry(action, target, after={"sending": going.pk, **after}), actor=SWEEP, now=now)


def forget_addresses() -> int:
    """Drop the addresses whose time is over: of finished sendings, and of those that nobody started or let go on; answers of how many."""
    dropped = 0
    with across_stores("addresses of every store"):
        while one := _forget_one():
            dropped += one
    return dropped


@transaction.atomic
def _forget_one() -> int:
    now = clock.read()
    since = now - timedelta(hours=policies.active(SendingRules, now).kept_hours)
    rows = Sending.objects.select_for_update(of=("self",), no_key=True, skip_locked=True).select_related(
        "coupon__store"
    )
    old = rows.filter(dropped_at=None, moved_at__lte=since).exclude(state=S.SENDING).order_by("moved_at", "id").first()
    if old is None:
        return 0
    if old.state == S.DONE:
        sending.drop(old, now=now)
        old.save(update_fields=["dropped_at"])
    else:
        sending.finish(old, S.STOPPED, why=LEFT, now=now)
        _record("coupon.send_halt", old, {"state": old.state, "why": LEFT}, now)
    return 1
