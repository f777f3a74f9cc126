"""Sending a coupon to buyers by e-mail or SMS (R78, R81): prepare, start, pause, stop, try failures again. The sender is `sending_work`.

A sending is prepared with its list and looked at before it starts. It goes only while the coupon is issued; only buyers who hold the
coupon unused get it (with `issue`, recipients of the segment are handed it first). That recipients agreed is the merchant's word, and is
kept with the name of who gave it. Verbs lock the sending alone: the sender goes from the sending to the coupon.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, QuerySet
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import about, verb
from core import sealed
from core.errors import Conflict, FieldError, InvalidInput, NotFound
from core.signals import nudged
from coupons import finding, gateways, sending_list, sending_text
from coupons.models import Channel, Coupon, CouponState, Recipient, RecipientState, Sending, SendingState
from coupons.sending_text import Text
from policies.rules import SendingRules

RIGHT = "coupons.manage"
NUDGE = "coupons.send"
STATE = "ERR_SENDING_STATE"
STOPPED_BY_HAND, ADDRESSES_GONE = "ERR_SENDING_STOPPED", "ERR_SENDING_GONE"
S, R = SendingState, RecipientState


@dataclass(frozen=True, slots=True)
class Plan:
    """A sending as asked for: `recipients` are pairs of buyer and address."""

    channel: str
    text: Text
    recipients: Sequence[tuple[str, str]]
    consent: bool = False
    issue: bool = False
    faults: Sequence[FieldError] = field(default=())


def not_issued(coupon: Coupon, now: datetime) -> str:
    """The code of why a coupon must not be sent now; empty when it is issued."""
    if coupon.state == CouponState.EXPIRED or not coupon.starts_at <= now < coupon.ends_at:
        return "ERR_COUPON_WINDOW"
    if not coupon.is_issued:
        return "ERR_COUPON_STATE"
    return ""


def is_over(coupon: Coupon, now: datetime) -> bool:
    """Whether the coupon will never be issued again."""
    return coupon.state in (CouponState.EXPIRED, CouponState.VOIDED) or now >= coupon.ends_at


@verb("coupon.send_prepare", right=RIGHT)
def prepare(store: Store, code: str, plan: Plan, *, actor: Actor, now: datetime) -> Sending:
    """Make a sending that has not started, with its recipients. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict (ERR_COUPON_STATE, ERR_COUPON_WINDOW: the coupon is not issued now; ERR_SENDING_GATEWAY),
    InvalidInput (text, list, no consent, to issue without a segment).
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.get(store, code)
    about(finding.target(coupon, store))
    _ensure_issued(coupon, now)
    rules = policies.active(SendingRules, now)
    errors = _faults(coupon, plan, rules)
    found, wrong = sending_list.entries(plan.recipients, plan.channel, rules) if not plan.faults else ([], [])
    errors += [*plan.faults, *wrong]
    if errors:
        raise InvalidInput(_("Nothing was prepared: please put right what is marked."), errors)
    if plan.channel == Channel.SMS and gateways.of(store) is None:
        raise Conflict(gateways.MISSING, _("No SMS gateway is connected."))
    text = plan.text
    sending = Sending.objects.create(
        store=store, coupon=coupon, channel=plan.channel, issue=plan.issue, total=len(found), next_at=now, created_at=now,
        moved_at=now, created_by=actor.label[:160], text_en=text.text_en, text_zh=text.text_zh,
        subject_en=text.subject_en if plan.channel == Channel.EMAIL else "",
        subject_zh=text.subject_zh if plan.channel == Channel.EMAIL else "",
    )  # fmt: skip
    purpose = purpose_of(sending)
    rows = (
        Recipient(
            store=store, sending=sending, buyer=entry.buyer, code=entry.code, state=R.SKIPPED if entry.code else R.WAITING,
            address=sealed.seal(purpose, entry.address) if entry.address else b"",
        )
        for entry in found
    )  # fmt: skip
    Recipient.objects.bulk_create(rows, batch_size=rules.batch)
    after = {"channel": plan.channel, "recipients": len(found), "issue": plan.issue, "consent": True}
    _tell("coupon.send_prepare", coupon, store, after, actor, now)
    return sending


def _ensure_issued(coupon: Coupon, now: datetime) -> None:
    if code := not_issued(coupon, now):
        raise Conflict(code, _("The coupon is not issued now: whoever got it could not use it."))


