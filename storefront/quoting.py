"""Quotes: the terms that a buyer is shown, honoured until they expire.

Prices come from the live rows at the moment of asking, whatever is published. A quote lives QUOTE_TTL seconds, and no longer than the grace
after the end of any campaign it uses.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import HOLDS, refusal
from audit.actors import Actor
from audit.verbs import verb
from campaigns.kind_rules import Terms
from campaigns.models import Kind
from campaigns.pricing import ItemOffer, ItemPrice, OrderDiscount, OrderOffer, item_price, order_discounts
from core import clock, display, money
from core.codes import new_code
from core.errors import InvalidInput
from core.prepared import Prepared
from coupons import redeeming, refusing
from coupons.models import Phase
from coupons.redeeming import Applied, Assessment, Entered
from coupons.refusing import Buyer
from listings.fields import Findings
from policies import timing
from policies.rules import StorefrontRules
from storefront.basket import Basket, Good, Line, check_goods, look_up, read_basket
from storefront.models import Quote

RIGHT = "checkout.use"
_MAY = Prepared(
    f"SELECT {HOLDS}", [("store", "bigint"), ("person", "bigint"), ("right", "text"), ("now", "timestamptz")]
)
#: The offers that count now, and the terms of the campaigns that discount the order (those of the others take nothing off it).
_OFFERS = Prepared(
    """
    SELECT o.sku_id, o.campaign_code, o.label, o.kind, o.price, o.starts_at, o.ends_at, o.stacks, c.rules
    FROM listings_liveoffer o
    LEFT JOIN campaigns_campaign c ON o.price IS NULL AND c.store_id = o.store_id AND c.code = o.campaign_code
    WHERE o.store_id = %(store)s AND o.sku_id = ANY(%(skus)s) AND o.active AND o.starts_at <= %(now)s AND o.ends_at > %(now)s
    ORDER BY o.starts_at, o.campaign_code
    """,
    [("store", "bigint"), ("skus", "bigint[]"), ("now", "timestamptz")],
)


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with its price and all offers that count for it now."""

    good: Good
    quantity: int
    price: ItemPrice
    offers: tuple[ItemOffer, ...]

    @property
    def amount(self) -> Decimal:
        """Unit price times quantity."""
        return self.price.unit_price * self.quantity


@verb("quote.make", right=RIGHT)
def make_quote(store: Store, data: Mapping[str, Any], *, actor: Actor, now: datetime) -> Quote:
    """Quote a basket: `{"buyer", "country", "logistics", "site", "lines": [{"sku", "quantity"}], "coupons": […]}`.

    The same number of queries for any number of lines. Raises PermissionRefused, InvalidInput with every broken line: unknown, not on sale,
    out of stock, a quantity past the limits, two currencies.
    """
    _check(actor, store, now)
    findings = Findings()
    basket = read_basket(data, priced=False, findings=findings, now=now)
    entered = redeeming.enter(store, basket.buyer, basket.coupons)
    known = look_up(store, basket.lines, coupons=entered.held) if basket.lines else {}
    currency = check_goods(basket, known, findings)
    _raise(findings)
    offers, terms_of = _live_offers(store, known.values(), now)
    if currency != store.currency:
        terms_of = {}  # terms of orders are amounts of the store's currency, and no exchange rate stands in them
    lines = _price(basket.lines, known, offers, currency)
    discounts = order_discounts([line.amount for line in lines], _order_offers(lines, terms_of, currency), currency)
    coupons = _assess(store, basket, entered, lines, discounts, currency, now)
    _check_held(store, basket, entered, coupons, known)
    refused = list(coupons.refused.values())
    refusing.note(store, refused, phase=Phase.QUOTE, buyer=buyer_of(basket), actor=actor, now=now)
    used = {**_shipped_free(lines, terms_of), **_used(lines, discounts)}
    ends = [offer.ends_at + timing.expiry_grace() for offer in used.values()]
    ends += [coupon.ends_at for coupon in coupons.applied.values()]
    return Quote.objects.create(
        store=store,
        code=new_code("Q", 12),
        buyer=basket.buyer,
        country=basket.country,
        logistics=basket.logistics,
        site=basket.site,
        terms=_terms(basket, lines, discounts, coupons, used, terms_of, currency),
        created_at=now,
        expires_at=min([now + timing.quote_ttl(), *ends]),
    )


def _check(actor: Actor, store: Store, now: datetime) -> None:
    """The right, by one statement that is planned already: it bears no caps."""
    if actor.is_system:
        return
    ((may,),) = _MAY.rows({"store": store.pk, "person": actor.id or 0, "right": RIGHT, "now": now})
    if not may:
        raise refusal(RIGHT, store)


