"""Checks after a pause or a close: read every public page as a buyer's clients do, compare, clear what is left (R40-R50).

A check is claimed under a lease and worked off in batches; a batch's findings and the place reached are written together, so that another
worker goes on where a killed one stopped, and a page can show the progress live. Pages are read outside any transaction.

Every page is read once before any is read again: in the first turn the clients share the pages out among them, in the next two each gets
the pages of the others.
"""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from itertools import groupby
from typing import Any

from django.db import connection, transaction
from django.db.models import Q

import policies
from campaigns import check_finish, finding, leftovers
from campaigns.batches import within
from campaigns.comparing import Expectations, Suspect, confirmed, expectations, of_items, suspects
from campaigns.edges import STOPPED
from campaigns.models import Campaign, CampaignItem, Check, CheckState, Leftover
from campaigns.nudges import wake_checks
from core import clock
from core.heartbeat import beat
from core.scopes import across_stores
from policies.rules import ClosingRules, ProbeRules
from publishing.addresses import PageAddress, pages_of
from publishing.probe import PageReading, visit_each

logger = logging.getLogger(__name__)

HEARTBEAT = "campaigns.checks"
#: The class of the advisory locks that are the seats of checkers.
SEATS = 0x63686B
#: The number of a check that somebody waits for (`check_plan`).
FIRST_LOOK = 0


@dataclass
class _Work:
    """One claimed check: its pages, what must not be on them, whether leftovers are open, and what the batch at hand showed."""

    check: Check
    pages: list[PageAddress]
    expected: Expectations
    open: bool = False
    found: list[Suspect] = field(default_factory=list)
    read: set[tuple[int, int, str]] = field(default_factory=set)

    @cached_property
    def keys(self) -> frozenset[tuple[int, int]]:
        """Its pages, as (site, listing)."""
        return frozenset((page.site_id, page.listing_id) for page in self.pages)

    def line(self, site: str, client: str) -> dict[str, Any]:
        """The results of one site and client."""
        for line in self.check.results:
            if line["site"] == site and line["client"] == client:
                return line
        line = _line(site, client, self.pages)
        self.check.results.append(line)
        return line


def run_due() -> int:
    """Work off the checks that are due, claim by claim, and leave a beat; answers how many were worked on.

    At most `check_workers` do so at a time in the whole installation, each for `check_budget` seconds before it makes room: reading
    pages must not keep publishing waiting, least of all the publishing that clears what was found.
    """
    rules = policies.active(ClosingRules, clock.read())
    with seat(range(rules.check_workers)) as seated, across_stores("checks read the pages of every store"):
        if not seated:
            return 0
        total, until = 0, time.monotonic() + rules.check_budget
        while works := _claim():
            total += len(works)
            _read(works, until)
            beat(HEARTBEAT, checks=total)
            if time.monotonic() > until:
                wake_checks()
                break
    beat(HEARTBEAT, checks=total)
    return total


@contextmanager
def seat(numbers: Sequence[int]) -> Iterator[bool]:
    """One of these seats of readers, held by an advisory lock of this session: whoever dies leaves it free.

    Answers False when all are taken.
    """
    with connection.cursor() as cursor:
        for number in numbers:
            cursor.execute("SELECT pg_try_advisory_lock(%s, %s)", [SEATS, number])
            if cursor.fetchone()[0]:
                break
        else:
            yield False
            return
        try:
            yield True
        finally:
            cursor.execute("SELECT pg_advisory_unlock(%s, %s)", [SEATS, number])


# -- claiming ----------------------------------------------------------------------------------------------------------------


def _claim() -> list[_Work]:
    """Take due checks under a lease, as many as one worker should carry at once; abandoned ones are taken over.

    First looks go before all others and are not mixed with them: somebody waits for their answer.
    """
    now = clock.read()
    rules, clients = policies.active(ClosingRules, now), policies.active(ProbeRules, now).clients
    with transaction.atomic():
        rows = list(
            Check.objects.filter(_due(now))
            .select_related("campaign")
            .order_by("number", "due_at", "id")
            .select_for_update(of=("self",), no_key=True, skip_locked=True)[: rules.bulk_batch]
        )
        alike = [check for check in rows if (check.number == FIRST_LOOK) == (rows[0].number == FIRST_LOOK)]
        taken = within(alike, rules.check_pages, lambda check: _weight(check) * len(clients))
        for check in taken:
            check.state = CheckState.RUNNING
            check.lease_until = now + timedelta(seconds=rules.check_lease)
            check.started_at = check.started_at or now
        Check.objects.bulk_update(taken, ["state", "lease_until", "started_at"])
    return _prepared(taken, clients)