def _faults(coupon: Coupon, plan: Plan, rules: SendingRules) -> list[FieldError]:
    if plan.channel not in Channel.values:
        return [FieldError("channel", "ERR_FORMAT", _("One of: %(ways)s.") % {"ways": ", ".join(Channel.values)})]
    errors = sending_text.faults(plan.text, plan.channel, rules)
    if not errors and plan.channel == Channel.SMS:
        errors += sending_text.too_long(coupon, plan.text, rules)
    if not plan.consent:
        words = _("Say that the recipients agreed to such messages; without that nothing is sent.")
        errors.append(FieldError("consent", "ERR_SENDING_CONSENT", words))
    if plan.issue and not coupon.segment:
        words = _("The coupon is for everybody: there is no segment to issue it to.")
        errors.append(FieldError("issue", "ERR_COUPON_SEGMENT", words))
    elif plan.issue and coupon.codes_only:
        words = _("The coupon is handed out by single-use codes only.")
        errors.append(FieldError("issue", "ERR_COUPON_CODE_NEEDED", words))
    return errors


@verb("coupon.send_start", right=RIGHT)
def start(store: Store, code: str, sending_id: int, *, actor: Actor, now: datetime) -> Sending:
    """Start a sending, or let a paused one go on. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict (ERR_SENDING_STATE, ERR_SENDING_GATEWAY, ERR_COUPON_STATE, ERR_COUPON_WINDOW).
    """
    sending = _locked(store, code, sending_id, {S.DRAFT, S.PAUSED}, actor, now)
    _ensure_may_go(sending, store, now)
    _go_on(sending, now)
    _tell("coupon.send_start", sending.coupon, store, {"sending": sending.pk, "recipients": sending.total}, actor, now)
    return sending


@verb("coupon.send_pause", right=RIGHT)
def pause(store: Store, code: str, sending_id: int, *, actor: Actor, now: datetime) -> Sending:
    """Let a sending rest: no further message leaves until it goes on. Needs `coupons.manage`. Raises as `start`."""
    sending = _locked(store, code, sending_id, {S.SENDING}, actor, now)
    sending.state, sending.why, sending.moved_at = S.PAUSED, "", now
    sending.save(update_fields=["state", "why", "moved_at"])
    _tell("coupon.send_pause", sending.coupon, store, {"sending": sending.pk}, actor, now)
    return sending


@verb("coupon.send_stop", right=RIGHT)
def stop(store: Store, code: str, sending_id: int, *, actor: Actor, now: datetime) -> Sending:
    """End a sending for good and drop its addresses at once. Needs `coupons.manage`. Raises as `start`."""
    sending = _locked(store, code, sending_id, {S.DRAFT, S.SENDING, S.PAUSED}, actor, now)
    finish(sending, S.STOPPED, why="", now=now)
    _tell("coupon.send_stop", sending.coupon, store, {"sending": sending.pk}, actor, now)
    return sending


@verb("coupon.send_retry", right=RIGHT)
def retry(store: Store, code: str, sending_id: int, *, actor: Actor, now: datetime) -> Sending:
    """Try once more what failed, and only that: what was sent, and what nobody knows of, is left alone. Needs `coupons.manage`.

    Raises as `start`; Conflict ERR_SENDING_GONE when the addresses were dropped, ERR_SENDING_STATE when nothing failed or it was tried
    as often as the policy allows.
    """
    sending = _locked(store, code, sending_id, {S.DONE, S.PAUSED}, actor, now)
    if sending.dropped_at is not None:
        raise Conflict(ADDRESSES_GONE, _("The addresses of this sending were dropped: prepare a new one."))
    if sending.go >= policies.active(SendingRules, now).goes:
        raise Conflict(STATE, _("It was tried as often as is allowed. Look at what fails, then prepare a new sending."))
    _ensure_may_go(sending, store, now)
    failed = Recipient.objects.filter(sending=sending, state=R.FAILED).exclude(address=b"")
    again = failed.update(state=R.WAITING, go=sending.go + 1, code="", answer=None)
    if not again:
        raise Conflict(STATE, _("Nothing of this sending failed."))
    sending.go += 1
    _go_on(sending, now)
    _tell("coupon.send_retry", sending.coupon, store, {"sending": sending.pk, "recipients": again}, actor, now)
    return sending