def _raise(findings: Findings) -> None:
    if findings.errors:
        raise InvalidInput(_("This basket cannot be quoted: please put right what is marked."), findings.errors)


def buyer_of(basket: Basket | Quote) -> Buyer:
    """Who asked, as refusals keep it."""
    return Buyer(basket.buyer, basket.country)


def _assess(
    store: Store,
    basket: Basket,
    entered: Entered,
    lines: Sequence[PricedLine],
    discounts: Sequence[OrderDiscount],
    currency: str,
    now: datetime,
) -> Assessment:
    """What the coupons take off what item campaigns and order discounts leave."""
    if not entered.coupons:
        return Assessment()
    asked = [
        redeeming.Line(
            line.good.sku_id,
            line.good.listing_id,
            line.amount,
            line.amount - sum((discount.shares[n] for discount in discounts), Decimal(0)),
            _platform(line, discounts, n),
        )
        for n, line in enumerate(lines)
    ]
    whole = redeeming.Basket(basket.buyer, basket.country, basket.logistics, currency, asked, basket.site)
    return redeeming.assess(store, whole, entered, now=now)


def _platform(line: PricedLine, discounts: Sequence[OrderDiscount], position: int) -> frozenset[str]:
    """The platform promotions that subsidise this line."""
    giving = {discount.campaign for discount in discounts if discount.shares[position]}
    giving |= {offer.campaign for offer in line.price.winner.offers} if line.price.winner else set()
    return frozenset(
        offer.campaign for offer in line.offers if offer.kind == Kind.PLATFORM_PROMOTION and offer.campaign in giving
    )


def _check_held(store: Store, basket: Basket, entered: Entered, coupons: Assessment, known: Mapping[str, Good]) -> None:
    """What a coupon holds back can be had only with that coupon: where it was refused and its units are wanted, look at the stock without
    it; and say beside what is missing why the coupon does not help.
    """
    wanted = Counter[str]()
    for line in basket.lines:
        wanted[line.sku] += line.quantity
    if all(wanted[sku] <= good.available - good.held for sku, good in known.items()):
        return
    applied = {one.coupon_id for one in coupons.applied.values()}
    if applied.issuperset(entered.held):
        return
    findings = Findings()
    check_goods(basket, look_up(store, basket.lines, coupons=applied), findings)
    for code, (_id, _coupon, why) in coupons.refused.items() if findings.errors else ():
        findings.add(f"coupons.{basket.coupons.index(code)}", why.named, why.message)
    _raise(findings)


def document(quote: Quote) -> dict[str, Any]:
    """The API's document of a quote; no query."""
    terms = quote.terms
    shown = ("sku", "quantity", "list_price", "unit_price", "campaign", "why")
    return {
        "quote": quote.code,
        "expires_at": quote.expires_at,
        "currency": terms["currency"],
        "lines": [{name: line[name] for name in shown} for line in terms["lines"]],
        "coupons": [{name: one[name] for name in ("code", "applied", "amount", "refusal")} for one in terms["coupons"]],
        "subtotal": terms["subtotal"],
        "discount": terms["discount"],
        "total": terms["total"],
    }


def forget_expired(*, now: datetime) -> int:
    """Delete quotes that expired unused long ago: they name buyers and serve nobody. Answers how many."""
    kept = timedelta(days=policies.active(StorefrontRules, now).quote_kept_days)
    return Quote.objects.filter(expires_at__lt=now - kept, order_code="").delete()[0]


@dataclass(frozen=True, slots=True)
class DryQuote:
    """What one unit of a SKU would cost now, and the campaigns that count for it; `refusal` says why it cannot be ordered."""

    sku: str
    unit_price: Decimal
    currency: str
    campaigns: frozenset[str]
    refusal: str = ""


def dry_quotes(store: Store, skus: Iterable[str], *, now: datetime) -> dict[str, DryQuote]:
    """Quote one unit of each of these SKUs, each in a basket of its own, by the code that quotes buyers; writes nothing.

    Two queries for any number of SKUs. A SKU that the store does not have is left out.
    """
    wanted = [Line(sku, 1) for sku in sorted(set(skus))]
    known = look_up(store, wanted) if wanted else {}
    offers, _terms = _live_offers(store, known.values(), now)
    found = {}
    for line in wanted:
        if line.sku not in known:
            continue
        findings, good = Findings(), known[line.sku]
        check_goods(Basket("", "", "", "", (line,), ()), known, findings)
        lines = _price([line], known, offers, good.currency)
        counting = frozenset(offer.campaign for offer in lines[0].offers)
        refusal = findings.errors[0].code if findings.errors else ""
        found[line.sku] = DryQuote(line.sku, lines[0].price.unit_price, good.currency, counting, refusal)
    return found


