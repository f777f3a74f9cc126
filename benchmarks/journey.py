"""The Complete Journey: 27 real campaigns of 2017 run and ended on a moved clock, their real sales replayed as orders.

Campaigns are made, submitted, started, ended, closed and archived by the product itself; orders come in day by day at the prices that were
paid, each line under the campaigns whose live offers price it by the product's own precedence: one, or those that stack. Every campaign
must end at its moment and leave no offer behind, and its archived twelve metrics must be those that pandas finds in the raw tables
(`journey_raw.py`, in its own venv).
"""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
import venv
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.db import connection

from accounts.models import AccountState, Entity, Kyc, Membership, Store, User
from accounts.requests import actor_of
from audit.actors import Actor
from backoffice.env import environment
from benchmarks.frame import circumstances, database, keep_section, peak_memory, reset_peak
from campaigns import archive, lifecycle, sweeps
from campaigns.inputs import CampaignInput, ItemInput
from campaigns.models import Campaign, CampaignArchive, CampaignState, Closing, Kind
from campaigns.pricing import ItemOffer, item_price
from core import clock
from core.scopes import in_store
from insights import measuring
from insights.events import take_events
from listings.models import Category, Listing, LiveOffer, Sku, StoreProfile
from orders.models import OrderState
from orders.recording import LineDraft, OrderDraft, record_orders

HERE = Path(__file__).parent
START, END = datetime(2016, 11, 1, tzinfo=UTC), datetime(2018, 3, 2, tzinfo=UTC)
DAY, GRACE, ARCHIVE = timedelta(days=1), timedelta(seconds=900), timedelta(seconds=7200)
CALL = 10_000
#: By SKU the codes of the campaigns that price it.
Winners = dict[int, tuple[str, ...]]


@dataclass
class Journey:
    """What the replay knows, and what it found wrong."""

    store: Store
    actor: Actor
    skus: dict[str, int]
    prices: dict[int, Decimal]
    codes: dict[str, str] = field(default_factory=dict)
    ends: dict[str, datetime] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)


def run(*, quick: bool) -> bool:
    """Replay and compare; answers whether every campaign ended in time, left nothing and has the metrics of the raw tables."""
    python = _environment()
    with tempfile.TemporaryDirectory() as name, database("journey"):
        folder = Path(name)
        _raw(python, "prepare", folder, *(["--quick"] if quick else []))
        began = time.monotonic()
        reset_peak()
        with connection.cursor() as cursor:
            cursor.execute("SET synchronous_commit = off")  # figures are proven here, not that they survive a power cut
        with clock.freeze(START) as hand:
            journey = _open(folder)
            with in_store(journey.store.pk):
                _make_campaigns(journey, folder)
                _replay(journey, folder, hand)
                found = _metrics(journey)
        took = time.monotonic() - began
        (folder / "codes.json").write_text(json.dumps(journey.codes))
        _raw(python, "expect", folder)
        expected = json.loads((folder / "expected.json").read_text())
    rows = [(key, code, *_compare(found[code], expected[code])) for key, code in journey.codes.items()]
    _tell(journey, rows, took, quick)
    return not journey.wrong and all(not differences for _key, _code, _figures, differences in rows)


def _environment() -> Path:
    """The python of an environment with the data and pandas; made once."""
    folder = environment().data_dir / "journey-venv"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        venv.create(folder, with_pip=True, clear=True)
        wanted = str(HERE / "requirements-journey.txt")
        subprocess.run([str(python), "-m", "pip", "install", "--quiet", "-r", wanted], check=True)
        (folder / "complete").touch()
    return python


def _raw(python: Path, *words: Any) -> None:
    subprocess.run([str(python), str(HERE / "journey_raw.py"), *map(str, words)], check=True)


def _read(path: Path) -> Iterator[dict[str, str]]:
    with path.open(newline="") as file:
        yield from csv.DictReader(file)


