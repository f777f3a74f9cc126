"""活动冲突检测: SKUs that sit in several campaigns at the same time (R30), found with indexed SQL.

A campaign counts while it is scheduled, running or paused and its end lies ahead. Two of them conflict on a SKU when their half-open
windows `[starts_at, ends_at)` overlap and not both declare that they stack; equal prices conflict too, and so do items without a price of
their own. In one pass over a SKU's campaigns by their start, a campaign meets an earlier one exactly when it starts before the latest end
so far (one that stacks: before the latest end of those that do not): linear, never campaign × campaign.

- `page` reads a store's overlap groups, or those of one campaign, key by key: a page of fifty stops as soon as it has fifty.
- `summaries` answers for many campaigns at once how many SKUs and which campaigns stand against each; `first_met` looks only so far.
- `of_proposed` does the same for a campaign that is not saved yet, or for a new window of one that is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import groupby
from typing import Any

from django.db import connection
from django.utils.translation import get_language

import policies
from campaigns.models import Campaign, CampaignState
from core import display
from policies.rules import ConflictRules

#: States in which a campaign's window and prices are promised or may come back.
COUNTING = (CampaignState.SCHEDULED, CampaignState.RUNNING, CampaignState.PAUSED)
DIAGNOSED = (*COUNTING, CampaignState.DRAFT, CampaignState.IN_REVIEW, CampaignState.REJECTED)

_COUNTS = "c.store_id = %(store)s AND c.state IN ('scheduled', 'running', 'paused') AND c.ends_at > %(now)s"
_TAKES_PART = "i.store_id = %(store)s AND i.ended_at IS NULL"
_AHEAD = "i.sku_id > %(after)s AND i.sku_id <= %(upto)s"

# Before campaigns with which this one conflicts: the latest end so far; after it: the next start. Who stacks looks at those that do not.
_BUSY_UNTIL = "CASE WHEN c.stacks THEN max(c.ends_at) FILTER (WHERE NOT c.stacks) OVER earlier ELSE max(c.ends_at) OVER earlier END"
_NEXT_START = "CASE WHEN c.stacks THEN min(c.starts_at) FILTER (WHERE NOT c.stacks) OVER later ELSE min(c.starts_at) OVER later END"

# The SKU of the item so many places further on: what one look at the head of the list may read.
_BOUNDARY = """
    SELECT i.sku_id FROM campaigns_campaignitem i WHERE i.store_id = %(store)s AND i.sku_id > %(after)s
    ORDER BY i.sku_id OFFSET %(reach)s LIMIT 1
