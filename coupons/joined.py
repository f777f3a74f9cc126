"""What other parts join claiming and redeeming with, without a line changed there: they register here in `AppConfig.ready`.

    from coupons import joined
    joined.on_redeemed.join(note_the_cost)

Receivers run inside the transaction of the news, in the order in which they joined, and may raise a DomainError to refuse it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any, Generic, TypeVar

from accounts.models import Store
from audit.actors import Actor

News = TypeVar("News")


@dataclass(slots=True)
class Joined(Generic[News]):
    """One kind of news and who wants it."""

    receivers: list[Callable[[News], None]] = field(default_factory=list)

    def join(self, receiver: Callable[[News], None]) -> Callable[[News], None]:
        """Add a receiver; one that is there already is not added again. Usable as a decorator."""
        if receiver not in self.receivers:
            self.receivers.append(receiver)
        return receiver

    def tell(self, news: News) -> None:
        """Tell everybody."""
        for receiver in self.receivers:
            receiver(news)

    def __bool__(self) -> bool:
        return bool(self.receivers)


@dataclass(frozen=True, slots=True)
class Claimed:
    """A claim was granted. `entered` is the code as it came: the coupon's, or a single-use one that led to it."""

    store: Store
    coupon_id: int
    coupon_code: str
    claim_id: int
    claim_code: str
    entered: str
    buyer: str
    country: str
    channel: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True)
class Redeemed:
    """A claim was redeemed by an order, which is written in this transaction; `amount` is what it took off, in `currency`."""

    store: Store
    coupon_id: int
    coupon_code: str
    claim_id: int
    order_code: str
    amount: Decimal
    currency: str
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True)
class Returned:
    """An order was called off before shipping: its claim can be used again (`reusable`), or stays used up."""

    store: Store
    coupon_id: int
    claim_id: int
    order_code: str
    amount: Decimal
    reusable: bool
    actor: Actor
    now: datetime


@dataclass(frozen=True, slots=True)
class Refused:
    """A claim or a use was refused, with the code and the facts of its row (`coupons.facts`). `times` counts the row's hour up to now."""

    store: Store
    coupon_id: int
    coupon_code: str
    refusal_id: int
    phase: str
    code: str
    facts: Mapping[str, Any]
    buyer: str
    country: str
    channel: str
    times: int
    actor: Actor
    now: datetime


on_claimed: Joined[Claimed] = Joined()
on_led: Joined[Claimed] = Joined()
"""Only of claims whose `entered` code was not the coupon's own. Prefer it: every claim pays for the receivers of `on_claimed`."""
on_redeemed: Joined[Redeemed] = Joined()
on_returned: Joined[Returned] = Joined()
on_refused: Joined[Refused] = Joined()
