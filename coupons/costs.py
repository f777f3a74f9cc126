"""The ledger of what coupons cost, and the money budget that stops them (R58, R60).

The only cost of a coupon is its face value, borne by the seller; clicks on a paid slot come on top where the merchant records them.
A redemption and its entry are written in the order's own transaction. `spent` never passes the budget: the write is conditional, on the
row that every redemption of the coupon waits for, and a check in the database holds the same.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, record
from audit.verbs import verb
from core import display, money, outbox
from core.errors import Conflict, FieldError, InvalidInput
from coupons import finding
from coupons.joined import Redeemed, Returned, on_redeemed, on_returned
from coupons.models import CostEntry, CostKind, Coupon, CouponState, CouponTally
from policies.rules import ReachRules

RIGHT = "coupons.manage"
SPENT_UP = "coupons.budget"
NOTE = CostEntry._meta.get_field("note").max_length or 0


@dataclass(frozen=True, slots=True)
class Spent:
    """One coupon that an order uses: what it took off, in the coupon's currency."""

    coupon_id: int
    claim_id: int
    amount: Decimal


#: In the order of the coupons' ids, so that two orders with the same coupons wait for each other and never in a ring.
_SPEND = """
    WITH wanted AS (
        SELECT t.coupon_id, w.amount
        FROM unnest(%(coupons)s::bigint[], %(amounts)s::numeric[]) AS w (coupon_id, amount)
        JOIN coupons_coupontally t ON t.coupon_id = w.coupon_id
        ORDER BY t.coupon_id FOR NO KEY UPDATE OF t
    )
    UPDATE coupons_coupontally t SET spent = t.spent + wanted.amount
    FROM wanted JOIN coupons_coupon c ON c.id = wanted.coupon_id
    WHERE t.coupon_id = wanted.coupon_id AND (t.budget IS NULL OR t.spent + wanted.amount <= t.budget)
    RETURNING t.coupon_id, t.budget - t.spent < c.face_value
"""
_NOTE = """
    INSERT INTO coupons_costentry (store_id, coupon_id, claim_id, kind, at, amount, currency, order_code, units, goods_sales, goods_margin,
        lines_without_cost, note)
    SELECT %(store)s, w.coupon_id, w.claim_id, 'redemption', %(now)s, w.amount, c.currency, %(order)s, 0, g.sales, g.margin, g.unknown, ''
    FROM unnest(%(coupons)s::bigint[], %(claims)s::bigint[], %(amounts)s::numeric[]) AS w (coupon_id, claim_id, amount)
    JOIN coupons_coupon c ON c.id = w.coupon_id
    CROSS JOIN (
        SELECT coalesce(sum(l.unit_price * l.quantity) FILTER (WHERE s.cost IS NOT NULL), 0) AS sales,
            coalesce(sum((l.unit_price - s.cost) * l.quantity), 0) AS margin, count(*) FILTER (WHERE s.cost IS NULL) AS unknown
        FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id JOIN listings_sku s ON s.id = l.sku_id
        WHERE o.store_id = %(store)s AND o.code = %(order)s
    ) g
    ON CONFLICT DO NOTHING
"""
_BACK = """
    WITH taken AS (
        INSERT INTO coupons_costentry (store_id, coupon_id, claim_id, kind, at, amount, currency, order_code, units, goods_sales,
            goods_margin, lines_without_cost, note)
        SELECT e.store_id, e.coupon_id, e.claim_id, 'reversal', %(now)s, -e.amount, e.currency, e.order_code, 0, -e.goods_sales,
            -e.goods_margin, -e.lines_without_cost, ''
        FROM coupons_costentry e
        WHERE e.store_id = %(store)s AND e.claim_id = ANY(%(claims)s) AND e.kind = 'redemption' AND e.order_code = %(order)s
        ORDER BY e.coupon_id
        ON CONFLICT DO NOTHING
        RETURNING coupon_id, amount
    ), sums AS (SELECT coupon_id, sum(amount) AS amount FROM taken GROUP BY coupon_id)
    UPDATE coupons_coupontally t SET spent = t.spent + sums.amount FROM sums WHERE t.coupon_id = sums.coupon_id
    RETURNING t.coupon_id
"""


def spend(store_id: int, rows: Sequence[Spent], *, now: datetime) -> frozenset[int]:
    """Take these amounts from the coupons' budgets, inside the order's transaction; answers the coupons whose budget does not bear theirs.

    For those nothing is written. A coupon whose budget does not bear a further one is told to stop its issuing when the order commits.
    """
    asked: dict[str, Any] = {"coupons": [row.coupon_id for row in rows], "amounts": [row.amount for row in rows]}
    with connection.cursor() as cursor:
        cursor.execute(_SPEND, asked)
        written = dict(cursor.fetchall())
    at_end = {str(coupon_id): {"coupon": coupon_id} for coupon_id, over in written.items() if over}
    if at_end:
        outbox.put_once(SPENT_UP, at_end, store_id=store_id, now=now)
    return frozenset(asked["coupons"]) - frozenset(written)