def _live_offers(
    store: Store, goods: Iterable[Good], now: datetime
) -> tuple[dict[int, list[ItemOffer]], dict[str, Terms]]:
    """The offers that count now, by SKU, and the terms of those campaigns that discount the order, by code; one query."""
    offers: dict[int, list[ItemOffer]] = {}
    terms_of: dict[str, Terms] = {}
    rows = _OFFERS.rows({"store": store.pk, "skus": [good.sku_id for good in goods], "now": now})
    for sku, campaign, label, kind, price, starts_at, ends_at, stacks, rules in rows:
        offers.setdefault(sku, []).append(ItemOffer(campaign, label, kind, price, starts_at, ends_at, stacks))
        if rules is not None and campaign not in terms_of:
            terms_of[campaign] = Terms.of(orjson.loads(rules) if isinstance(rules, str) else rules)
    return offers, terms_of


def _price(
    wanted: Iterable[Line], known: Mapping[str, Good], offers: Mapping[int, list[ItemOffer]], currency: str
) -> list[PricedLine]:
    lines = []
    for line in wanted:
        good = known[line.sku]
        mine = offers.get(good.sku_id, [])
        lines.append(PricedLine(good, line.quantity, item_price(good.sale_price, mine, currency), tuple(mine)))
    return lines


def _order_offers(lines: Sequence[PricedLine], terms_of: Mapping[str, Terms], currency: str) -> list[OrderOffer]:
    """The steps of the spend-and-save campaigns that some lines are in."""
    return [
        OrderOffer(
            code, offer.label, threshold, money.quantise(discount, currency), offer.starts_at, offer.ends_at, positions, offer.stacks
        )
        for code, (offer, positions) in _wearing(lines).items()
        for threshold, discount in terms_of.get(code, Terms()).ladder
        if discount > 0
    ]  # fmt: skip


def _wearing(lines: Sequence[PricedLine]) -> dict[str, tuple[ItemOffer, frozenset[int]]]:
    """The campaigns that discount the order, with the positions of the lines that are in them."""
    found: dict[str, tuple[ItemOffer, set[int]]] = {}
    for position, line in enumerate(lines):
        for offer in line.offers:
            if offer.price is None:
                found.setdefault(offer.campaign, (offer, set()))[1].add(position)
    return {code: (offer, frozenset(positions)) for code, (offer, positions) in found.items()}


def _shipped_free(lines: Sequence[PricedLine], terms_of: Mapping[str, Terms]) -> dict[str, ItemOffer]:
    """The campaigns whose lines come to the amount from which shipping is free, whether or not their discount is reached (R14)."""
    found = {}
    for code, (offer, positions) in _wearing(lines).items():
        least = terms_of.get(code, Terms()).free_shipping_threshold
        if least is not None and sum((lines[n].amount for n in positions), Decimal(0)) >= least:
            found[code] = offer
    return found


def _used(lines: Sequence[PricedLine], discounts: Sequence[OrderDiscount]) -> dict[str, ItemOffer]:
    """The offers that this quote gives something by, by campaign."""
    codes = {discount.campaign for discount in discounts}
    used: dict[str, ItemOffer] = {}
    for line in lines:
        for offer in line.price.winner.offers if line.price.winner else ():
            used.setdefault(offer.campaign, offer)
        for offer in line.offers:
            if offer.campaign in codes:
                used.setdefault(offer.campaign, offer)
    return used


def _terms(
    basket: Basket,
    lines: Sequence[PricedLine],
    discounts: Sequence[OrderDiscount],
    coupons: Assessment,
    used: Mapping[str, ItemOffer],
    terms_of: Mapping[str, Terms],
    currency: str,
) -> dict[str, Any]:
    def text(amount: Decimal) -> str:
        return money.text(amount, currency)

    givers: list[OrderDiscount | Applied] = [*discounts, *coupons.applied.values()]
    shares = [sum((giver.shares[n] for giver in givers), Decimal(0)) for n in range(len(lines))]
    subtotal = sum((line.amount for line in lines), Decimal(0))
    discount = sum(shares, Decimal(0))
    given = [(code, terms_of[code]) for code in used if code in terms_of]
    free = [terms_of[code].free_shipping_threshold for code in _shipped_free(lines, terms_of)]
    thresholds = [least for least in free if least is not None]
    reached = {discount.campaign for discount in discounts}
    return {
        "currency": currency,
        "lines": [_line(line, share, givers, n, currency) for n, (line, share) in enumerate(zip(lines, shares, strict=True))],
        "discounts": [*_item_savings(lines, currency), *(_order_saving(found, currency) for found in givers)],
        "coupons": [_coupon(code, coupons, currency) for code in dict.fromkeys(basket.coupons)],
        "campaigns": {
            code: {"label": offer.label, "kind": offer.kind, "ends_at": clock.rfc3339(offer.ends_at)}
            for code, offer in used.items()
        },
        "free_shipping_threshold": text(min(thresholds)) if thresholds else None,
        "gifts": [{"campaign": code, "gift": gift} for code, terms in given if code in reached for gift in terms.gifts],
        "subtotal": text(subtotal),
        "discount": text(discount),
        "total": text(subtotal - discount),
    }  # fmt: skip