def _moment(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _cents(text: str | int) -> Decimal:
    return Decimal(text).scaleb(-2)


# -- the store ---------------------------------------------------------------------------------------------------------------


def _open(folder: Path) -> Journey:
    owner = User.objects.create_user("owner@journey.test", None, name="Owner")
    store = Store.objects.create(
        slug="journey", name="Complete Journey", entity=Entity.COMPANY, account_state=AccountState.NORMAL, kyc=Kyc.VERIFIED,
        currency="USD", time_zone="UTC", opened_at=START - 365 * DAY,
    )  # fmt: skip
    Membership.objects.create(store=store, user=owner, is_owner=True)
    category = Category.objects.get(code="home")
    with in_store(store.pk):
        StoreProfile.objects.create(store=store, logo="l.png", banner="b.png", main_category=category)
        rows = [(row["product_id"], _cents(row["price"])) for row in _read(folder / "products.csv")]
        skus = _stock(store, category, rows)
    return Journey(store, actor_of(owner), skus, {skus[code]: price for code, price in rows})


def _stock(store: Store, category: Category, rows: list[tuple[str, Decimal]]) -> dict[str, int]:
    """A listing with one SKU for each product, in chunks."""
    from_code: dict[str, int] = {}
    for start in range(0, len(rows), CALL):
        chunk = rows[start : start + CALL]
        listings = Listing.objects.bulk_create(
            Listing(store=store, title=f"Product {code}", category=category, search_terms=[]) for code, _price in chunk
        )
        made = Sku.objects.bulk_create(
            Sku(store=store, listing=listing, code=code, sale_price=price, currency="USD", stock=1_000_000, stock_as_of=START)
            for listing, (code, price) in zip(listings, chunk, strict=True)
        )  # fmt: skip
        from_code |= {sku.code: sku.pk for sku in made}
    return from_code


def _make_campaigns(journey: Journey, folder: Path) -> None:
    goods: dict[str, list[ItemInput]] = defaultdict(list)
    for row in _read(folder / "items.csv"):
        goods[row["campaign_id"]].append(ItemInput(row["product_id"], _cents(row["price"])))
    for row in _read(folder / "campaigns.csv"):
        key, items = row["campaign_id"], goods[row["campaign_id"]]
        given = CampaignInput(
            kind=Kind.LIMITED_TIME_DISCOUNT,
            name=f"Campaign {key} ({row['campaign_type']})",
            starts_at=_moment(row["starts"]),
            ends_at=_moment(row["ends"]),
            items=items[:CALL],
            stacks=row["stacks"] == "True",
        )
        code = lifecycle.create_campaign(journey.store, given, actor=journey.actor).campaign.code
        for start in range(CALL, len(items), CALL):
            lifecycle.add_items(journey.store, code, items[start : start + CALL], actor=journey.actor)
        lifecycle.submit(journey.store, code, actor=journey.actor)
        journey.codes[key] = code
        journey.ends[code] = given.ends_at
        journey.counts["items"] += len(items)


# -- the year ----------------------------------------------------------------------------------------------------------------


def _replay(journey: Journey, folder: Path, hand: clock.FrozenClock) -> None:
    sales, events = _by_day(folder / "lines.csv"), _by_day(folder / "events.csv")
    day = START
    while day < END:
        ending = [code for code, end in journey.ends.items() if end == day]
        if ending:
            hand.move_to(day - timedelta(seconds=1))
            sweeps.run()
            _expect(journey, ending, CampaignState.RUNNING)
        hand.move_to(day)
        sweeps.run()
        if ending:
            _over(journey, ending, day, hand)
        hand.move_to(day + DAY / 2)
        sweeps.run()
        if rows := sales.get(day.date()):
            _sell(journey, rows)
        _count(journey, events.get(day.date(), []))
        day += DAY


def _by_day(path: Path) -> dict[Any, list[dict[str, str]]]:
    days: dict[Any, list[dict[str, str]]] = defaultdict(list)
    for row in _read(path):
        days[_moment(row["at"]).date()].append(row)
    return days


def _over(journey: Journey, codes: list[str], end: datetime, hand: clock.FrozenClock) -> None:
    """At its end a campaign is over for buyers; after the grace it is closed; two hours later it is archived. None earlier or later."""
    _expect(journey, codes, CampaignState.ENDING)
    _nothing_left(journey, codes)
    hand.move_to(end + GRACE - timedelta(seconds=1))
    sweeps.run()
    _expect(journey, codes, CampaignState.ENDING)
    hand.move_to(end + GRACE)
    sweeps.run()
    _expect(journey, codes, CampaignState.ENDED)
    closed = set(Campaign.objects.filter(code__in=codes).values_list("closed_at", flat=True))
    if closed != {end + GRACE}:
        journey.wrong.append(f"{codes} closed at {closed}")
    for at, archived in ((end + GRACE + ARCHIVE - timedelta(seconds=1), 0), (end + GRACE + ARCHIVE, len(codes))):
        hand.move_to(at)
        sweeps.run()
        if CampaignArchive.objects.filter(campaign__code__in=codes).count() != archived:
            journey.wrong.append(f"{codes}: archives at {at:%Y-%m-%dT%H:%M:%S}")
    _nothing_left(journey, codes)
    journey.counts["ended in time"] += len(codes)


def _expect(journey: Journey, codes: list[str], state: CampaignState) -> None:
    found = dict(Campaign.objects.filter(code__in=codes).values_list("code", "state"))
    journey.wrong += [
        f"{code} is {found[code]}, not {state} at {clock.now()}" for code in codes if found[code] != state
    ]


def _nothing_left(journey: Journey, codes: list[str]) -> None:
    now = clock.now()
    left = LiveOffer.objects.filter(campaign_code__in=codes, active=True, starts_at__lte=now, ends_at__gt=now).count()
    if left:
        journey.wrong.append(f"{left} offers of {codes} linger at {now}")


def _sell(journey: Journey, rows: list[dict[str, str]]) -> None:
    """Record a day's baskets; each line counts for the campaigns whose offers price it at this moment."""
    winners = _winners(journey, {journey.skus[row["product_id"]] for row in rows})
    baskets: dict[str, list[dict[str, str]]] = defaultdict(list)
    for row in rows:
        baskets[row["basket_id"]].append(row)
    drafts = [
        OrderDraft(
            code=f"B{basket}",
            placed_at=_moment(lines[0]["at"]),
            currency="USD",
            buyer=f"H{lines[0]['household_id']}",
            state=OrderState.COMPLETED,
            lines=[_line(journey, row, winners) for row in lines],
            snapshot=_terms(journey, lines, winners),
        )
        for basket, lines in baskets.items()
    ]
    recorded = record_orders(journey.store, drafts, actor=journey.actor, now=clock.now())
    journey.counts["orders"] += len(recorded.created)
    journey.counts["lines"] += len(rows)
    if len(recorded.created) != len(drafts):
        journey.wrong.append(f"{len(drafts) - len(recorded.created)} orders were not recorded")


def _line(journey: Journey, row: dict[str, str], winners: Winners) -> LineDraft:
    sku = journey.skus[row["product_id"]]
    (first, *_rest) = winners.get(sku) or ("",)
    return LineDraft(sku, int(row["quantity"]), _cents(row["list"]), _cents(row["unit"]), _cents(row["off"]), first)


def _terms(journey: Journey, rows: list[dict[str, str]], winners: Winners) -> dict[str, Any]:
    """What an order keeps of the campaigns that priced its lines; what was taken off is shared out evenly, odd cents to the first."""
    lines: list[dict[str, Any]] = []
    named: set[str] = set()
    for row in rows:
        codes = winners.get(journey.skus[row["product_id"]], ())
        saved = int(row["quantity"]) * (int(row["list"]) - int(row["unit"]))
        parts = [saved // len(codes) + (n < saved % len(codes)) for n in range(len(codes))]
        chain = [{"campaign": code, "amount": str(_cents(part))} for code, part in zip(codes, parts, strict=True)]
        lines.append({"campaign": codes[0] if codes else None, "chain": chain})
        named.update(codes)
        journey.counts["stacked"] += len(codes) > 1
    return {"campaigns": {code: {} for code in sorted(named)}, "lines": lines, "discounts": []} if named else {}


def _winners(journey: Journey, skus: set[int]) -> Winners:
    """The campaigns that price each SKU by the product's own precedence over its live offers, in the order of their reductions."""
    now = clock.now()
    offers: dict[int, list[ItemOffer]] = defaultdict(list)
    rows = LiveOffer.objects.filter(sku_id__in=skus, active=True, starts_at__lte=now, ends_at__gt=now)
    for row in rows:
        offers[row.sku_id].append(
            ItemOffer(row.campaign_code, row.label, row.kind, row.price, row.starts_at, row.ends_at, row.stacks)
        )
    found = {sku: item_price(journey.prices[sku], mine, "USD").winner for sku, mine in offers.items()}
    return {sku: tuple(offer.campaign for offer in winner.offers) for sku, winner in found.items() if winner}


def _count(journey: Journey, rows: list[dict[str, str]]) -> None:
    for start in range(0, len(rows), CALL):
        events = [
            {
                "kind": row["kind"],
                "campaign": journey.codes[row["campaign_id"]],
                "sku": row["product_id"],
                "at": row["at"].replace(" ", "T") + "Z",
                "count": int(row["count"]),
            }
            for row in rows[start : start + CALL]
        ]
        taken = take_events(journey.store, events, actor=journey.actor)
        journey.counts["events"] += taken.accepted
        journey.wrong += [f"event rejected: {one.as_dict()}" for one in taken.rejected[:3]]


# -- the result --------------------------------------------------------------------------------------------------------------


def _metrics(journey: Journey) -> dict[str, dict[str, Any]]:
    rows = list(Campaign.objects.select_related("store").filter(code__in=journey.codes.values()))
    figures = measuring.of(rows)
    kept = {one.campaign_id: one for one in CampaignArchive.objects.filter(campaign__in=rows)}
    journey.wrong += [f"{row.code} is not sealed" for row in rows if figures[row.pk].sealed_at is None]
    journey.wrong += [f"the archive of {row.code} is broken" for row in rows if not archive.intact(kept[row.pk])]
    open_steps = Closing.objects.filter(archived_at=None).count()
    if open_steps:
        journey.wrong.append(f"{open_steps} closes without an archive")
    return {row.code: figures[row.pk].document() for row in rows}


def _compare(found: dict[str, Any], expected: dict[str, Any]) -> tuple[dict[str, Any], list[str]]:
    differences = [
        f"{key}: {found[key]} here, {expected[key]} in the raw tables"
        for key in expected
        if found[key] != expected[key]
    ]
    return found, differences


def _tell(journey: Journey, rows: list[tuple[Any, ...]], took: float, quick: bool) -> None:
    counts = journey.counts
    agreed = sum(1 for row in rows if not row[3])
    table = [
        "| campaign | impressions | clicks | carts | orders | buyers | units | sales | discount | ROI | as the raw tables |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(
            f"| {key} | {f['impressions']:,} | {f['clicks']:,} | {f['add_to_cart']:,} | {f['orders']:,} | {f['buyers']:,} |"
            f" {f['units']:,} | {f['sales_amount']} | {f['discount_cost']} | {f['roi']} | {'; '.join(wrong) or 'all twelve'} |"
            for key, _code, f, wrong in sorted(rows, key=lambda row: int(row[0]))
        ),
    ]  # fmt: skip
    intro = (
        f"{len(rows)} campaigns with {counts['items']:,} items, {counts['orders']:,} orders of {counts['lines']:,} lines"
        f" ({counts['stacked']:,} of them priced by several campaigns that stack, and counted for each) and"
        f" {counts['events']:,} events, replayed from {START:%Y-%m-%d} to {END:%Y-%m-%d} in {took:,.0f} s (peak memory"
        f" {peak_memory() / 1024**2:,.0f} MiB). {counts['ended in time']} of {len(rows)} ended at their second, were closed 15 minutes"
        f" and archived two hours and 15 minutes later, and left no offer; {agreed} of {len(rows)} have the"
        " twelve metrics that pandas finds in the raw tables."
    )
    section = "\n".join(
        ["## The Complete Journey", "", intro, "", *table, "", *journey.wrong[:20], f"_{circumstances()}_", ""]
    )
    print(section)
    if not quick:
        keep_section("The Complete Journey", section)


if __name__ == "__main__":
    sys.exit("run it as: python -m benchmarks journey")