def _weight(check: Check) -> int:
    """About how many pages a check reads on one site."""
    return len(check.pages or check.skus) or check.campaign.item_count


def _due(now: datetime) -> Q:
    waiting = Q(state=CheckState.PENDING, due_at__lte=now)
    return waiting | Q(state=CheckState.RUNNING, lease_until__lte=now)


def _somebody_waits(works: Sequence[_Work], now: datetime) -> bool:
    """Whether a first look is due while the checks at hand are none."""
    if works[0].check.number == FIRST_LOOK:
        return False
    return Check.objects.filter(_due(now), number=FIRST_LOOK).exists()


def _prepared(taken: Sequence[Check], clients: Sequence[str]) -> list[_Work]:
    """Find the pages of each check and what must not be on them; two queries per store, three for all."""
    if not taken:
        return []
    ordered = sorted(taken, key=lambda check: (check.store_id, check.pk))
    expected = expectations([check.campaign for check in ordered if not check.skus])
    of_some = of_items([check for check in ordered if check.skus])
    ids = {check.campaign_id for check in ordered}
    listings = _listings(ids)
    still = set(Leftover.objects.filter(campaign__in=ids, cleared_at=None).values_list("campaign_id", flat=True))
    works: list[_Work] = []
    for store_id, group in groupby(ordered, key=lambda check: check.store_id):
        checks = list(group)
        known = pages_of(store_id, {one for check in checks for one in listings.get(check.campaign_id, ())})
        for check in checks:
            mine = listings.get(check.campaign_id, set())
            wanted = of_some.get(check.pk) or expected[check.campaign_id]
            if wanted.listings is not None:
                mine = mine & wanted.listings
            own = [page for page in known if page.listing_id in mine and _in_scope(page, check)]
            work = _Work(check, own, wanted, check.campaign_id in still)
            check.pages_total = len(work.pages)
            for site in dict.fromkeys(page.site for page in work.pages):
                for client in clients:
                    work.line(site, client)
            works.append(work)
    Check.objects.bulk_update(taken, ["pages_total", "results"])
    return works


def _in_scope(page: PageAddress, check: Check) -> bool:
    pages = check.pages
    return pages is None or (page.site_id, page.listing_id) in pages