def _locked(
    store: Store, code: str, sending_id: int, states: set[SendingState], actor: Actor, now: datetime
) -> Sending:
    check(actor, store, RIGHT, now=now)
    coupon = finding.get(store, code)
    about(finding.target(coupon, store))
    rows = Sending.objects.select_for_update(of=("self",), no_key=True).select_related("coupon")
    sending = rows.filter(coupon=coupon, pk=sending_id).first()
    if sending is None:
        raise NotFound(_("This coupon has no such sending."))
    if sending.state not in states:
        raise Conflict(STATE, _("A sending that is “%(state)s” does not allow this.") % {"state": _word(sending)})
    return sending


def _word(sending: Sending) -> str:
    return str(SendingState(sending.state).label)


def _ensure_may_go(sending: Sending, store: Store, now: datetime) -> None:
    _ensure_issued(sending.coupon, now)
    if sending.channel == Channel.SMS and gateways.of(store) is None:
        raise Conflict(gateways.MISSING, _("No SMS gateway is connected."))


def _go_on(sending: Sending, now: datetime) -> None:
    sending.state, sending.why, sending.in_a_row, sending.moved_at = S.SENDING, "", 0, now
    sending.started_at, sending.finished_at = sending.started_at or now, None
    sending.next_at = max(sending.next_at, now)
    sending.save()
    transaction.on_commit(lambda: nudged.send(Sending, topics={NUDGE}), robust=True)


def finish(sending: Sending, state: SendingState, *, why: str, now: datetime) -> None:
    """End a sending whose row is locked. Who was waiting is left out; addresses go, unless a finished one has failures to try again."""
    sending.state, sending.why, sending.finished_at, sending.moved_at = state, why, now, now
    waiting = Recipient.objects.filter(sending=sending, state=R.WAITING)
    waiting.update(state=R.SKIPPED, code=why or STOPPED_BY_HAND)
    failed = Recipient.objects.filter(sending=sending, state=R.FAILED)
    if state == S.STOPPED or not failed.exists():
        drop(sending, now=now)
    sending.save()


def drop(sending: Sending, *, now: datetime) -> None:
    """Forget the addresses of a sending."""
    Recipient.objects.filter(sending=sending).exclude(address=b"").update(address=b"")
    sending.dropped_at = now


def purpose_of(sending: Sending) -> str:
    """What its addresses are sealed for: they open for no other sending."""
    return f"coupons.sending.{sending.pk}"


def address_of(recipient: Recipient) -> str:
    """The address of a recipient; empty when it was dropped, or sealed with a key that is gone."""
    if not recipient.address:
        return ""
    try:
        return sealed.unseal(f"coupons.sending.{recipient.sending_id}", recipient.address)
    except sealed.SealBrokenError:
        return ""


def key_of(recipient: Recipient) -> str:
    """What a gateway or mail server knows a message by: another one only for another go, which comes after a plain no."""
    return f"send-{recipient.sending_id}-{recipient.pk}-{recipient.go}"


# -- reading -----------------------------------------------------------------------------------------------------------------


def get(coupon: Coupon, sending_id: int) -> Sending:
    """A sending of the coupon. Raises NotFound."""
    sending = sendings_of(coupon).filter(pk=sending_id).first()
    if sending is None:
        raise NotFound(_("This coupon has no such sending."))
    return sending


def sendings_of(coupon: Coupon) -> QuerySet[Sending]:
    """The sendings of a coupon, newest first."""
    return Sending.objects.filter(coupon=coupon).order_by("-id")


def counts_of(ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """How many recipients of each sending are in which state, every state named; one query."""
    found: dict[int, dict[str, int]] = {pk: dict.fromkeys(R.values, 0) for pk in ids}
    rows = Recipient.objects.filter(sending__in=list(ids)).order_by().values_list("sending", "state")
    for pk, state, n in rows.annotate(n=Count("id")):
        found[pk][state] = n
    return found


def document(sending: Sending, counts: Mapping[str, int]) -> dict[str, Any]:
    """The API's form of a sending."""
    return {
        "id": sending.pk,
        "channel": sending.channel,
        "state": sending.state,
        "why": sending.why or None,
        "issue": sending.issue,
        "total": sending.total,
        "counts": dict(counts),
        "go": sending.go,
        "created_at": sending.created_at,
        "started_at": sending.started_at,
        "finished_at": sending.finished_at,
        "addresses_dropped_at": sending.dropped_at,
    }


def _tell(action: str, coupon: Coupon, store: Store, after: dict[str, Any], actor: Actor, now: datetime) -> None:
    record(Entry(action, finding.target(coupon, store), after=after, right=RIGHT), actor=actor, now=now)
