"""Redemption: what coupons take off an order, and taking it once (R52, R55, R75, R77, R182).

A quote reads the coupons that a buyer entered once (`enter`) and assesses them with one query more, whatever its lines and however many
coupons there are. An order redeems those that its quote applied: the counters and the claims are locked, in the order of the coupons' ids
and before any stock, and everything that may have changed since is looked at again.

The minimum order looks at the lines of the pool at their unit prices, like spend-and-save; a coupon takes at most what order discounts
leave of them. Of several coupons the best for the buyer counts (`coupons_per_order`). Lines under a platform promotion belong to a coupon
only while it stacks with platform subsidies. What a coupon has spent of its budget is the ledger's to write (`on_redeemed`).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.db import connection

import policies
from accounts.models import Store
from audit.actors import Actor
from core import display, money
from core.prepared import Prepared
from coupons import claiming, facts, finding, joined, judging, pool, reserving
from coupons.judging import Held, Terms
from coupons.models import ClaimState, CouponState
from coupons.refusing import Buyer, CouponRefused, Why
from orders.models import Order, OrderState
from policies.rules import CouponRules

_READ = Prepared(
    f"""
    SELECT {judging.COLUMNS}, {judging.EARLIER}, t.budget, t.spent, k.id, k.code, k.state, k.order_code,
        coupon.name, coupon.name_zh, coupon.kind, coupon.currency, coupon.face_value, coupon.min_order, coupon.stacks_with_platform,
        coupon.stacks_from, coupon.stacks_until
    FROM coupons_coupon coupon
    JOIN coupons_coupontally t ON t.coupon_id = coupon.id
    LEFT JOIN coupons_claim k ON k.coupon_id = coupon.id AND k.buyer = %(buyer)s AND %(buyer)s <> ''
    WHERE coupon.store_id = %(store)s AND coupon.code = ANY(%(codes)s)
    """,  # noqa: S608  # composed of constants
    [("store", "bigint"), ("buyer", "text"), ("codes", "text[]")],
)
#: Locks alone: what a row of the same statement says of other tables is as old as the statement, and others may have acted while it waited.
#: One buyer's orders with coupons take turns, so that two first orders at once are not both the first.
_LOCK = """
    WITH turn AS MATERIALIZED (SELECT pg_advisory_xact_lock(hashtextextended(%(buyer)s, %(store)s)))
    SELECT 1 FROM turn, coupons_claim k JOIN coupons_coupontally t ON t.coupon_id = k.coupon_id
    WHERE k.store_id = %(store)s AND k.code = ANY(%(claims)s) AND k.buyer = %(buyer)s
    ORDER BY k.coupon_id FOR NO KEY UPDATE OF t, k
"""
_HELD = f"""
    SELECT {judging.COLUMNS}, {judging.EARLIER}, t.budget, t.spent, k.id, k.code, k.state, k.order_code
    FROM coupons_claim k
    JOIN coupons_coupon coupon ON coupon.id = k.coupon_id
    JOIN coupons_coupontally t ON t.coupon_id = coupon.id
    WHERE k.store_id = %(store)s AND k.code = ANY(%(claims)s) AND k.buyer = %(buyer)s
"""  # noqa: S608  # composed of constants
_REDEEM = """
    WITH used AS (
        UPDATE coupons_claim k SET state = 'redeemed', redeemed_at = %(now)s, order_code = %(order)s, amount = v.amount
        FROM unnest(%(claims)s::bigint[], %(amounts)s::numeric[]) AS v(id, amount) WHERE k.id = v.id RETURNING k.coupon_id
    )
    UPDATE coupons_coupontally t SET redeemed = t.redeemed + 1 FROM used u WHERE t.coupon_id = u.coupon_id
    RETURNING t.coupon_id, t.quota - t.redeemed
"""
_LOCK_USED = """
    SELECT 1 FROM coupons_claim k JOIN coupons_coupontally t ON t.coupon_id = k.coupon_id
    WHERE k.store_id = %(store)s AND k.order_code = %(order)s AND k.order_code <> '' AND k.state = 'redeemed'
    ORDER BY k.coupon_id FOR NO KEY UPDATE OF t, k
"""
_USED = """
    SELECT k.id, k.coupon_id, k.amount, coupon.state IN ('active', 'paused') AND coupon.ends_at > %(now)s
    FROM coupons_claim k JOIN coupons_coupon coupon ON coupon.id = k.coupon_id
    WHERE k.store_id = %(store)s AND k.order_code = %(order)s AND k.order_code <> '' AND k.state = 'redeemed'
    ORDER BY k.coupon_id
