"""Placing orders: by a quote, or with the prices that were paid. What is placed never changes afterwards (R14, R15)."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db import connection, transaction
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from campaigns.models import Campaign, CampaignState
from core import clock, money
from core.errors import Conflict, DomainError, FieldError, InvalidInput
from coupons import redeeming, refusing
from coupons.models import Phase
from coupons.redeeming import Use
from coupons.refusing import CouponRefused
from listings import fields
from listings.fields import Findings
from listings.models import PriceHistory, Sku
from listings.signals import listings_changed
from orders.models import Order
from orders.recording import FINGERPRINT, LineDraft, OrderDraft, record_orders
from policies.rules import OrderRules, StorefrontRules
from storefront import quoting
from storefront.basket import Basket, Good, Line, check_goods, lock_up, look_up, read_basket
from storefront.models import Quote

_CODE, _QUOTE = 64, 20

_STOPPED = (CampaignState.PAUSED, CampaignState.CANCELLING, CampaignState.CANCELLED)

# Two submissions of one order wait for each other, so that the second finds the first.
_ONE_AT_A_TIME = "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))"
_TAKE = """
    UPDATE listings_sku AS s SET stock = s.stock - v.quantity
    FROM unnest(%s::bigint[], %s::integer[], %s::integer[]) AS v(id, quantity, held)
    WHERE s.id = v.id AND s.stock - s.reserved + v.held >= v.quantity
    RETURNING s.listing_id, s.stock - s.reserved
"""


@dataclass(frozen=True, slots=True)
class _Head:
    """What every order says of itself."""

    code: str
    quote: str
    placed_at: datetime
    is_history: bool


@verb("order.place", right="checkout.use")
def _place(store: Store, data: Mapping[str, Any], *, actor: Actor, now: datetime) -> Order:
    """Place an order: `{"order", "quote", "placed_at"}`, or the quote's fields with `unit_price` on each line.

    By a quote: within its life, once, at its terms, whatever became of its campaigns since (policy `quotes_survive_stop`); stock, sale and
    every limit of its coupons are looked at again. Without one: at the prices given; `placed_at` further back than the clocks may differ
    makes it history, which takes no stock. Sending the same order again answers the order that is there. Raises PermissionRefused,
    InvalidInput with all that is wrong, Conflict (ERR_QUOTE_…, ERR_STOCK, ERR_ORDER_FROZEN), CouponRefused with the coupon's code.
    """
    head = _head(data, now)
    about(Target("order", head.code, head.code, store.pk, store.name))
    check(actor, store, "checkout.use", now=now)
    if head.quote:
        return _by_quote(store, head, actor, now)
    return _at_prices(store, head, data, actor, now)


@functools.wraps(_place)
def place_order(store: Store, data: Mapping[str, Any], *, actor: Actor, now: datetime | None = None) -> Order:
    """Place an order, see `_place`; what a coupon was refused for is stored after the order's own work is taken back."""
    try:
        return _place(store, data, actor=actor, now=now)
    except CouponRefused as refused:
        moment = now or clock.now()
        row = (refused.coupon_id, refused.coupon, refused.why)
        with transaction.atomic():
            refusing.note(store, [row], phase=Phase.ORDER, buyer=refused.buyer, actor=actor, now=moment)
        raise


def _head(data: Mapping[str, Any], now: datetime) -> _Head:
    findings = Findings()
    rules = policies.active(OrderRules, now)
    code = findings.take(fields.text(data.get("order"), "order", longest=_CODE, required="ERR_ORDER_CODE"), "")
    quote = findings.take(fields.text(data.get("quote"), "quote", longest=_QUOTE * 4), "")
    placed_at = findings.take(_moment(data.get("placed_at"), rules, now), now)
    if findings.errors:
        raise InvalidInput(_("This order cannot be placed: please put right what is marked."), findings.errors)
    return _Head(code, quote, placed_at, placed_at < now - timedelta(seconds=rules.future_seconds))


