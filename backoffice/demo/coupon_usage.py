"""What buyers of the demo did with its coupons: exposures, claims, orders, redemptions, refusals (glossary §2.5).

A thousand buyers are written set-based, at moments of the past, where one by one would take minutes; what follows from them (the warning,
the stop, the report, the message) is the product's own doing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count as numbers
from typing import Any

from django.db.models import F

from accounts.models import Store
from backoffice.demo.film import Film
from backoffice.demo.stage import OWNER, acting
from core import clock
from core.codes import new_code
from core.scopes import in_store
from coupons import arms, facts, joined
from coupons.facts import Facts
from coupons.models import Claim, ClaimState, Coupon, CouponTally, Phase, Refusal
from insights.events import take_events
from listings.models import Sku
from orders.recording import LineDraft, OrderDraft, record_orders

#: When the scenes play, in days before the premiere: late enough for the coupons to have been judged fairly.
WHEN = 0.3


@dataclass(frozen=True, slots=True)
class Channel:
    """What one channel brought."""

    name: str
    impressions: int
    clicks: int
    claims: int
    redeemed: int


@dataclass(frozen=True, slots=True)
class Refused:
    """So many buyers refused alike."""

    told: Facts
    buyers: int
    phase: str = Phase.CLAIM
    country: str = "US"
    channel: str = ""
    times: int = 1


@dataclass(frozen=True, slots=True)
class Usage:
    """What became of one coupon. `orders`: (unit price, buyers) of holders who ordered without using it."""

    coupon: str
    sku: str
    channels: Sequence[Channel]
    refused: Sequence[Refused] = field(default=())
    orders: Sequence[tuple[str, int]] = field(default=())
    country: str = "US"


USAGES: dict[str, tuple[Usage, ...]] = {
    "riverlamp": (
        Usage(
            "EARBUD-LOW",
            "RL-EBD-100-BK",
            (
                Channel("push", 6200, 1742, 520, 79),
                Channel("email", 4100, 381, 180, 22),
                Channel("off_site", 9000, 310, 300, 11),
            ),
            (
                Refused(facts.MinOrderFacts(eligible=Decimal("27.90"), min_order=Decimal(30)), 41, Phase.QUOTE),
                Refused(facts.MinOrderFacts(eligible=Decimal("24.90"), min_order=Decimal(30)), 17, Phase.QUOTE, times=2),
                Refused(facts.LogisticsFacts(logistics="epacket", allowed=("standard", "premium")), 12, Phase.ORDER),
                Refused(facts.LimitFacts(), 26, channel="push"),
            ),
            (("27.90", 64), ("28.90", 18)),
        ),
    ),
    "pinecone": (
        Usage(
            "RU-ONLY-3",
            "PC-KNT-014-M",
            (Channel("product_page", 2100, 164, 74, 31), Channel("push", 900, 243, 42, 22)),
            (
                Refused(facts.RegionFacts(regions=("RU",)), 23, country="PL", channel="product_page", times=2),
                Refused(facts.RegionFacts(regions=("RU",)), 9, country="KZ", channel="push"),
                Refused(facts.LimitFacts(), 6, country="RU"),
            ),
            country="RU",
        ),
        Usage("SNEAK-A", "PC-SNK-031-38", (Channel("push", 2600, 610, 128, 27), Channel("store_home", 1500, 130, 62, 14))),
        Usage("SNEAK-B", "PC-SNK-031-38", (Channel("push", 2600, 655, 131, 48), Channel("store_home", 1500, 142, 60, 21))),
        Usage(
            "KNIT-2-50",
            "PC-KNT-014-M",
            (Channel("push", 3100, 892, 210, 84), Channel("email", 2400, 226, 90, 31), Channel("store_home", 1800, 140, 60, 19)),
            (Refused(facts.MinOrderFacts(eligible=Decimal("18.50"), min_order=Decimal(20)), 14, Phase.ORDER),),
        ),
    ),
    "halfhill": (
        Usage(
            "BENCH-OUT0",
            "HH-STL-007",
            (Channel("product_page", 760, 71, 22, 9),),
            (Refused(facts.StockFacts(reason="sold_out", sku="HH-STL-007"), 31, channel="product_page", times=3),),
        ),
        Usage("LAMP-A", "HH-LMP-018", (Channel("product_page", 420, 52, 31, 6),)),
        Usage("LAMP-B", "HH-LMP-018", (Channel("product_page", 390, 44, 27, 4),)),
    ),
}  # fmt: skip


def tell(film: Film, store: Store) -> None:
    """Add what happened in one store to the film; a coupon that is not there has no history."""

    def run() -> None:
        with in_store(store.pk):
            for usage in USAGES.get(store.slug, ()):
                coupon = Coupon.objects.filter(store=store, code=usage.coupon).first()
                if coupon is not None:
                    _Told(store, coupon, usage).write()

    film.at(run, days=WHEN)


class _Told:
    """One coupon's history up to now."""

    def __init__(self, store: Store, coupon: Coupon, usage: Usage) -> None:
        self.store, self.coupon, self.usage = store, coupon, usage
        self.now = clock.now()
        self.since = max(coupon.starts_at, coupon.activated_at or coupon.starts_at)
        self.sku = Sku.objects.get(store=store, code=usage.sku)

    def write(self) -> None:
        self._seen()
        claims = self._claims()
        used = [claim for claim in claims if claim.state == ClaimState.REDEEMED]
        used.sort(key=lambda claim: claim.redeemed_at or self.now)
        unused = [claim for claim in claims if claim.state == ClaimState.CLAIMED]
        drafts = [self._order(claim, self.sku.sale_price, self.coupon.face_value) for claim in used]
        for price, buyers in self.usage.orders:
            drafts += [self._order(unused.pop(), Decimal(price), Decimal(0)) for _n in range(buyers)]
        record_orders(self.store, drafts, actor=acting(OWNER), now=self.now, audit=False)
        for claim in used:
            joined.on_redeemed.tell(
                joined.Redeemed(
                    self.store, self.coupon.pk, self.coupon.code, claim.pk, claim.order_code, self.coupon.face_value,
                    self.coupon.currency, acting(OWNER), claim.redeemed_at or self.now,
                )
            )  # fmt: skip
        self._refusals()

    def _moment(self, place: int, of: int) -> datetime:
        """The place-th of so many moments, evenly from the beginning until an hour ago."""
        return self.since + (self.now - timedelta(hours=1) - self.since) * place / max(of, 1)

    def _seen(self) -> None:
        rows: list[dict[str, Any]] = []
        days = max(1, (self.now - self.since).days)
        for channel in self.usage.channels:
            for day in range(days):
                at = clock.rfc3339(self._moment(day, days))
                told = {"coupon": self.coupon.code, "channel": channel.name, "at": at}
                for kind, count in (("impression", channel.impressions), ("click", channel.clicks)):
                    share = count * (day + 1) // days - count * day // days
                    rows += [{"kind": kind, "count": share, **told}] if share else []
        take_events(self.store, rows, actor=acting(OWNER))

    def _claims(self) -> list[Claim]:
        total = sum(channel.claims for channel in self.usage.channels)
        rows: list[Claim] = []
        names = self._buyers()
        for channel in self.usage.channels:
            for n in range(channel.claims):
                at = self._moment(n * total // channel.claims, total)
                # Those who use it are spread over all who claimed.
                used = n * channel.redeemed // channel.claims < (n + 1) * channel.redeemed // channel.claims
                number = len(rows) + 1
                rows.append(
                    Claim(
                        store=self.store, coupon=self.coupon, code=new_code("K", 16), buyer=next(names),
                        country=self.usage.country, channel=channel.name, claimed_at=at,
                        state=ClaimState.REDEEMED if used else ClaimState.CLAIMED,
                        redeemed_at=at + timedelta(minutes=40) if used else None,
                        order_code=f"DEMO-{self.coupon.code}-{number}" if used else "",
                        amount=self.coupon.face_value if used else None,
                    )
                )  # fmt: skip
        Claim.objects.bulk_create(rows)
        redeemed = sum(channel.redeemed for channel in self.usage.channels)
        # What they cost is added with each redemption, by the ledger.
        CouponTally.objects.filter(coupon=self.coupon).update(
            claimed=F("claimed") + len(rows), redeemed=F("redeemed") + redeemed
        )
        return rows

    def _buyers(self) -> Iterator[str]:
        """Names of those who come; where the coupon is an arm of a test, of those whom the test gives this arm."""
        test = arms.latest_of(self.coupon)
        arm = "" if test is None else "a" if test.arm_a_id == self.coupon.pk else "b"
        for n in numbers(1):
            name = f"buyer-{self.coupon.code}-{n}"
            if test is None or arms.arm_of(test, name) == arm:
                yield name

    def _order(self, claim: Claim, price: Decimal, off: Decimal) -> OrderDraft:
        """An order of the claim's buyer, with the coupon or without."""
        code = claim.order_code or f"DEMO-{claim.buyer.removeprefix('buyer-')}"
        given = [{"code": self.coupon.code, "amount": str(off)}] if off else []
        quantity = 1 if price >= self.coupon.min_order or not off else 2
        return OrderDraft(
            code, (claim.redeemed_at or claim.claimed_at + timedelta(hours=1)).replace(microsecond=0), self.coupon.currency,
            [LineDraft(self.sku.pk, quantity, self.sku.sale_price, price, order_discount=off)],
            snapshot={"coupons": given, "discounts": [], "campaigns": {}, "gifts": []}, state="completed", buyer=claim.buyer,
            country=claim.country, logistics="standard",
        )  # fmt: skip

    def _refusals(self) -> None:
        rows = []
        for place, refused in enumerate(self.usage.refused):
            for n in range(refused.buyers):
                at = self._moment(n, refused.buyers)
                rows.append(
                    Refusal(
                        store=self.store, coupon=self.coupon, phase=refused.phase, code=refused.told.code,
                        buyer=f"buyer-{self.coupon.code}-r{place}-{n}", country=refused.country, channel=refused.channel,
                        hour=at.replace(minute=0, second=0, microsecond=0), at=at, last_at=at, times=refused.times,
                        facts=refused.told.stored(),
                    )
                )  # fmt: skip
        Refusal.objects.bulk_create(rows)