def _listings(campaign_ids: Iterable[int]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = {}
    pairs = CampaignItem.objects.filter(campaign__in=set(campaign_ids)).values_list("campaign_id", "listing_id")
    for campaign_id, listing_id in pairs.distinct():
        found.setdefault(campaign_id, set()).add(listing_id)
    return found


def _line(site: str, client: str, own: Sequence[PageAddress]) -> dict[str, Any]:
    """A fresh line of results; `at` is the place reached: turn and listing."""
    return {
        "site": site,
        "client": client,
        "state": str(CheckState.PENDING),
        "total": sum(1 for page in own if page.site == site),
        "pages": 0,
        "leftovers": 0,
        "failed": 0,
        "stale": 0,
        "first": None,
        "last": None,
        "hash": "",
        "samples": [],
        "at": [0, 0],
    }


# -- reading -----------------------------------------------------------------------------------------------------------------


class _MakeRoom(Exception):
    """The checks at hand are put back; what was read of them is kept."""


def _read(works: Sequence[_Work], until: float) -> None:
    """Read the pages of these checks, each page once per client however many checks want it, and note batch after batch.

    They are put back, to be gone on with later, when a first look falls due or the time `until` (monotonic) is over.
    """
    now = clock.read()
    rules, clients = policies.active(ClosingRules, now), policies.active(ProbeRules, now).clients

    def noted(readings: Sequence[PageReading]) -> None:
        moment = clock.read()
        _note(works, readings, clients, moment)
        if time.monotonic() > until or _somebody_waits(works, moment):
            raise _MakeRoom

    try:
        visit_each(_visits(works, clients), on_batch=noted)
    except _MakeRoom:
        ids = [work.check.pk for work in works]
        Check.objects.filter(pk__in=ids, state=CheckState.RUNNING).update(lease_until=clock.read())
        return
    check_finish.finish(
        [work.check for work in works if work.check.state == CheckState.RUNNING], now=clock.read(), rules=rules
    )


def _visits(works: Sequence[_Work], clients: Sequence[str]) -> Iterator[tuple[PageAddress, str]]:
    """What is still to be read, turn after turn, in the order of sites and listings."""
    todo = []
    for turn in range(len(clients)):
        wanted = {
            (page.site_id, page.listing_id): page
            for work in works
            for page in work.pages
            if [turn, page.listing_id] > work.line(page.site, _client(page, turn, clients))["at"]
        }
        todo += [(wanted[key], _client(wanted[key], turn, clients)) for key in sorted(wanted)]
    return iter(todo)


def _client(page: PageAddress, turn: int, clients: Sequence[str]) -> str:
    """Which client reads this page in that turn: pages are shared out by their numbers, for ever the same way."""
    return clients[(page.listing_id + page.site_id + turn) % len(clients)]


def _turn(reading: PageReading, clients: Sequence[str]) -> int:
    """In which turn this page is read by this client."""
    return (clients.index(reading.client) - reading.listing_id - reading.site_id) % len(clients)


def _note(works: Sequence[_Work], readings: Sequence[PageReading], clients: Sequence[str], now: datetime) -> None:
    """Write what one batch showed: findings, clearings, and the place reached, in one transaction."""
    touched = [
        work for work in works if work.check.state == CheckState.RUNNING and _apply(work, readings, clients, now)
    ]
    with transaction.atomic():
        guilty = [work.check.campaign_id for work in touched if work.found]
        locked = {row.pk: row for row in finding.locked(Campaign.objects.filter(pk__in=guilty))}
        alive = check_finish.alive([work.check.pk for work in touched])
        for work in touched:
            if work.check.pk not in alive:
                work.check.state = CheckState.DROPPED
                work.pages = []
                continue
            campaign = locked.get(work.check.campaign_id)
            counts = campaign is not None and (bool(work.check.skus) or campaign.state in STOPPED)
            still = confirmed(campaign, work.found, now=now) if campaign is not None and counts else []
            _keep(work, still, now)
        _save([work.check for work in touched if work.check.pk in alive], now)


def _apply(work: _Work, readings: Sequence[PageReading], clients: Sequence[str], now: datetime) -> bool:
    """Count one batch's readings into the lines of a check; answers whether any page was its own."""
    work.found, work.read = [], set()
    samples = policies.active(ClosingRules, now).check_samples
    own = [one for one in readings if (one.site_id, one.listing_id) in work.keys]
    since = leftovers.since(work.check)
    for reading in own:
        line, turn = work.line(reading.site, reading.client), _turn(reading, clients)
        if [turn, reading.listing_id] <= line["at"]:
            continue
        line["at"] = [turn, reading.listing_id]
        line["pages"] += 1
        line["state"] = str(CheckState.RUNNING)
        work.check.pages_done += turn == 0
        if reading.error:
            line["failed"] += 1
            line["error"] = [fault.as_dict() for fault in reading.error]
            continue
        line["first"] = line["first"] or reading.url
        line["last"] = reading.url
        line["stale"] += reading.stamp is not None and reading.stamp < since
        if len(line.setdefault("samples", [])) < samples:
            line["samples"].append(_sample(reading, now))
        line["hash"] = hashlib.sha256(f"{line['hash']}{reading.sha256}".encode()).hexdigest()
        work.read.add((reading.site_id, reading.listing_id, reading.client))
        work.found += suspects(reading, work.expected)
    return bool(own)


def _sample(reading: PageReading, now: datetime) -> dict[str, Any]:
    """One page as it was seen, kept as evidence: address, stamp, what it showed, the hash of the whole body (R50)."""
    return {
        "url": reading.url,
        "at": now.isoformat(),
        "status": reading.status,
        "stamp": reading.stamp.isoformat() if reading.stamp else None,
        "excerpt": reading.excerpt,
        "sha256": reading.sha256,
    }


def _keep(work: _Work, still: Sequence[Suspect], now: datetime) -> None:
    shown = {(one.site, one.client, one.listing_id) for one in still}
    for site, client, _listing in shown:
        work.line(site, client)["leftovers"] += 1
    work.check.leftover_count += len(shown)
    if still or work.open:
        leftovers.note(work.check.campaign, still, work.read, now=now)


def _save(checks: Sequence[Check], now: datetime) -> None:
    lease = now + timedelta(seconds=policies.active(ClosingRules, now).check_lease)
    for check in checks:
        check.lease_until = lease
    check_finish.save(checks)
