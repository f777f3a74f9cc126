"""The Complete Journey's coupons: every real redemption on its day, for its household, through claim, quote and order.

Under a version of the coupon rules made for these data (windows and minimum order of their own) each of the real redemptions must be
accepted on its day. The day before its coupon begins, the day after it ends, and for a household that was not targeted, the claim is
refused with the code that says so. Where a household used one coupon several times, each use is of an issue of its own: a buyer has a
coupon once (R55).
"""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.db import connection

import policies
from accounts.models import Store
from audit.actors import Actor
from benchmarks.frame import database, publish_text
from benchmarks.journey import START, _environment, _moment, _read, _stock
from core import clock
from core.errors import DomainError
from core.scopes import in_store
from coupons import claiming
from coupons.claiming import ClaimAsk
from coupons.facts import Facts
from coupons.models import Coupon, CouponTally, PoolListing
from coupons.segments import SegmentFacts
from listings.models import Category, Listing
from policies.models import RuleSet
from policies.rules import CouponRules
from storefront import checkout, quoting
from tests import factories as make

HERE = Path(__file__).parent
DAY = timedelta(days=1)
NOBODY = "household that nobody targeted"
Key = tuple[str, str]


@dataclass
class Replay:
    """What the replay knows, and what came of it."""

    store: Store
    actor: Actor
    coupons: dict[tuple[str, str, int], Coupon] = field(default_factory=dict)
    goods: dict[Key, str] = field(default_factory=dict)
    targets: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run(*, quick: bool) -> bool:
    """Replay; answers whether every redemption was accepted on its day, and refused with the right code around it."""
    python = _environment()
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as name, database("journey_coupons"), clock.freeze(START) as hand:
        folder = Path(name)
        words = [str(python), str(HERE / "journey_coupons_raw.py"), name, *(["--quick"] if quick else [])]
        subprocess.run(words, check=True)
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")  # what is proven here is not that it survives a power cut
        replay = _open(folder)

        def targeted(ask: ClaimAsk) -> Facts | None:
            """The households that the campaign of this coupon was sent to."""
            return None if ask.buyer in replay.targets[ask.coupon.split("-")[1]] else SegmentFacts(rules=("targeted",))

        claiming.conditions.append(targeted)
        try:
            with in_store(replay.store.pk):
                _play(replay, folder, hand)
        finally:
            claiming.conditions.remove(targeted)
    counts = replay.counts
    text = [
        f"{counts['coupons']:,} coupons of {counts['campaigns']:,} campaigns over {counts['pool']:,} products of pools,"
        f" {counts['targeted']:,} targetings; coupons and pools are written set-based, claims, quotes and orders go through the verbs:"
        f" {time.monotonic() - began:.0f} s.",
        "",
        "| | |",
        "|---|---|",
        f"| real redemptions, each claimed, quoted and ordered on its day | {counts['accepted']:,} of {counts['redemptions']:,} |",
        f"| of households that the data do not name among those targeted | {counts['not named']:,} |",
        f"| the day before the start: `ERR_COUPON_WINDOW` | {counts['before']:,} |",
        f"| the day after the end: `ERR_COUPON_WINDOW` | {counts['after']:,} |",
        f"| a household that was not targeted: `ERR_COUPON_SEGMENT` | {counts['stranger']:,} |",
        f"| otherwise | **{len(replay.wrong):,}** |",
        "",
        *replay.wrong[:5],
    ]
    publish_text("The Complete Journey's coupons", text, keep=not quick)
    return not replay.wrong