def _moment(value: object, rules: OrderRules, now: datetime) -> datetime | FieldError:
    if value in (None, ""):
        return now
    moment = value
    if isinstance(value, str):
        try:
            moment = parse_datetime(value)
        except ValueError:
            moment = None
    if not isinstance(moment, datetime) or moment.tzinfo is None:
        return FieldError("placed_at", "ERR_ORDER_TIME", _("Write the time in UTC, such as 2026-11-27T08:00:00Z."))
    if moment > now + timedelta(seconds=rules.future_seconds):
        words = {"minutes": rules.future_seconds // 60}
        return FieldError("placed_at", "ERR_ORDER_TIME", _("At most %(minutes)s minutes ahead are accepted.") % words)
    if moment.year < rules.earliest_year:
        return FieldError("placed_at", "ERR_ORDER_TIME", _("This time is absurdly early."))
    return moment.astimezone(UTC)


# -- by a quote --------------------------------------------------------------------------------------------------------------


def _by_quote(store: Store, head: _Head, actor: Actor, now: datetime) -> Order:
    quote = Quote.objects.filter(store=store, code=head.quote).select_for_update(of=("self",), no_key=True).first()
    if quote is None:
        message = _("This store has made no such quote.")
        raise InvalidInput(message, [FieldError("quote", "ERR_QUOTE_UNKNOWN", message)])
    if quote.order_code:
        if quote.order_code == head.code:
            return Order.objects.get(store=store, code=head.code)
        raise Conflict("ERR_QUOTE_USED", _("The quote made order %(order)s already.") % {"order": quote.order_code})
    if now >= quote.expires_at:
        raise Conflict("ERR_QUOTE_EXPIRED", _("The quote has expired; ask for a new one."))
    if head.is_history or head.placed_at < quote.created_at - timedelta(seconds=_skew(now)):
        message = _("The order cannot be older than its quote.")
        raise InvalidInput(message, [FieldError("placed_at", "ERR_ORDER_TIME", message)])
    terms = quote.terms
    _refuse_stopped(store, terms, now)
    lines = [Line(row["sku"], row["quantity"]) for row in terms["lines"]]
    uses = [Use(one["claim"], Decimal(one["amount"])) for one in terms["coupons"] if one["applied"]]
    redemption = redeeming.begin(store, quoting.buyer_of(quote), uses, site=quote.site, now=now)
    _take_stock(store, lines, now, redemption.coupon_ids)
    draft = OrderDraft(
        code=head.code,
        placed_at=head.placed_at,
        currency=terms["currency"],
        lines=[
            LineDraft(
                sku_id=row["sku_id"],
                quantity=row["quantity"],
                list_price=Decimal(row["list_price"]),
                unit_price=Decimal(row["unit_price"]),
                order_discount=Decimal(row["order_discount"]),
                campaign_code=row["campaign"] or "",
            )
            for row in terms["lines"]
        ],
        snapshot=_snapshot(terms, quote=quote.code),
        stock_taken=True,
        buyer=quote.buyer,
        country=quote.country,
        logistics=quote.logistics,
    )
    order = _write(store, draft, head, actor, now)
    skus = [line.sku_id for line in draft.lines]
    redeeming.finish(
        store, redemption, order_code=order.code, currency=draft.currency, sku_ids=skus, actor=actor, now=now
    )
    quote.order_code = head.code
    quote.save(update_fields=["order_code"])
    return order


def _skew(now: datetime) -> int:
    """How far the clocks of storefronts may differ from ours, in seconds."""
    return policies.active(OrderRules, now).future_seconds


def _refuse_stopped(store: Store, terms: Mapping[str, Any], now: datetime) -> None:
    """Where the policy does not honour quotes of campaigns that were stopped meanwhile: refuse them."""
    if policies.active(StorefrontRules, now).quotes_survive_stop or not terms["campaigns"]:
        return
    stopped = Campaign.objects.filter(store=store, code__in=list(terms["campaigns"]), state__in=_STOPPED)
    codes = list(stopped.order_by("code").values_list("code", flat=True))
    if codes:
        words = {"campaigns": ", ".join(codes)}
        raise Conflict("ERR_QUOTE_STOPPED", _("%(campaigns)s was stopped after this quote; ask for a new one.") % words)


def _snapshot(terms: Mapping[str, Any], *, quote: str) -> dict[str, Any]:
    """What is frozen with the order: the terms it was placed under, as words and amounts that need nothing else."""
    kept = (
        "discounts",
        "coupons",
        "campaigns",
        "free_shipping_threshold",
        "gifts",
        "subtotal",
        "discount",
        "total",
        "currency",
    )
    lines = [
        {name: value for name, value in row.items() if name not in ("sku_id", "listing")} for row in terms["lines"]
    ]
    return {"quote": quote or None, "lines": lines, **{name: terms[name] for name in kept}}


# -- at the prices given -----------------------------------------------------------------------------------------------------


def _at_prices(store: Store, head: _Head, data: Mapping[str, Any], actor: Actor, now: datetime) -> Order:
    findings = Findings()
    basket = read_basket(data, priced=True, findings=findings, now=now)
    known = look_up(store, basket.lines) if basket.lines else {}
    currency = check_goods(basket, known, findings, for_sale=False)
    prices = [
        findings.take(money.parse(line.price, currency or "USD", f"lines.{n}.unit_price"), Decimal(0))
        if line.price is not None
        else Decimal(0)
        for n, line in enumerate(basket.lines)
    ]
    if sum(price * line.quantity for price, line in zip(prices, basket.lines, strict=True)) > money.LARGEST:
        message = _("The sum of an order must not exceed %(most)s.") % {"most": money.LARGEST}
        findings.add("lines", "ERR_MONEY_RANGE", message)
    if basket.coupons:
        message = _("A coupon is redeemed through a quote.")
        findings.add("coupons", "ERR_COUPON_UNKNOWN", message)
    if findings.errors:
        raise InvalidInput(_("This order cannot be placed: please put right what is marked."), findings.errors)
    with connection.cursor() as cursor:
        cursor.execute(_ONE_AT_A_TIME, [head.code, store.pk])
    listed = _listed_at(store, known, head) if head.is_history else {}
    draft = _draft(head, basket, known, prices, listed, currency)
    held = _held(store, draft, head, placed_at_given=data.get("placed_at") not in (None, ""))
    if held is not None:
        return held
    if not head.is_history:
        _take_stock(store, basket.lines, now)
        draft = replace(draft, stock_taken=True)
    return _write(store, draft, head, actor, now)


def _draft(
    head: _Head,
    basket: Basket,
    known: Mapping[str, Good],
    prices: Sequence[Decimal],
    listed: Mapping[int, Decimal],
    currency: str,
) -> OrderDraft:
    rows = []
    for line, price in zip(basket.lines, prices, strict=True):
        good = known[line.sku]
        rows.append((line, good, listed.get(good.sku_id, good.sale_price), price))
    subtotal = money.text(sum((price * line.quantity for line, _, _, price in rows), Decimal(0)), currency)
    snapshot: dict[str, Any] = {
        "quote": None,
        "currency": currency,
        "lines": [
            {
                "sku": line.sku,
                "quantity": line.quantity,
                "list_price": money.text(list_price, currency),
                "unit_price": money.text(price, currency),
                "campaign": None,
                "order_discount": money.text(Decimal(0), currency),
            }
            for line, _, list_price, price in rows
        ],
        "discounts": [],
        "coupons": [],
        "campaigns": {},
        "free_shipping_threshold": None,
        "gifts": [],
        "subtotal": subtotal,
        "discount": money.text(Decimal(0), currency),
        "total": subtotal,
    }
    return OrderDraft(
        code=head.code,
        placed_at=head.placed_at,
        currency=currency,
        lines=[LineDraft(good.sku_id, line.quantity, list_price, price) for line, good, list_price, price in rows],
        snapshot=snapshot,
        buyer=basket.buyer,
        country=basket.country,
        logistics=basket.logistics,
    )


def _listed_at(store: Store, known: Mapping[str, Good], head: _Head) -> dict[int, Decimal]:
    """The sale prices in force when a past order was placed, as far as the history goes back (R45); one query."""
    ids = [good.sku_id for good in known.values()]
    changes = PriceHistory.objects.filter(store=store, sku_id__in=ids).order_by("sku_id", "at", "id")
    listed: dict[int, Decimal] = {}
    for sku_id, at, before, after in changes.values_list("sku_id", "at", "before", "after"):
        if at <= head.placed_at:
            listed[sku_id] = after
        elif sku_id not in listed and before is not None:
            listed[sku_id] = before
    return listed


def _held(store: Store, draft: OrderDraft, head: _Head, *, placed_at_given: bool) -> Order | None:
    """The order that is there already when this is the same one sent again; None when there is none.

    A client that leaves the time to us cannot repeat it: then the time of the first order counts.
    """
    order = Order.objects.filter(store=store, code=head.code).first()
    if order is None:
        return None
    same = draft if placed_at_given else OrderDraft(draft.code, order.placed_at, draft.currency, draft.lines)
    if order.snapshot.get(FINGERPRINT) != same.fingerprint():
        raise _frozen(head)
    return order


# -- both --------------------------------------------------------------------------------------------------------------------


def _take_stock(store: Store, lines: Sequence[Line], now: datetime, coupons: Sequence[int] = ()) -> None:
    """Take the units out of stock, or raise Conflict and take none. Rows are locked in the order of their ids, so orders never deadlock.
    What the order's coupons hold back may be taken, too.

    Sites are told at once of listings where something sold out; a smaller number that is still above zero goes with the next change.
    """
    known = lock_up(store, lines, coupons=coupons)
    findings = Findings()
    basket = Basket("", "", "", "", tuple(lines), ())
    check_goods(basket, known, findings)
    if findings.errors:
        raise DomainError(
            code=findings.errors[0].code,
            detail=_("This order cannot be placed any more: %(why)s") % {"why": findings.errors[0].message},
            status=409,
            errors=findings.errors,
        )
    wanted: dict[int, int] = {}
    for line in lines:
        sku_id = known[line.sku].sku_id
        wanted[sku_id] = wanted.get(sku_id, 0) + line.quantity
    with connection.cursor() as cursor:
        held = {good.sku_id: good.held for good in known.values()}
        cursor.execute(_TAKE, [list(wanted), list(wanted.values()), [held[sku_id] for sku_id in wanted]])
        sold_out = sorted({listing_id for listing_id, left in cursor.fetchall() if left <= 0})
    if sold_out:
        listings_changed.send(Sku, store_id=store.pk, listing_ids=sold_out, now=now)


def _write(store: Store, draft: OrderDraft, head: _Head, actor: Actor, now: datetime) -> Order:
    recorded = record_orders(store, [draft], actor=actor, now=now, audit=False)
    if head.code not in recorded.created:
        raise _frozen(head)
    subtotal, discount, total = draft.sums()
    target = Target("order", head.code, head.code, store.pk, store.name)
    after = {
        "quote": head.quote or None,
        "placed_at": clock.rfc3339(head.placed_at),
        "currency": draft.currency,
        "subtotal": money.text(subtotal, draft.currency),
        "discount": money.text(discount, draft.currency),
        "total": money.text(total, draft.currency),
        "campaigns": sorted(draft.snapshot["campaigns"]),
        "history": head.is_history,
    }
    record(Entry("order.place", target, after=after, right="checkout.use"), actor=actor, now=now)
    return Order.objects.get(id=recorded.created[head.code])


def _frozen(head: _Head) -> Conflict:
    return Conflict(
        "ERR_ORDER_FROZEN", _("Order %(order)s is here already, with other content.") % {"order": head.code}
    )
