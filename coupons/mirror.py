"""The refusal mirror: for each group of refusals the smallest single change of the coupon that would have let them in, and its price.

A refusal counts for a change when nothing else stood in its way (`facts.also`). Buyers count once each, because nobody may have a coupon
twice (R55). A use refused at a quote or an order counts as used; a refused claim counts with the coupon's own redemption rate.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

import policies
from core import display, money
from coupons import explaining, facts
from coupons.fields import country_words
from coupons.judging import ChannelFacts, NotClaimedFacts, SiteFacts
from coupons.labels import CHANNELS, LOGISTICS
from coupons.models import Coupon
from policies.rules import CouponRules, EffectWatchRules
from publishing.models import Site

#: Up to so many of those in reach are let in by the first, second and third step of a change that has steps.
_SHARES = (Decimal("0.5"), Decimal("0.9"), Decimal(1))

#: The refusals `r` of the span that are looked at, of each coupon and code the latest `most` (NULL: all). `{codes}`: which codes, as rows.
_LATEST = """unnest(%(ids)s::bigint[]) AS v(id)
    CROSS JOIN LATERAL {codes} AS every(code)
    CROSS JOIN LATERAL (
        SELECT r.* FROM coupons_refusal r WHERE r.coupon_id = v.id AND r.code = every.code
            AND r.at >= %(since)s AND r.at < %(until)s ORDER BY r.at DESC, r.id DESC LIMIT %(most)s
    ) r"""
#: Every code that a coupon was refused with; steps from one to the next in the index.
_EVERY_CODE = """(
        WITH RECURSIVE step AS (
            (SELECT r.code FROM coupons_refusal r WHERE r.coupon_id = v.id ORDER BY r.code LIMIT 1)
            UNION ALL
            SELECT (SELECT r.code FROM coupons_refusal r WHERE r.coupon_id = v.id AND r.code > step.code ORDER BY r.code LIMIT 1)
            FROM step WHERE step.code IS NOT NULL
        )
        SELECT step.code FROM step WHERE step.code IS NOT NULL
    )"""


def _latest(code: str = "") -> str:
    """SQL: FROM … for the refusals with this code, or with any."""
    return _LATEST.format(codes=f"(VALUES ('{code}'))" if code else _EVERY_CODE)


_GROUPS = f"""
    WITH one AS (
        SELECT r.coupon_id, r.code, CASE r.code
                WHEN 'ERR_COUPON_REGION' THEN r.country
                WHEN 'ERR_COUPON_LOGISTICS' THEN coalesce(r.facts->>'logistics', '')
                WHEN 'ERR_COUPON_CHANNEL' THEN r.channel
                WHEN 'ERR_COUPON_SITE' THEN coalesce(r.facts->>'site', '')
                WHEN 'ERR_COUPON_EXHAUSTED' THEN coalesce(r.facts->>'limit', '')
                ELSE '' END AS key,
            CASE WHEN r.buyer = '' THEN '#' || r.id ELSE r.buyer END AS who,
            bool_or(r.phase <> 'claim') AS uses, sum(r.times) AS times, bool_and(r.facts ? 'also') AS blocked,
            max((r.facts->>'needed')::numeric) AS needed, count(*) AS rows
        FROM {_latest()} GROUP BY 1, 2, 3, 4
    )
    SELECT coupon_id, code, key, sum(times), count(*), count(*) FILTER (WHERE NOT blocked),
        count(*) FILTER (WHERE uses AND NOT blocked), coalesce(sum(needed) FILTER (WHERE NOT blocked), 0), sum(rows)
    FROM one GROUP BY 1, 2, 3 ORDER BY 1, 5 DESC, 2, 3
"""  # noqa: S608  # composed of constants
#: How many buyers would have reached each round amount (of steps `step`) with the goods of the pool that they had.
_REACHED = f"""
    WITH best AS (
        SELECT r.coupon_id, CASE WHEN r.buyer = '' THEN '#' || r.id ELSE r.buyer END AS who,
            max((r.facts->>'eligible')::numeric) AS eligible, bool_or(r.phase <> 'claim') AS uses
        FROM {_latest("ERR_COUPON_MIN_ORDER")} WHERE NOT r.facts ? 'also' GROUP BY 1, 2
    )
    SELECT b.coupon_id, floor(b.eligible / v.step) * v.step, count(*), count(*) FILTER (WHERE b.uses)
    FROM best b JOIN unnest(%(ids)s::bigint[], %(steps)s::numeric[]) AS v(id, step) ON v.id = b.coupon_id
    WHERE b.eligible > 0 GROUP BY 1, 2 ORDER BY 1, 2 DESC