def _open(folder: Path) -> Replay:
    store = make.make_store(time_zone="UTC")
    rules = CouponRules(min_order={"USD": Decimal("0.01")}, max_days=365, max_face_percent=Decimal(100))
    RuleSet.objects.create(
        key="coupons", version="journey", title="The Complete Journey", valid_from=START, values=rules.model_dump(mode="json")
    )  # fmt: skip
    policies.forget()
    replay = Replay(store, make.actor_for(make.owner_of(store)))
    rows = list(_read(folder / "coupons.csv"))
    pools = list(_read(folder / "pools.csv"))
    with in_store(store.pk):
        codes = sorted({row["product_id"] for row in pools} | {"0"})
        _stock(store, Category.objects.get(code="home"), [(code, Decimal("5.00")) for code in codes])
        listings = dict(Listing.objects.values_list("skus__code", "pk"))
        _make(replay, rows)
        members: dict[Key, list[str]] = defaultdict(list)
        for row in pools:
            members[row["campaign_id"], row["coupon_upc"]].append(row["product_id"])
        chosen = [
            PoolListing(store=store, coupon=coupon, listing_id=listings[code])
            for (campaign, upc, _turn), coupon in replay.coupons.items()
            for code in members[campaign, upc] or ["0"]
        ]
        PoolListing.objects.bulk_create(chosen, batch_size=10_000)
    replay.goods = {key: (members[key] or ["0"])[0] for key in {(a, b) for a, b, _turn in replay.coupons}}
    for row in _read(folder / "targets.csv"):
        replay.targets[row["campaign_id"]].add(row["household_id"])
    replay.counts["pool"] = len(pools)
    replay.counts["coupons"] = len(rows)
    replay.counts["campaigns"] = len({row["campaign_id"] for row in rows})
    replay.counts["targeted"] = sum(len(found) for found in replay.targets.values())
    return replay


def _make(replay: Replay, rows: list[dict[str, str]]) -> None:
    made = Coupon.objects.bulk_create(
        [
            Coupon(
                store=replay.store, code=f"J-{row['campaign_id']}-{row['coupon_upc']}-{turn}", name=f"Campaign {row['campaign_id']}",
                kind="spend", face_value=Decimal("1.00"), currency="USD", min_order=Decimal("0.01"), quota=100_000, state="active",
                starts_at=_moment(row["starts"]), ends_at=_moment(row["ends"]), activated_at=START,
            )
            for row in rows
            for turn in range(int(row["turns"]) + 1)
        ],
        batch_size=5_000,
    )  # fmt: skip
    CouponTally.objects.bulk_create(
        [CouponTally(coupon=one, store=replay.store, quota=one.quota) for one in made], batch_size=5_000
    )
    for one in made:
        _head, campaign, upc, turn = one.code.split("-")
        replay.coupons[campaign, upc, int(turn)] = one


def _play(replay: Replay, folder: Path, hand: clock.FrozenClock) -> None:
    for number, row in enumerate(_read(folder / "redemptions.csv")):
        key = row["campaign_id"], row["coupon_upc"]
        coupon, buyer = replay.coupons[(*key, int(row["turn"]))], row["household_id"]
        if buyer not in replay.targets[row["campaign_id"]]:
            replay.counts["not named"] += 1
            replay.targets[row["campaign_id"]].add(buyer)
        at = _moment(row["at"])
        replay.counts["redemptions"] += 1
        _refuse(replay, coupon, buyer, coupon.starts_at - DAY, "ERR_COUPON_WINDOW", "before", hand)
        _refuse(replay, coupon, buyer, coupon.ends_at, "ERR_COUPON_WINDOW", "after", hand)
        _refuse(replay, coupon, NOBODY, at, SegmentFacts.code, "stranger", hand)
        _accept(replay, coupon, buyer, replay.goods[key], f"J{number}", at, hand)


def _refuse(
    replay: Replay, coupon: Coupon, buyer: str, at: datetime, code: str, name: str, hand: clock.FrozenClock
) -> None:
    hand.move_to(at)
    try:
        claiming.claim(replay.store, coupon.code, {"buyer": buyer}, actor=replay.actor)
        replay.wrong.append(f"{coupon.code} was given to {buyer} at {at}")
    except DomainError as refused:
        if refused.code != code:
            replay.wrong.append(f"{coupon.code} for {buyer} at {at}: {refused}")
        else:
            replay.counts[name] += 1


def _accept(
    replay: Replay, coupon: Coupon, buyer: str, sku: str, order: str, at: datetime, hand: clock.FrozenClock
) -> None:
    hand.move_to(at)
    body = {"buyer": buyer, "lines": [{"sku": sku, "quantity": 1}], "coupons": [coupon.code]}
    try:
        claiming.claim(replay.store, coupon.code, {"buyer": buyer}, actor=replay.actor)
        quote = quoting.make_quote(replay.store, body, actor=replay.actor)
        placed = checkout.place_order(replay.store, {"order": order, "quote": quote.code}, actor=replay.actor)
    except DomainError as refused:
        replay.wrong.append(f"{coupon.code} for {buyer} at {at}: {refused}")
        return
    if placed.discount != coupon.face_value:
        replay.wrong.append(f"{coupon.code} took {placed.discount} off")
    else:
        replay.counts["accepted"] += 1
