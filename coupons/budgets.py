"""The money budget of a coupon: set, raised, lowered, lifted; and the stop at its end (R58)."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor, system
from audit.record import Entry, record
from audit.verbs import verb
from core import clock, display, money, outbox
from core.errors import Conflict, FieldError, InvalidInput
from core.models import OutboxMessage
from core.scopes import across_stores, in_store
from coupons import finding, stopping
from coupons.costs import RIGHT, SPENT_UP, exhausted
from coupons.models import Coupon, CouponState, CouponTally, PausedBy
from inbox.send import send

#: The reason of such a stop, as the record and the API keep it.
USED_UP = "budget"


@verb("coupon.budget", right=RIGHT)
def set_budget(
    store: Store, code: str, *, budget: str | Decimal | None, version: int | None = None, actor: Actor, now: datetime
) -> Coupon:
    """Set, raise, lower or lift (None) the money budget of a coupon that is not over; needs `coupons.manage`.

    A coupon whose issuing the old budget had stopped goes on when the new one bears a further redemption. Raises PermissionRefused,
    NotFound, Conflict ERR_COUPON_STATE, VersionConflict, InvalidInput (no amount, or less than is spent already).
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code, version=version)
    if coupon.state in (CouponState.EXPIRED, CouponState.VOIDED):
        raise Conflict("ERR_COUPON_STATE", _("The coupon is over; its budget stays what it was."))
    worth = None if budget is None else money.parse(budget, coupon.currency, "budget", positive=True)
    tally = _locked_tally(coupon)
    if not isinstance(worth, FieldError) and worth is not None and worth < tally.spent:
        spent = display.money(tally.spent, coupon.currency)
        words = _("%(spent)s is spent already; the budget cannot be less.") % {"spent": spent}
        worth = FieldError("budget", "ERR_COUPON_BUDGET", words)
    if isinstance(worth, FieldError):
        raise InvalidInput(_("The budget was not changed: please put right what is marked."), [worth])
    before, coupon.budget, tally.budget = coupon.budget, worth, worth
    coupon.version, coupon.updated_at = coupon.version + 1, now
    coupon.save(update_fields=["budget", "version", "updated_at"])
    tally.save(update_fields=["budget"])
    entry = Entry(
        "coupon.budget",
        finding.target(coupon, store),
        before={"budget": _text(before, coupon)},
        after={"budget": _text(worth, coupon), "spent": money.text(tally.spent, coupon.currency)},
        right=RIGHT,
    )
    record(entry, actor=actor, now=now)
    if coupon.paused_by == PausedBy.BUDGET and not exhausted(coupon, tally):
        stopping.let_go_on([coupon.pk], by=PausedBy.BUDGET, actor=actor, now=now)
        coupon.refresh_from_db()
    return coupon


@outbox.handles(SPENT_UP)
def stop_at_end_of_budget(message: OutboxMessage) -> None:
    """Stop the issuing of a coupon whose budget bears no further redemption, and say so; one that a person stopped stays theirs."""
    with across_stores("the message names the coupon"):
        store_id = Coupon.objects.filter(pk=message.payload["coupon"]).values_list("store_id", flat=True).first()
    if store_id is None:
        return
    now = clock.now()
    with in_store(store_id), transaction.atomic():
        coupon = finding.locked(Coupon.objects.filter(pk=message.payload["coupon"])).get()
        tally = _locked_tally(coupon)
        if coupon.state != CouponState.ACTIVE or not exhausted(coupon, tally):
            return
        stopping.stop_issuing([coupon.pk], by=PausedBy.BUDGET, actor=system("system:budget"), reason=USED_UP, now=now)
        told = {
            "coupon": coupon.code,
            "code": coupon.code,
            "spent": money.text(tally.spent, coupon.currency),
            "budget": _text(tally.budget, coupon),
            "currency": coupon.currency,
        }
        # The version tells one stop from the next: money that comes back may be spent again.
        key = f"coupon.budget:{coupon.pk}:{coupon.version}"
        send(coupon.store_id, "ERR_COUPON_BUDGET", told, key, "coupon", coupon.code, now=now)


def _locked_tally(coupon: Coupon) -> CouponTally:
    return CouponTally.objects.select_for_update(of=("self",), no_key=True).get(coupon=coupon)


def _text(amount: Decimal | None, coupon: Coupon) -> str:
    return "" if amount is None else money.text(amount, coupon.currency)