"""  # noqa: S608  # composed of constants
#: How many buyers came so many days too late (above zero) or too early (below).
_MISSED = f"""
    WITH one AS (
        SELECT r.coupon_id, CASE WHEN r.buyer = '' THEN '#' || r.id ELSE r.buyer END AS who, bool_or(r.phase <> 'claim') AS uses,
            min(ceil(extract(epoch FROM r.at - c.ends_at) / 86400)) FILTER (WHERE r.at >= c.ends_at) AS late,
            min(ceil(extract(epoch FROM c.starts_at - r.at) / 86400)) FILTER (WHERE r.at < c.starts_at) AS early
        FROM {_latest("ERR_COUPON_WINDOW")} JOIN coupons_coupon c ON c.id = r.coupon_id
        WHERE NOT r.facts ? 'also' GROUP BY 1, 2
    )
    SELECT coupon_id, CASE WHEN late IS NOT NULL THEN greatest(late, 1) ELSE -greatest(early, 1) END::int AS days, count(*),
        count(*) FILTER (WHERE uses)
    FROM one WHERE late IS NOT NULL OR early IS NOT NULL GROUP BY 1, 2 ORDER BY 1, 2
"""  # noqa: S608  # composed of constants
#: Baskets without a single good of the pool: the listing in them that would have sufficed most often.
_OUTSIDE = f"""
    SELECT r.coupon_id, o.key::bigint, count(DISTINCT CASE WHEN r.buyer = '' THEN '#' || r.id ELSE r.buyer END) AS buyers
    FROM {_latest("ERR_COUPON_MIN_ORDER")} JOIN coupons_coupon c ON c.id = r.coupon_id
    CROSS JOIN LATERAL jsonb_each_text(coalesce(r.facts->'outside', '{{}}'::jsonb)) o
    WHERE NOT r.facts ? 'also' AND (r.facts->>'eligible')::numeric = 0 AND o.value::numeric >= c.min_order
    GROUP BY 1, 2 ORDER BY 1, 3 DESC, 2
"""  # noqa: S608  # composed of constants
#: Categories of the pool's listings that have goods in stock now, and are not in the pool themselves.
_IN_STOCK = """
    SELECT p.coupon_id, k.code FROM (
        SELECT DISTINCT p.coupon_id, l.store_id, l.category_id FROM coupons_poollisting p
        JOIN listings_listing l ON l.id = p.listing_id WHERE p.coupon_id = ANY(%(ids)s)
    ) p JOIN listings_category k ON k.id = p.category_id
    WHERE NOT EXISTS (SELECT FROM coupons_poolcategory c WHERE c.coupon_id = p.coupon_id AND c.category_id = k.id)
        AND EXISTS (
            SELECT FROM listings_listing l JOIN listings_sku s ON s.listing_id = l.id
            WHERE l.store_id = p.store_id AND l.category_id = k.id AND l.state = 'on_sale' AND l.management = 'self'
                AND s.stock > s.reserved
        )
    ORDER BY 1, k.code
"""


@dataclass(frozen=True, slots=True)
class Change:
    """One change of one field. `value` is the field's new value: an amount or a count as text, a list with the new member, a flag."""

    field: str
    value: Any

    def as_json(self) -> dict[str, Any]:
        """To be kept in a report."""
        return {"field": self.field, "value": self.value}


@dataclass(frozen=True, slots=True)
class Option:
    """A change, how many buyers it would have let in, and what they would have cost: at most, and as expected (None: no rate yet)."""

    change: Change
    buyers: int
    most: Decimal
    expected: Decimal | None