def _line(
    line: PricedLine, share: Decimal, givers: Sequence[OrderDiscount | Applied], position: int, currency: str
) -> dict[str, Any]:
    return {
        "sku": line.good.line.sku,
        "sku_id": line.good.sku_id,
        "listing": line.good.listing_id,
        "quantity": line.quantity,
        "list_price": money.text(line.price.sale_price, currency),
        "unit_price": money.text(line.price.unit_price, currency),
        "campaign": line.price.campaign or None,
        "chain": [
            {
                "campaign": step.offer.campaign,
                "unit_price": money.text(step.price, currency),
                "amount": money.text(step.taken * line.quantity, currency),
            }
            for step in line.price.chain(currency)
        ],
        "order_discount": money.text(share, currency),
        "why": _why(line, givers, position, currency),
    }


def _why(line: PricedLine, givers: Sequence[OrderDiscount | Applied], position: int, currency: str) -> list[str]:
    """How the price came about, in sentences."""
    price, winner = line.price, line.price.winner
    said = [_("The sale price is %(price)s.") % {"price": display.money(price.sale_price, currency)}]
    for candidate in price.candidates:
        codes = " + ".join(offer.campaign for offer in candidate.offers)
        words = {"campaign": codes, "price": display.money(candidate.price, currency)}
        if candidate is winner and len(price.candidates) > 1:
            said.append(_("%(campaign)s sets %(price)s: the lowest of the campaigns that run now.") % words)
        elif candidate is winner:
            said.append(_("%(campaign)s sets %(price)s.") % words)
        elif candidate.price > price.sale_price:
            said.append(_("%(campaign)s asks %(price)s, more than the sale price: not applied.") % words)
        else:
            said.append(_("%(campaign)s asks %(price)s: another campaign is lower or began earlier.") % words)
    for giver in givers:
        if giver.shares[position]:
            name = giver.code if isinstance(giver, Applied) else giver.campaign
            words = {"campaign": name, "amount": display.money(giver.shares[position], currency)}
            said.append(_("%(campaign)s takes %(amount)s off this line's share of the order.") % words)
    return said


def _item_savings(lines: Sequence[PricedLine], currency: str) -> list[dict[str, Any]]:
    """What each campaign took off in the unit prices; of a price that several make together each names its own part."""
    saved: dict[str, tuple[str, Decimal]] = {}
    for line in lines:
        for step in line.price.chain(currency):
            label, before = saved.get(step.offer.campaign, (step.offer.label, Decimal(0)))
            saved[step.offer.campaign] = (label, before + step.taken * line.quantity)
    return [
        {"campaign": code, "label": label, "kind": "item", "amount": money.text(amount, currency)}
        for code, (label, amount) in saved.items()
    ]


def _order_saving(found: OrderDiscount | Applied, currency: str) -> dict[str, Any]:
    amount = money.text(found.amount, currency)
    if isinstance(found, Applied):
        return {"coupon": found.code, "label": found.label, "kind": "coupon", "amount": amount}
    return {"campaign": found.campaign, "label": found.label, "kind": "order", "amount": amount}


def _coupon(entered: str, coupons: Assessment, currency: str) -> dict[str, Any]:
    """What became of a code: applied with the terms that an order keeps, or refused with the reason in plain words."""
    applied = coupons.applied.get(entered)
    if applied is not None:
        amount = money.text(applied.amount, currency)
        return {"code": applied.code, "applied": True, "amount": amount, "refusal": None, **applied.terms}
    if entered in coupons.refused:
        _id, _code, why = coupons.refused[entered]
        refusal = {"code": why.named, "message": why.message}
    else:
        refusal = {"code": "ERR_COUPON_UNKNOWN", "message": _("This store has no coupon with this code.")}
    return {"code": entered, "applied": False, "amount": money.text(Decimal(0), currency), "refusal": refusal}
