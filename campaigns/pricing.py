"""What a buyer pays: the one place where the precedence of promotions is decided.

1. Item campaigns: of those that do not stack the lowest price wins, ties go to the earlier start. Those that declare that they stack take
   their reductions one after another and stand together as one candidate. Nobody pays more than the sale price.
2. Spend-and-save: the best order discount among those that do not stack, or all that stack together if that is more. A threshold looks at
   the lines that are in the campaign, at prices after step 1.
3. Coupons come after both.

A line's `unit_price` is after step 1 only; order discounts are split over their lines by largest remainder.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from core import money


@dataclass(frozen=True, slots=True)
class ItemOffer:
    """A campaign's offer on one SKU. `price` is None where the campaign discounts the order and the item only wears its tag."""

    campaign: str
    label: str
    kind: str
    price: Decimal | None
    starts_at: datetime
    ends_at: datetime
    stacks: bool = False


@dataclass(frozen=True, slots=True)
class Candidate:
    """A price that could be paid, and the offers that make it (more than one when they stack)."""

    price: Decimal
    offers: tuple[ItemOffer, ...]

    @property
    def order(self) -> tuple[Decimal, datetime, str]:
        """Lowest price first, then the earlier start, then the code, so that the answer never depends on chance."""
        return self.price, min(offer.starts_at for offer in self.offers), self.offers[0].campaign


@dataclass(frozen=True, slots=True)
class Step:
    """One offer of the winner: the unit price that it leaves, and what it takes off one unit of the price before it."""

    offer: ItemOffer
    price: Decimal
    taken: Decimal


@dataclass(frozen=True, slots=True)
class ItemPrice:
    """What one unit costs: the winner (None: the sale price stands) and all candidates in their order."""

    sale_price: Decimal
    unit_price: Decimal
    winner: Candidate | None
    candidates: tuple[Candidate, ...]

    @property
    def campaign(self) -> str:
        """The code of the campaign that sets the price; empty when none does."""
        return self.winner.offers[0].campaign if self.winner else ""

    def chain(self, currency: str) -> list[Step]:
        """What each campaign that sets the price takes off, in the order they are taken; together exactly sale price less unit price."""
        if self.winner is None:
            return []
        offers = self.winner.offers
        after = [self.unit_price] if len(offers) == 1 else _stacked(self.sale_price, offers, currency)
        before = [self.sale_price, *after[:-1]]
        return [Step(offer, left, was - left) for offer, was, left in zip(offers, before, after, strict=True)]


def item_price(sale_price: Decimal, offers: Iterable[ItemOffer], currency: str) -> ItemPrice:
    """The price of one unit. `offers` are those that count at this moment; amounts are in `currency` (R30)."""
    priced = [offer for offer in offers if offer.price is not None]
    candidates = [Candidate(offer.price, (offer,)) for offer in priced if not offer.stacks and offer.price is not None]
    candidates += _stacking(sale_price, [offer for offer in priced if offer.stacks], currency)
    candidates.sort(key=lambda candidate: candidate.order)
    winner = candidates[0] if candidates and candidates[0].price <= sale_price else None
    return ItemPrice(sale_price, winner.price if winner else sale_price, winner, tuple(candidates))


def _stacking(sale_price: Decimal, offers: Sequence[ItemOffer], currency: str) -> list[Candidate]:
    """Those that reduce, together; one above the sale price reduces nothing, so it stands alone and takes nothing from the others."""
    found = [
        Candidate(offer.price, (offer,)) for offer in offers if offer.price is not None and offer.price > sale_price
    ]
    reducing = [offer for offer in offers if offer.price is not None and offer.price <= sale_price]
    reducing.sort(key=lambda offer: (offer.starts_at, offer.campaign))
    if len(reducing) == 1 and reducing[0].price is not None:
        found.append(Candidate(reducing[0].price, (reducing[0],)))
    elif reducing:
        found.append(Candidate(_stacked(sale_price, reducing, currency)[-1], tuple(reducing)))
    return found


def _stacked(sale_price: Decimal, offers: Sequence[ItemOffer], currency: str) -> list[Decimal]:
    """The price after each of the reductions, one after another: two offers of 10 % leave 90 %, then 81 %. At least the currency's smallest
    unit remains. Rounded only to be told: each reduction is taken off what the one before left, unrounded.
    """
    price, least = sale_price, Decimal(1).scaleb(-money.places(currency))
    found = []
    for offer in offers:
        price = price * (offer.price or sale_price) / sale_price
        found.append(max(money.quantise(price, currency), least))
    return found


@dataclass(frozen=True, slots=True)
class OrderOffer:
    """A step of a spend-and-save campaign: `discount` off when its `lines` (positions in the basket) come to at least `threshold`.

    A campaign with several steps has an offer for each; the best one that is reached counts.
    """

    campaign: str
    label: str
    threshold: Decimal
    discount: Decimal
    starts_at: datetime
    ends_at: datetime
    lines: frozenset[int]
    stacks: bool = False


@dataclass(frozen=True, slots=True)
class OrderDiscount:
    """An order discount that applies: its amount and each line's share, by position in the basket."""

    campaign: str
    label: str
    amount: Decimal
    shares: tuple[Decimal, ...]


def order_discounts(amounts: Sequence[Decimal], offers: Iterable[OrderOffer], currency: str) -> list[OrderDiscount]:
    """The order discounts of a basket. `amounts` are the lines' unit price times quantity, in `currency`."""
    ranked = sorted(
        (offer for offer in offers if offer.lines and _sum(amounts, offer) >= offer.threshold),
        key=lambda offer: (-offer.discount, offer.starts_at, offer.campaign),
    )
    best: dict[str, OrderOffer] = {}
    for offer in ranked:
        best.setdefault(offer.campaign, offer)
    reached = list(best.values())
    alone = next((offer for offer in reached if not offer.stacks), None)
    together = [offer for offer in reached if offer.stacks]
    if alone and alone.discount >= sum((offer.discount for offer in together), Decimal(0)):
        together = [alone]
    left = list(amounts)
    found = []
    for offer in together:
        weights = [left[n] if n in offer.lines else Decimal(0) for n in range(len(amounts))]
        amount = min(offer.discount, sum(weights, Decimal(0)))
        if amount <= 0:
            continue
        shares = tuple(money.allocate(amount, weights, currency))
        left = [rest - share for rest, share in zip(left, shares, strict=True)]
        found.append(OrderDiscount(offer.campaign, offer.label, amount, shares))
    return found


def _sum(amounts: Sequence[Decimal], offer: OrderOffer) -> Decimal:
    return sum((amounts[n] for n in offer.lines), Decimal(0))