def note(store_id: int, order_code: str, rows: Sequence[Spent], *, now: datetime) -> None:
    """Write the redemptions of an order into the ledger, after its lines were recorded: one statement, each once however often told.

    The margin of the order's goods is frozen with it; a line whose cost nobody told is counted and left out.
    """
    asked: dict[str, Any] = {
        "store": store_id,
        "order": order_code,
        "coupons": [row.coupon_id for row in rows],
        "claims": [row.claim_id for row in rows],
        "amounts": [row.amount for row in rows],
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, asked)


def take_back(store_id: int, order_code: str, claim_ids: Collection[int], *, now: datetime) -> None:
    """Write what came back (an order that was called off) as entries of their own, and give it back to the budgets; each once."""
    asked: dict[str, Any] = {"store": store_id, "order": order_code, "claims": list(claim_ids), "now": now}
    with connection.cursor() as cursor:
        cursor.execute(_BACK, asked)


@on_redeemed.join
def redeemed(news: Redeemed) -> None:
    """Spend and note a redemption. Raises Conflict ERR_COUPON_EXHAUSTED, which refuses it, when the budget does not bear it."""
    rows = [Spent(news.coupon_id, news.claim_id, news.amount)]
    if spend(news.store.pk, rows, now=news.now):
        raise Conflict("ERR_COUPON_EXHAUSTED", _("The money budget of this coupon is used up."))
    note(news.store.pk, news.order_code, rows, now=news.now)


@on_returned.join
def returned(news: Returned) -> None:
    """Take back what an order cost that was called off."""
    take_back(news.store.pk, news.order_code, [news.claim_id], now=news.now)


def exhausted(coupon: Coupon, tally: CouponTally) -> bool:
    """Whether the budget does not bear a further redemption of full face value."""
    return tally.budget is not None and tally.budget - tally.spent < coupon.face_value


@verb("coupon.clicks", right=RIGHT)
def record_clicks(
    store: Store, code: str, *, clicks: int, amount: str | Decimal = "", note: str = "", actor: Actor, now: datetime
) -> CostEntry:
    """Record clicks on a paid slot (R60); without `amount` they cost the coupon's own price a click. Needs `coupons.manage`.

    A negative number takes back what was recorded too much. Raises PermissionRefused, NotFound, Conflict ERR_COUPON_STATE for a draft,
    InvalidInput.
    """
    check(actor, store, RIGHT, now=now)
    coupon = finding.lock(store, code)
    if coupon.state == CouponState.DRAFT:  # it can still be deleted, and the ledger never is
        raise Conflict("ERR_COUPON_STATE", _("A draft is shown nowhere: nobody can have clicked on it."))
    most = policies.active(ReachRules, now).clicks_per_entry
    errors: list[FieldError] = []
    if not clicks or not -most <= clicks <= most:
        words = _("Up to %(most)s clicks; a number below zero takes back.") % {"most": display.number(most)}
        errors.append(FieldError("clicks", "ERR_RANGE", words))
    if len(note.strip()) > NOTE:
        errors.append(FieldError("note", "ERR_LENGTH", _("At most %(most)s characters.") % {"most": NOTE}))
    worth = _clicks_cost(coupon, clicks, amount)
    if isinstance(worth, FieldError):
        errors.append(worth)
    if errors or isinstance(worth, FieldError):
        raise InvalidInput(_("Nothing was recorded: please put right what is marked."), errors)
    entry = CostEntry.objects.create(
        store=store, coupon=coupon, kind=CostKind.CLICKS, at=now, amount=worth, currency=coupon.currency, units=clicks, note=note.strip(),
    )  # fmt: skip
    after = {"clicks": clicks, "amount": money.text(worth, coupon.currency), "note": entry.note}
    record(Entry("coupon.clicks", finding.target(coupon, store), after=after, right=RIGHT), actor=actor, now=now)
    return entry


def _clicks_cost(coupon: Coupon, clicks: int, amount: str | Decimal) -> Decimal | FieldError:
    if str(amount).strip():
        worth = money.parse(amount, coupon.currency, "amount", positive=True)
        return worth if isinstance(worth, FieldError) or clicks > 0 else -worth
    if coupon.cpc_cost is None:
        words = _("Say what they cost: the coupon has no price per click.")
        return FieldError("amount", "ERR_REQUIRED", words)
    return money.quantise(coupon.cpc_cost * clicks, coupon.currency)