@dataclass(frozen=True, slots=True)
class Group:
    """Refusals with one code: how often, of how many buyers; the changes; why there is none. `more`: further ones were not looked at."""

    code: str
    refusals: int
    buyers: int
    options: tuple[Option, ...]
    none: str | Promise = ""
    more: bool = False


_NONE: dict[str, str | Promise] = {
    facts.DisputeFacts.code: gettext_lazy(
        "No term of the coupon mends it: it is a rule of the platform, and ends with the disputes."
    ),
    facts.LimitFacts.code: gettext_lazy("No term of the coupon mends it: one per buyer is compulsory."),
    facts.StateFacts.code: gettext_lazy("No other terms are needed: issuing only has to go on."),
    facts.VelocityFacts.code: gettext_lazy(
        "No term of the coupon should mend it: the brake against one address did its work."
    ),
    facts.StockFacts.code: gettext_lazy("No term of the coupon mends it: the goods have to be in stock and on sale."),
    NotClaimedFacts.code: gettext_lazy("No term of the coupon mends it: it has to be claimed first."),
}
_NO_SINGLE = gettext_lazy(
    "No single change would have let them in: something else stood in the way, or a rule forbids it."
)


@dataclass(slots=True)
class _Evidence:
    """What the queries found of one coupon."""

    groups: dict[str, list[tuple[Any, ...]]]
    reached: list[tuple[Decimal, int, int]]
    missed: list[tuple[int, int, int]]
    outside: list[tuple[int, int]]
    in_stock: list[str]
    sites: frozenset[str]


def groups_of(
    coupons: Sequence[Coupon],
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    most: int | None = None,
    now: datetime,
) -> dict[int, tuple[Group, ...]]:
    """The groups of these coupons (with their tallies), by id, the largest first; five queries for any number of coupons and refusals.

    Of each coupon and code the latest `most` refusals are looked at, all of them without: a page that people wait for asks for some.
    """
    if not coupons:
        return {}
    given = {
        "ids": [coupon.pk for coupon in coupons],
        "steps": [_step(coupon) for coupon in coupons],
        "since": since or min(coupon.created_at for coupon in coupons),
        "until": until or now + timedelta(seconds=1),
        "most": most,
    }
    groups, reached, missed = (_by_coupon(text, given) for text in (_GROUPS, _REACHED, _MISSED))
    outside = _by_coupon(_OUTSIDE, given)
    empty = [pk for pk, rows in groups.items() if any(row[0] == facts.StockFacts.code for row in rows)]
    in_stock = _by_coupon(_IN_STOCK, {"ids": empty}) if empty else {}
    asked = any(row[0] == SiteFacts.code for rows in groups.values() for row in rows)
    sites = _sites_of({coupon.store_id for coupon in coupons}) if asked else {}
    rules = policies.active(CouponRules, now)
    least_claims = policies.active(EffectWatchRules, now).min_claims
    found = {}
    for coupon in coupons:
        pk = coupon.pk
        by_code: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in groups.get(pk, ()):
            by_code[row[0]].append(row[1:])
        evidence = _Evidence(
            by_code,
            reached.get(pk, []),
            missed.get(pk, []),
            outside.get(pk, []),
            [row[0] for row in in_stock.get(pk, ())],
            frozenset(sites.get(coupon.store_id, ())),
        )
        found[pk] = tuple(
            _group(code, rows, evidence, _Price(coupon, rules, least_claims), most) for code, rows in by_code.items()
        )
    return {pk: tuple(sorted(rows, key=lambda one: (-one.buyers, one.code))) for pk, rows in found.items()}