"""
_RETURN = """
    WITH back AS (
        UPDATE coupons_claim SET state = 'claimed', redeemed_at = NULL, order_code = '', amount = NULL
        WHERE id = ANY(%(claims)s) RETURNING coupon_id
    )
    UPDATE coupons_coupontally t SET redeemed = t.redeemed - 1 FROM back b WHERE t.coupon_id = b.coupon_id
"""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of a basket: `amount` at its unit price, `left` of it after order discounts, the platform promotions it is under."""

    sku_id: int
    listing_id: int
    amount: Decimal
    left: Decimal
    platform: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Basket:
    """What is asked of a coupon: amounts are in `currency`; `site` is where the buyer is, empty where nobody says."""

    buyer: str
    country: str
    logistics: str
    currency: str
    lines: Sequence[Line]
    site: str = ""


@dataclass(frozen=True, slots=True)
class Applied:
    """A coupon that counts: what it takes off, each line's share, and the terms that the order keeps."""

    coupon_id: int
    code: str
    label: str
    amount: Decimal
    shares: tuple[Decimal, ...]
    ends_at: datetime
    terms: Mapping[str, Any]


@dataclass(slots=True)
class Assessment:
    """What became of each code that was entered, in that order: `applied` or `refused` has it, or the store has no such coupon."""

    applied: dict[str, Applied] = field(default_factory=dict)
    refused: dict[str, tuple[int, str, Why]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Coupon:
    """A coupon with the buyer's claim, as read."""

    terms: Terms
    orders: int
    budget: Decimal | None
    spent: Decimal
    held: Held | None


@dataclass(frozen=True, slots=True)
class _Priced(_Coupon):
    """The same with what it takes off."""

    name: str
    name_zh: str
    kind: str
    currency: str
    face_value: Decimal
    min_order: Decimal
    stacks: bool
    stacks_from: datetime | None
    stacks_until: datetime | None

    def stacks_at(self, now: datetime) -> bool:
        """Whether it combines with platform subsidies now: in its own window only (R77)."""
        begun = self.stacks_from is None or self.stacks_from <= now
        return self.stacks and begun and (self.stacks_until is None or now < self.stacks_until)


@dataclass(frozen=True, slots=True)
class Entered:
    """The coupons of the codes that a buyer entered, with what he holds of them: `own` leads from each code to its coupon's."""

    own: Mapping[str, str] = field(default_factory=dict)
    coupons: Mapping[str, _Priced] = field(default_factory=dict)

    @property
    def held(self) -> list[int]:
        """The coupons whose claim the buyer holds and has not used: what they hold back he may have."""
        rows = self.coupons.values()
        return [one.terms.id for one in rows if one.held is not None and one.held.state == ClaimState.CLAIMED]


@dataclass(frozen=True, slots=True)
class _Offer:
    """A coupon that could be applied, and the positions of the lines that it is for."""

    entered: str
    coupon: _Priced
    positions: tuple[int, ...]


# -- quotes ------------------------------------------------------------------------------------------------------------------


def enter(store: Store, buyer: str, codes: Sequence[str]) -> Entered:
    """Read the coupons of these codes as they came, each coupon once; none of another store. Three queries, none without codes."""
    if not codes:
        return Entered()
    plain = {code: finding.normalise(code) for code in codes}
    led = claiming.led_by(store, list(plain.values()), buyer)
    own: dict[str, str] = {}
    targets: set[str] = set()
    for entered, code in plain.items():
        target = led.get(code, code)
        if target not in targets:
            targets.add(target)
            own[entered] = target
    rows = _READ.rows({"store": store.pk, "buyer": buyer, "codes": list(targets)})
    coupons = [_Priced(*head, *rest) for head, rest in map(_head, rows)]
    return Entered(own, {one.terms.code: one for one in coupons})


def assess(store: Store, basket: Basket, entered: Entered, *, now: datetime) -> Assessment:
    """What these coupons take off this basket, or why not; one query for any number of lines, coupons and campaigns. Writes nothing."""
    found = Assessment()
    if not entered.coupons:
        return found
    rules = policies.active(CouponRules, now)
    covered = pool.coupons_for(store, [line.sku_id for line in basket.lines], list(entered.coupons))
    offers = []
    for typed, code in entered.own.items():
        coupon = entered.coupons.get(code)
        if coupon is None:
            continue
        skus = covered.get(code, frozenset())
        why, positions = _why_not(store, coupon, basket, skus, now)
        if why is not None:
            found.refused[typed] = (coupon.terms.id, code, why)
        else:
            offers.append(_Offer(typed, coupon, positions))
    _apply(offers, basket, rules, found)
    return found


def _head(row: Sequence[Any]) -> tuple[tuple[Terms, int, Decimal | None, Decimal, Held | None], Sequence[Any]]:
    """The fields of `_Coupon` from a row that begins with them, and the columns after them."""
    terms, (orders, budget, spent, *rest) = judging.read(row)
    held = Held(*rest[:4]) if rest[0] is not None else None
    return (terms, orders, budget, spent, held), rest[4:]


def _why_not(
    store: Store, coupon: _Priced, basket: Basket, skus: frozenset[int], now: datetime
) -> tuple[Why | None, tuple[int, ...]]:
    findings = judging.Findings()
    _usable(store, coupon, findings, now)
    findings.add(judging.region(coupon.terms, basket.country))
    findings.add(judging.site(coupon.terms, basket.site))
    findings.add(judging.logistics(coupon.terms, basket.logistics))
    findings.add(judging.first_order(coupon.terms, coupon.orders))
    pooled = [n for n, line in enumerate(basket.lines) if line.sku_id in skus and coupon.currency == basket.currency]
    stacks = coupon.stacks_at(now)
    positions = tuple(n for n in pooled if stacks or not basket.lines[n].platform)
    eligible = sum((basket.lines[n].amount for n in positions), Decimal(0))
    if not positions or eligible < coupon.min_order:
        whole = sum((basket.lines[n].amount for n in pooled), Decimal(0))
        if pooled and whole >= coupon.min_order:
            campaigns = sorted({code for n in pooled for code in basket.lines[n].platform})
            findings.add(judging.StackingFacts(campaigns=tuple(campaigns)))
        else:
            findings.add(_too_little(coupon, basket, eligible, frozenset(pooled)))
    # Last: who could not use the coupon anyway is told why, instead of being sent to claim it.
    if coupon.held is None:
        findings.add(judging.NotClaimedFacts())
    return findings.why(), positions


def _usable(store: Store, coupon: _Coupon, findings: judging.Findings, now: datetime) -> None:
    """What is asked at a quote and once more at the order."""
    terms, held = coupon.terms, coupon.held
    findings.add(judging.void(terms))
    if held is not None and held.state == ClaimState.REDEEMED:
        findings.add(facts.LimitFacts(used=True, claim=held.code))
    elif held is not None and held.state == ClaimState.VOIDED:
        findings.add(facts.StateFacts(state=CouponState.VOIDED))
    findings.add(judging.window(terms, now))
    findings.add(judging.frozen(store.pk, terms))


def _too_little(coupon: _Priced, basket: Basket, eligible: Decimal, pooled: frozenset[int]) -> facts.MinOrderFacts:
    outside: dict[int, Decimal] = {}
    for n, line in enumerate(basket.lines):
        if n not in pooled and (line.listing_id in outside or len(outside) < facts.OUTSIDE_MAX):
            outside[line.listing_id] = outside.get(line.listing_id, Decimal(0)) + line.amount
    return facts.MinOrderFacts(eligible=eligible, min_order=coupon.min_order, outside=outside)


def _apply(offers: Iterable[_Offer], basket: Basket, rules: CouponRules, found: Assessment) -> None:
    """The best first, as many as an order may use; each takes of what the ones before it leave."""
    left = [line.left for line in basket.lines]

    def worth(offer: _Offer) -> Decimal:
        return min(offer.coupon.face_value, sum((left[n] for n in offer.positions), Decimal(0)))

    ranked = sorted(offers, key=lambda one: (-worth(one), one.coupon.terms.ends_at, one.coupon.terms.code))
    for offer in ranked:
        terms, amount = offer.coupon.terms, money.quantise(worth(offer), basket.currency)
        if len(found.applied) >= rules.coupons_per_order:
            best = next(iter(found.applied.values())).code if found.applied else ""
            why: facts.Facts | None = judging.StackingFacts(other=best, most=rules.coupons_per_order)
        elif amount <= 0:
            why = facts.MinOrderFacts(eligible=Decimal(0), min_order=offer.coupon.min_order)
        else:
            why = judging.budget(offer.coupon.budget, offer.coupon.spent, amount)
        if why is not None:
            found.refused[offer.entered] = (terms.id, terms.code, Why(why))
            continue
        weights = [left[n] if n in offer.positions else Decimal(0) for n in range(len(left))]
        shares = tuple(money.allocate(amount, weights, basket.currency))
        left = [rest - share for rest, share in zip(left, shares, strict=True)]
        found.applied[offer.entered] = _applied(offer.coupon, amount, shares)


def _applied(coupon: _Priced, amount: Decimal, shares: tuple[Decimal, ...]) -> Applied:
    label = coupon.name_zh if coupon.name_zh and display.is_chinese() else coupon.name
    terms = {
        "claim": coupon.held.code if coupon.held else "",
        "name": coupon.name,
        "kind": coupon.kind,
        "face_value": money.text(coupon.face_value, coupon.currency),
        "min_order": money.text(coupon.min_order, coupon.currency),
    }
    return Applied(coupon.terms.id, coupon.terms.code, label, amount, shares, coupon.terms.ends_at, terms)


# -- orders ------------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Use:
    """A coupon that an order's quote applied."""

    claim: str
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Redemption:
    """Coupons that are locked for an order and stood every check; `finish` writes them."""

    claims: Sequence[tuple[int, int, str, Decimal]] = ()
    """(claim id, coupon id, coupon's code, amount)."""

    @property
    def coupon_ids(self) -> list[int]:
        """The coupons that the order uses."""
        return [coupon_id for _claim, coupon_id, _code, _amount in self.claims]


def begin(store: Store, buyer: Buyer, uses: Sequence[Use], *, site: str = "", now: datetime) -> Redemption:
    """Lock the counters and claims of an order's coupons and look again; call it before any stock is locked. `site` is the quote's. Two
    queries, none without coupons. Raises CouponRefused for the first one that cannot be used any more.
    """
    if not uses:
        return Redemption()
    asked: dict[str, Any] = {"store": store.pk, "buyer": buyer.name, "claims": [use.claim for use in uses]}
    with connection.cursor() as cursor:
        cursor.execute(_LOCK, asked)
        cursor.execute(_HELD, asked)
        held = [_Coupon(*_head(row)[0]) for row in cursor.fetchall()]
    by_claim = {one.held.code: one for one in held if one.held is not None}
    rows = []
    for use in uses:
        coupon = by_claim[use.claim]
        findings = judging.Findings()
        _usable(store, coupon, findings, now)
        findings.add(judging.site(coupon.terms, site))
        findings.add(judging.first_order(coupon.terms, coupon.orders))
        findings.add(judging.budget(coupon.budget, coupon.spent, use.amount))
        why = findings.why()
        if why is not None:
            raise CouponRefused(coupon.terms.id, coupon.terms.code, why, buyer)
        rows.append((coupon.held.id if coupon.held else 0, coupon.terms.id, coupon.terms.code, use.amount))
    return Redemption(rows)


def finish(
    store: Store,
    redemption: Redemption,
    *,
    order_code: str,
    currency: str,
    sku_ids: Sequence[int],
    actor: Actor,
    now: datetime,
) -> None:
    """Write the redemption of coupons that `begin` locked, for an order that is written and whose units are taken; tell who joined."""
    if not redemption.claims:
        return
    claims = [claim_id for claim_id, _coupon, _code, _amount in redemption.claims]
    amounts = [amount for _claim, _coupon, _code, amount in redemption.claims]
    with connection.cursor() as cursor:
        cursor.execute(_REDEEM, {"now": now, "order": order_code, "claims": claims, "amounts": amounts})
        left = dict(cursor.fetchall())
    reserving.use(redemption.coupon_ids, sku_ids)
    reserving.trim_later(left, store_id=store.pk, now=now)
    for claim_id, coupon_id, code, amount in redemption.claims:
        joined.on_redeemed.tell(
            joined.Redeemed(store, coupon_id, code, claim_id, order_code, amount, currency, actor, now)
        )


def give_back(order: Order, before: str, *, actor: Actor, now: datetime) -> None:
    """An order was called off. Before shipping, what its coupons took off costs nobody anything; the buyer may use them again while they
    are in force, where the policy says so (`returns_on_cancellation`).
    """
    if not any(one.get("applied") for one in order.snapshot.get("coupons", ())):
        return
    if before not in (OrderState.UNPAID, OrderState.PAID):
        return
    returns = policies.active(CouponRules, now).returns_on_cancellation
    store = order.store
    with connection.cursor() as cursor:
        asked: dict[str, Any] = {"store": store.pk, "order": order.code, "now": now}
        cursor.execute(_LOCK_USED, asked)
        cursor.execute(_USED, asked)
        rows = cursor.fetchall()
        reusable = [claim_id for claim_id, _coupon, _amount, in_force in rows if returns and in_force]
        if reusable:
            cursor.execute(_RETURN, {"claims": reusable})
    for claim_id, coupon_id, amount, _in_force in rows:
        joined.on_returned.tell(
            joined.Returned(store, coupon_id, claim_id, order.code, amount, claim_id in reusable, actor, now)
        )