"""
_SKUS = f"""
    SELECT sku_id FROM (
        SELECT i.sku_id, c.starts_at,
            {_BUSY_UNTIL} AS busy_until
        FROM campaigns_campaignitem i JOIN campaigns_campaign c ON c.id = i.campaign_id AND {_COUNTS}
        WHERE {_TAKES_PART} AND {_AHEAD} {{only}}
        WINDOW earlier AS (PARTITION BY i.sku_id ORDER BY c.starts_at, c.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) AS lined_up
    WHERE starts_at < busy_until
    GROUP BY sku_id ORDER BY sku_id LIMIT %(limit)s
"""  # noqa: S608 - constants of this module
_SKUS_OF_ONE = f"""
    SELECT m.sku_id FROM campaigns_campaignitem m
    WHERE m.campaign_id = %(campaign)s AND m.ended_at IS NULL AND m.sku_id > %(after)s {{only}} AND EXISTS (
        SELECT 1 FROM campaigns_campaignitem i JOIN campaigns_campaign c ON c.id = i.campaign_id AND {_COUNTS}
        WHERE {_TAKES_PART} AND i.sku_id = m.sku_id AND c.id <> %(campaign)s
            AND c.starts_at < %(until)s AND c.ends_at > %(since)s AND NOT (c.stacks AND %(stacks)s)
    )
    ORDER BY m.sku_id LIMIT %(limit)s
"""  # noqa: S608 - constants of this module
_NAMED_LIKE = " AND {item}.sku_id IN (SELECT id FROM listings_sku WHERE store_id = %(store)s AND code LIKE %(like)s)"
_COLUMNS = """s.id, s.code, s.sale_price, s.currency, s.listing_id,
    COALESCE(NULLIF(l.titles ->> %(language)s::text, ''), l.title), p.parties,
    c.id, c.code, c.kind, c.name, c.name_zh, c.state, c.starts_at, c.ends_at, c.stacks, c.platform_enforced, c.version, p.price"""
_WHERE_FROM = """JOIN campaigns_campaign c ON c.id = p.campaign_id JOIN listings_sku s ON s.id = p.sku_id
    JOIN listings_listing l ON l.id = s.listing_id
    WHERE p.place <= %(shown)s ORDER BY s.id, p.place"""
_PARTIES = f"""
    SELECT {_COLUMNS} FROM (
        SELECT sku_id, campaign_id, price, row_number() OVER (PARTITION BY sku_id ORDER BY starts_at, campaign_id) AS place,
            count(*) OVER (PARTITION BY sku_id) AS parties
        FROM (
            SELECT i.sku_id, i.campaign_id, i.price, c.starts_at, c.ends_at,
                {_BUSY_UNTIL} AS busy_until, {_NEXT_START} AS next_start
            FROM campaigns_campaignitem i JOIN campaigns_campaign c ON c.id = i.campaign_id AND {_COUNTS}
            WHERE {_TAKES_PART} AND i.sku_id = ANY(%(skus)s)
            WINDOW earlier AS (PARTITION BY i.sku_id ORDER BY c.starts_at, c.id ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING),
                later AS (PARTITION BY i.sku_id ORDER BY c.starts_at DESC, c.id DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ) AS lined_up
        WHERE starts_at < busy_until OR ends_at > next_start
    ) AS p {_WHERE_FROM}
"""  # noqa: S608 - constants of this module
_PARTIES_OF_ONE = f"""
    SELECT {_COLUMNS} FROM (
        SELECT i.sku_id, i.campaign_id, i.price, count(*) OVER (PARTITION BY i.sku_id) AS parties,
            row_number() OVER (PARTITION BY i.sku_id ORDER BY c.id <> %(campaign)s, c.starts_at, c.id) AS place
        FROM campaigns_campaignitem i JOIN campaigns_campaign c ON c.id = i.campaign_id
        WHERE {_TAKES_PART} AND i.sku_id = ANY(%(skus)s) AND (c.id = %(campaign)s OR ({_COUNTS}
            AND c.starts_at < %(until)s AND c.ends_at > %(since)s AND NOT (c.stacks AND %(stacks)s)))
    ) AS p {_WHERE_FROM}
"""  # noqa: S608 - constants of this module

_SAVED = """
    SELECT i.campaign_id AS owner, i.sku_id, COALESCE(%(since)s::timestamptz, o.starts_at) AS starts_at,
        COALESCE(%(until)s::timestamptz, o.ends_at) AS ends_at, o.stacks OR o.id = ANY(%(stacking)s::bigint[]) AS stacks
    FROM campaigns_campaignitem i JOIN campaigns_campaign o ON o.id = i.campaign_id
    WHERE i.campaign_id = ANY(%(campaigns)s) AND i.ended_at IS NULL
        AND i.sku_id NOT IN (SELECT id FROM listings_sku WHERE store_id = %(store)s AND code = ANY(%(without)s::text[]))
"""
_PROPOSED = """
    SELECT %(owner)s::bigint AS owner, sku_id, %(since)s::timestamptz AS starts_at, %(until)s::timestamptz AS ends_at,
        %(stacks)s::boolean AS stacks
    FROM unnest(%(skus)s::bigint[]) AS sku_id
"""
# Of hits (owner, sku_id, other): each owner's SKUs and others, the first of both named. `reach`, `rivals`: where the looking stopped.
_TOLD = """, per_sku AS (
        SELECT owner, sku_id, count(*) AS met FROM hits GROUP BY owner, sku_id
    ), skus AS MATERIALIZED (
        SELECT owner, count(*) AS total, (array_agg(sku_id ORDER BY sku_id))[1:%(sample)s] AS some,
            COALESCE(sum(met) < %(reach)s::int AND max(met) < %(rivals)s::int, true) AS whole
        FROM per_sku GROUP BY owner
    ), others AS (
        SELECT owner, other, shared, row_number() OVER (PARTITION BY owner ORDER BY shared DESC, other) AS place,
            count(*) OVER (PARTITION BY owner) AS total
        FROM (SELECT owner, other, count(*) AS shared FROM hits GROUP BY owner, other) AS each
    ), first AS MATERIALIZED (
        SELECT owner, max(total) AS total, array_agg(other ORDER BY place) AS ids, array_agg(shared ORDER BY place) AS shared
        FROM others WHERE place <= %(sample)s GROUP BY owner
    )
    SELECT told.owner, told.skus, told.codes, told.campaigns, told.whole, each.shared, c.id, c.code, c.kind, c.name, c.name_zh,
        c.state, c.starts_at, c.ends_at, c.stacks, c.platform_enforced, c.version
    FROM (
        SELECT skus.owner, skus.total AS skus, first.total AS campaigns, skus.whole, first.ids, first.shared,
            ARRAY(SELECT s.code FROM listings_sku s WHERE s.id = ANY(skus.some) ORDER BY s.id) AS codes
        FROM skus JOIN first ON first.owner = skus.owner OFFSET 0
    ) AS told CROSS JOIN LATERAL unnest(told.ids, told.shared) WITH ORDINALITY AS each(id, shared, place)
    JOIN campaigns_campaign c ON c.id = each.id
    ORDER BY told.owner, each.place
"""
_SUMMARY = f"""
    WITH mine AS ({{mine}}), hits AS MATERIALIZED (
        SELECT m.owner, m.sku_id, c.id AS other
        FROM mine m JOIN campaigns_campaignitem i ON {_TAKES_PART} AND i.sku_id = m.sku_id AND i.campaign_id <> m.owner
        JOIN campaigns_campaign c ON c.id = i.campaign_id AND {_COUNTS}
            AND c.starts_at < m.ends_at AND c.ends_at > m.starts_at
            AND NOT (m.stacks AND (c.stacks OR c.id = ANY(%(stacking)s::bigint[])))
    ){_TOLD}
"""  # noqa: S608 - constants of this module

# What a guard asks: the first meetings of each campaign, SKU by SKU, no more of them than are looked through at once. Who has no rival
# in the whole store by its window alone is not looked up item by item.
_MEETS = f"c.id <> o.id AND {_COUNTS} AND c.starts_at < o.ends_at AND c.ends_at > o.starts_at AND NOT (c.stacks AND o.stacks)"
_FIRST_MET = f"""
    WITH hits AS MATERIALIZED (
        SELECT o.id AS owner, met.sku_id, met.other FROM (
            SELECT o.* FROM campaigns_campaign o WHERE o.id = ANY(%(campaigns)s) AND o.store_id = %(store)s
                AND EXISTS (SELECT 1 FROM campaigns_campaign c WHERE {_MEETS}) OFFSET 0
        ) AS o CROSS JOIN LATERAL (
            SELECT m.sku_id, rival.other FROM (
                SELECT sku_id FROM campaigns_campaignitem WHERE campaign_id = o.id AND ended_at IS NULL ORDER BY sku_id
            ) AS m CROSS JOIN LATERAL (
                SELECT c.id AS other FROM campaigns_campaignitem i
                CROSS JOIN LATERAL (SELECT * FROM campaigns_campaign WHERE id = i.campaign_id OFFSET 0) AS c
                WHERE {_TAKES_PART} AND i.sku_id = m.sku_id AND {_MEETS} LIMIT %(rivals)s
            ) AS rival LIMIT %(reach)s
        ) AS met
    ){_TOLD}
"""  # noqa: S608 - constants of this module; OFFSET 0 keeps the order of the looking, whatever the statistics say

_SHARED = """
    SELECT s.code FROM campaigns_campaignitem m
    JOIN campaigns_campaignitem i ON i.store_id = m.store_id AND i.sku_id = m.sku_id AND i.ended_at IS NULL
    JOIN listings_sku s ON s.id = m.sku_id
    WHERE m.store_id = %s AND m.campaign_id = %s AND m.ended_at IS NULL AND i.campaign_id = %s ORDER BY s.code
"""


@dataclass(frozen=True, slots=True)
class Rival:
    """A campaign as a party to a conflict. `shared`: how many SKUs it shares, where that was counted."""

    id: int
    code: str
    kind: str
    name: str
    name_zh: str
    state: str
    starts_at: datetime
    ends_at: datetime
    stacks: bool
    enforced: bool
    version: int
    shared: int = 0

    @property
    def label(self) -> str:
        """The name in the page's language."""
        return self.name_zh if self.name_zh and display.is_chinese() else self.name

    def overlaps(self, other: Rival) -> bool:
        """Whether both windows hold some moment."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at

    def conflicts(self, other: Rival) -> bool:
        """Overlap without both declaring that they stack."""
        return self.overlaps(other) and not (self.stacks and other.stacks)


@dataclass(frozen=True, slots=True)
class Party:
    """A campaign with its price for the SKU (None: it discounts the order)."""

    campaign: Rival
    price: Decimal | None


@dataclass(frozen=True, slots=True)
class Group:
    """A SKU (title in the page's language) and the campaigns that conflict on it, by start; `total` of them, `parties` shown."""

    sku_id: int
    sku: str
    sale_price: Decimal
    currency: str
    listing_id: int
    title: str
    total: int
    parties: tuple[Party, ...]

    @property
    def more(self) -> int:
        """How many are not shown."""
        return self.total - len(self.parties)


@dataclass(frozen=True, slots=True)
class Groups:
    """A page of groups; `next` is the SKU id to go on after, None at the end."""

    groups: tuple[Group, ...]
    next: int | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands against one campaign: SKUs and campaigns in all, and the first of each (most shared first).

    Not `whole`: the looking stopped there, so that the numbers are the least there are.
    """

    skus: int = 0
    campaigns: int = 0
    some_skus: tuple[str, ...] = ()
    rivals: tuple[Rival, ...] = ()
    whole: bool = True

    def __bool__(self) -> bool:
        return self.skus > 0


@dataclass(frozen=True)
class Wanted:
    """Which groups to read. `like`: the beginning of SKU codes; `campaign`: only against this one, whatever its state."""

    store_id: int
    now: datetime
    campaign: Campaign | None = None
    like: str = ""
    given: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        given: dict[str, Any] = {"store": self.store_id, "now": self.now, "like": _escaped(self.like) + "%"}
        given["language"] = (get_language() or "en")[:2]
        if self.campaign is not None:
            one = self.campaign
            given |= {"campaign": one.pk, "since": one.starts_at, "until": one.ends_at, "stacks": one.stacks}
        object.__setattr__(self, "given", given)


def page(wanted: Wanted, *, after: int = 0, size: int) -> Groups:
    """The next `size` overlap groups beyond the SKU id `after`, in the order of SKU ids; four statements at most."""
    skus = _skus(wanted, after, size + 1)
    shown = skus[:size]
    return Groups(_groups(wanted, shown), shown[-1] if len(skus) > size else None)


def every(wanted: Wanted, *, batch: int) -> Iterator[Group]:
    """All groups, read in pages of `batch` SKUs."""
    after: int | None = 0
    while after is not None:
        found = page(wanted, after=after, size=batch)
        yield from found.groups
        after = found.next


def of_sku(wanted: Wanted, sku_id: int) -> Group | None:
    """The group of one SKU; None when nothing conflicts on it."""
    return next(iter(_groups(wanted, [sku_id])), None)


def summaries(store_id: int, campaigns: Sequence[Campaign], *, now: datetime, sample: int) -> dict[int, Summary]:
    """For each campaign that has conflicts, what stands against it, by campaign id; one query for any number of campaigns.

    The campaigns asked about may stand anywhere, a draft is looked at as if it were let in; only what stands against them must be live.
    """
    return of_changed(store_id, campaigns, now=now, sample=sample)


def first_met(store_id: int, campaigns: Sequence[Campaign], *, now: datetime, sample: int) -> dict[int, Summary]:
    """As `summaries`, looking only as far as it takes: bounded by policy for each campaign, one query for any number of them.

    What it leaves out has no conflict; where many meet, the numbers are the least there are (`Summary.whole`).
    """
    rules = policies.active(ConflictRules, now)
    given = {
        "campaigns": [campaign.pk for campaign in campaigns],
        "reach": rules.met_first,
        "rivals": min(rules.met_on_one, rules.met_first),
    }
    return _told(_FIRST_MET, given, store_id, now, sample) if campaigns else {}


def of_changed(
    store_id: int,
    campaigns: Sequence[Campaign],
    *,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
    stacking: bool = False,
    without: Sequence[str] = (),
    now: datetime,
    sample: int,
) -> dict[int, Summary]:
    """As `summaries`, if all these saved campaigns had this window, all declared that they stack, or were `without` SKUs (codes)."""
    ids = [campaign.pk for campaign in campaigns]
    given = {
        "campaigns": ids,
        "since": starts_at,
        "until": ends_at,
        "stacking": ids if stacking else [],
        "without": list(without),
    }
    return _summaries(_SAVED, given, store_id, now, sample) if ids else {}


def of_proposed(
    store_id: int,
    sku_ids: Sequence[int],
    starts_at: datetime,
    ends_at: datetime,
    *,
    stacks: bool = False,
    besides: Campaign | None = None,
    now: datetime,
    sample: int | None = None,
) -> Summary:
    """What would stand against a campaign that is not saved: these SKUs in this window. One query.

    `besides` is the campaign itself where an existing one is to change: it does not count against itself. `sample` limits the SKUs and
    campaigns named (default: by policy). To look at the new window of a saved campaign with all its items use `of_moved`.
    """
    owner = besides.pk if besides is not None else 0
    given = {
        "owner": owner,
        "since": starts_at,
        "until": ends_at,
        "stacks": stacks,
        "skus": list(sku_ids),
        "stacking": [],
    }
    return _summaries(_PROPOSED, given, store_id, now, sample or _sample(now)).get(owner, Summary())


def of_moved(
    campaign: Campaign, *, starts_at: datetime | None = None, ends_at: datetime | None = None, now: datetime
) -> Summary:
    """What would stand against a saved campaign, with its items as they are, if its window were another. One query."""
    found = of_changed(
        campaign.store_id, [campaign], starts_at=starts_at, ends_at=ends_at, now=now, sample=_sample(now)
    )
    return found.get(campaign.pk, Summary())


def shared_skus(campaign: Campaign, other: Campaign) -> list[str]:
    """The codes of the SKUs that both campaigns hold, in the order of codes; windows and stacking aside."""
    with connection.cursor() as cursor:
        cursor.execute(_SHARED, [campaign.store_id, campaign.pk, other.pk])
        return [code for (code,) in cursor.fetchall()]


def is_diagnosed(campaign: Campaign, now: datetime) -> bool:
    """Whether it has conflicts, or would have once it is let in; one that is over stands in nobody's way."""
    return campaign.state in DIAGNOSED and campaign.ends_at > now


def live_count(store_id: int, now: datetime) -> int:
    """How many of a store's campaigns a diagnosis looks at."""
    return Campaign.objects.filter(store_id=store_id, state__in=COUNTING, ends_at__gt=now).count()


def _sample(now: datetime) -> int:
    return policies.active(ConflictRules, now).sample


def _skus(wanted: Wanted, after: int, limit: int) -> list[int]:
    """The next SKUs that have a conflict. A store's list is first looked through only so far; what is full by then costs no more."""
    only = _NAMED_LIKE if wanted.like else ""
    given = {**wanted.given, "after": after, "upto": 2**63 - 1, "limit": limit}
    with connection.cursor() as cursor:
        if wanted.campaign is not None:
            cursor.execute(_SKUS_OF_ONE.format(only=only.format(item="m")), given)
            return [sku for (sku,) in cursor.fetchall()]
        statement = _SKUS.format(only=only.format(item="i"))
        found: list[int] = []
        if not only:
            reach = policies.active(ConflictRules, wanted.now).items_first
            cursor.execute(_BOUNDARY, {**given, "reach": reach})
            if boundary := cursor.fetchone():
                cursor.execute(statement, {**given, "upto": boundary[0]})
                found = [sku for (sku,) in cursor.fetchall()]
                given |= {"after": boundary[0], "limit": limit - len(found)}
        if len(found) < limit:
            cursor.execute(statement, given)
            found += [sku for (sku,) in cursor.fetchall()]
    return found


def _groups(wanted: Wanted, skus: Sequence[int]) -> tuple[Group, ...]:
    if not skus:
        return ()
    shown = policies.active(ConflictRules, wanted.now).parties_shown
    with connection.cursor() as cursor:
        statement = _PARTIES if wanted.campaign is None else _PARTIES_OF_ONE
        cursor.execute(statement, {**wanted.given, "skus": list(skus), "shown": shown})
        rows = cursor.fetchall()
    found = []
    for head, lines in groupby(rows, key=lambda row: row[:7]):
        parties = tuple(Party(Rival(*row[7:18]), row[18]) for row in lines)
        if len(parties) > 1:
            found.append(Group(*(*head, parties)))
    return tuple(found)


def _summaries(mine: str, given: Mapping[str, Any], store_id: int, now: datetime, sample: int) -> dict[int, Summary]:
    return _told(_SUMMARY.format(mine=mine), {**given, "reach": None, "rivals": None}, store_id, now, sample)


def _told(statement: str, given: Mapping[str, Any], store_id: int, now: datetime, sample: int) -> dict[int, Summary]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {**given, "store": store_id, "now": now, "sample": sample})
        rows = cursor.fetchall()
    found = {}
    for (owner, skus, some, campaigns, whole), lines in groupby(rows, key=lambda row: row[:5]):
        rivals = tuple(Rival(*(*row[6:17], row[5])) for row in lines)
        found[owner] = Summary(skus, campaigns, tuple(some), rivals, whole)
    return found


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