def _by_coupon(statement: str, given: Mapping[str, Any]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(statement, given)
        for pk, *row in cursor.fetchall():
            found[pk].append(tuple(row))
    return found


def _sites_of(store_ids: Collection[int]) -> dict[int, set[str]]:
    """The codes of the sites that these stores have."""
    found: dict[int, set[str]] = defaultdict(set)
    for store_id, code in Site.objects.filter(store__in=store_ids).values_list("store_id", "code"):
        found[store_id].add(code)
    return found


@dataclass(frozen=True, slots=True)
class _Price:
    """What letting buyers of a coupon in would have cost."""

    coupon: Coupon
    rules: CouponRules
    least_claims: int

    def option(self, field: str, value: Any, buyers: int, uses: int) -> Option:
        tally, face = self.coupon.tally, self.coupon.face_value
        expected = None
        if tally.claimed >= self.least_claims:
            expected = face * (uses + Decimal((buyers - uses) * tally.redeemed) / tally.claimed)
        elif uses == buyers:
            expected = face * uses
        return Option(Change(field, value), buyers, face * buyers, expected)


def _group(
    code: str, counted: Sequence[tuple[Any, ...]], evidence: _Evidence, price: _Price, most: int | None
) -> Group:
    rows = [row[:-1] for row in counted]
    refusals, buyers = sum(int(row[1]) for row in rows), sum(row[2] for row in rows)
    found = [one for one in _options(code, rows, evidence, price) if one.buyers]
    none = "" if found else _NONE.get(code, _NO_SINGLE)
    more = most is not None and sum(row[-1] for row in counted) >= most
    return Group(code, refusals, buyers, tuple(found), none, more)


def _options(code: str, rows: Sequence[tuple[Any, ...]], evidence: _Evidence, price: _Price) -> list[Option]:
    """The changes for one code. A row: key, times, buyers, buyers in reach, those of them at a quote or an order, what they needed."""
    coupon = price.coupon
    if code == facts.RegionFacts.code:
        return [
            price.option("regions", [*coupon.regions, key], free, uses) for key, _t, _b, free, uses, _n in rows if key
        ]
    if code == facts.LogisticsFacts.code:
        return [
            price.option("logistics", _ways(coupon, key), free, uses) for key, _t, _b, free, uses, _n in rows if key
        ]
    if code == ChannelFacts.code:
        return [
            price.option("channels", [*coupon.channels, key], free, uses)
            for key, _t, _b, free, uses, _n in rows
            if key in CHANNELS
        ]
    if code == SiteFacts.code:
        return [
            price.option("sites", [*coupon.sites, key], free, uses)
            for key, _t, _b, free, uses, _n in rows
            if key in evidence.sites
        ]
    if code == facts.FirstOrderFacts.code:
        return [price.option("first_order_only", False, sum(row[3] for row in rows), sum(row[4] for row in rows))]
    if code == facts.ExhaustedFacts.code:
        return [_more(price, *row) for row in rows if row[0] in ("quota", "budget")]
    if code == facts.MinOrderFacts.code:
        return [*_lower_min_order(evidence, price), *_wider_pool(evidence, price)]
    if code == facts.WindowFacts.code:
        return _longer(evidence, price)
    if code == facts.StockFacts.code and evidence.in_stock:
        return [price.option("categories", evidence.in_stock[:1], sum(row[3] - row[4] for row in rows), 0)]
    return []


def _ways(coupon: Coupon, way: str) -> list[str]:
    """The restriction with one more way; none at all for a way that no coupon can be limited to."""
    return [*coupon.logistics, way] if way in LOGISTICS else []


def _more(price: _Price, key: str, times: int, buyers: int, free: int, uses: int, needed: Decimal) -> Option:
    if key == "quota":
        return price.option("quota", str(price.coupon.quota + free), free, uses)
    budget = (price.coupon.budget or Decimal(0)) + needed
    return price.option("budget", money.text(budget, price.coupon.currency), free, uses)


def _steps_of(rows: Sequence[tuple[Any, int, int]]) -> list[tuple[Any, int, int]]:
    """Of rows (value, buyers, uses) in the order of growing changes: the values by which half, nine in ten, all of them are let in."""
    total = sum(row[1] for row in rows)
    found: list[tuple[Any, int, int]] = []
    buyers = uses = 0
    shares = [share * total for share in _SHARES]
    for value, more, used in rows:
        buyers, uses = buyers + more, uses + used
        if shares and buyers >= shares[0]:
            found.append((value, buyers, uses))
            while shares and buyers >= shares[0]:
                shares.pop(0)
    return found


def _lower_min_order(evidence: _Evidence, price: _Price) -> list[Option]:
    coupon = price.coupon
    floor = price.rules.min_order.get(coupon.currency, Decimal(0))
    rows = [row for row in evidence.reached if floor <= row[0] < coupon.min_order]
    return [
        price.option("min_order", money.text(level, coupon.currency), buyers, uses)
        for level, buyers, uses in _steps_of(rows)
    ]


def _wider_pool(evidence: _Evidence, price: _Price) -> list[Option]:
    return [price.option("listings", [listing], buyers, buyers) for listing, buyers in evidence.outside[:1]]


def _longer(evidence: _Evidence, price: _Price) -> list[Option]:
    """A validity longer by so many days; no longer than a coupon may be valid."""
    coupon = price.coupon
    room = price.rules.max_days - (coupon.ends_at - coupon.starts_at).days
    late = [row for row in evidence.missed if 0 < row[0] <= room]
    early = [(-days, buyers, uses) for days, buyers, uses in reversed(evidence.missed) if -room <= days < 0]
    return [
        *(price.option("later_end", days, buyers, uses) for days, buyers, uses in _steps_of(late)),
        *(price.option("earlier_start", days, buyers, uses) for days, buyers, uses in _steps_of(early)[:1]),
    ]


def _step(coupon: Coupon) -> Decimal:
    """Minimum orders are proposed in round amounts: halves of a dollar, fifties of a yen."""
    return Decimal(50).scaleb(-money.places(coupon.currency))


def min_order_levels(eligible: Sequence[Decimal], coupon: Coupon, floor: Decimal = Decimal(0)) -> list[Decimal]:
    """The round minimum orders, highest first, that half, nine in ten and all of these amounts would have reached."""
    step = _step(coupon)
    counted: dict[Decimal, int] = defaultdict(int)
    for amount in eligible:
        counted[(amount / step).to_integral_value(ROUND_FLOOR) * step] += 1
    rows = [(level, counted[level], 0) for level in sorted(counted, reverse=True) if level >= floor and level > 0]
    return [level for level, _buyers, _uses in _steps_of(rows)]


# -- in words ----------------------------------------------------------------------------------------------------------------


def words(change: Change, coupon: Coupon, listings: Mapping[int, str], categories: Mapping[str, str]) -> str:
    """A change in words: what it was, what it would be. `listings` and `categories` name what a wider pool adds."""
    value = change.value
    if change.field == "regions":
        return _("Add %(country)s to the regions") % {"country": country_words(value[-1])}
    if change.field == "logistics":
        if not value:
            return _("Lift the logistics restriction")
        return _("Admit orders that go by %(way)s") % {"way": explaining.way(value[-1])}
    if change.field == "channels":
        return _("Give it out here as well: %(channel)s") % {"channel": explaining.channel(value[-1])}
    if change.field == "sites":
        return _("Add the site %(site)s") % {"site": value[-1]}
    if change.field == "first_order_only":
        return _("Admit buyers who have ordered before")
    if change.field == "categories":
        return _("Add the category %(category)s to the pool: it has goods in stock") % {
            "category": categories.get(value[-1], value[-1])
        }
    if change.field == "listings":
        return _("Add %(listing)s to the pool") % {"listing": listings.get(value[-1], f"#{value[-1]}")}
    if change.field in ("later_end", "earlier_start"):
        longer = ngettext("%(n)s day longer", "%(n)s days longer", value) % {"n": display.number(value)}
        sooner = ngettext("Begin %(n)s day earlier", "Begin %(n)s days earlier", value) % {"n": display.number(value)}
        return _("Valid %(longer)s") % {"longer": longer} if change.field == "later_end" else sooner
    if change.field == "quota":
        given = {"before": display.number(coupon.quota), "after": display.number(int(value))}
        return _("Quota: %(before)s → %(after)s") % given
    before = coupon.min_order if change.field == "min_order" else coupon.budget or Decimal(0)
    given = {"before": display.money(before, coupon.currency), "after": display.money(Decimal(value), coupon.currency)}
    if change.field == "budget":
        return _("Budget: %(before)s → %(after)s") % given
    return _("Minimum order: %(before)s → %(after)s") % given


def named(changes: Collection[Change]) -> tuple[set[int], set[str]]:
    """The listings and categories that these changes add, to be looked up for `words`."""
    listings = {value for change in changes if change.field == "listings" for value in change.value}
    categories = {value for change in changes if change.field == "categories" for value in change.value}
    return listings, categories
