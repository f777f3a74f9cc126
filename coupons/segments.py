"""Who may claim a coupon (R78): a few readable rules, kept as data, said back in words, counted and enforced by the same SQL.

    {"rules": [{"kind": "bought", "category": "toys", "days": 90}, {"kind": "country", "countries": ["BR", "RU"]}]}

All rules must hold. Buyers are those who have ordered from the store, by the name that the storefront calls them; called-off orders say
nothing about anybody.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Literal

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

import policies
from accounts.models import Store
from core import clock, display, money
from core.errors import FieldError
from coupons.facts import Facts, declare
from coupons.fields import countries, country_words
from coupons.pool import BELOW
from listings import fields
from listings.models import Category
from policies.rules import ReachRules

CODE = "ERR_COUPON_SEGMENT"
_ORDERS = "FROM orders_order o WHERE o.store_id = %(store)s AND o.buyer = b.buyer AND o.state <> 'cancelled'"


class Rule(BaseModel, ABC):
    """One rule. `sql` says of a buyer `b.buyer` whether it holds; `{n}` is the rule's place, by which its parameters are told apart."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    kind: str
    sql: ClassVar[str]

    def parameters(self, now: datetime) -> dict[str, Any]:
        """What the SQL wants, by the name after `r{n}_`."""
        return {}

    @abstractmethod
    def words(self) -> str:
        """The rule as people read it."""

    def fault(self, rules: ReachRules) -> tuple[str, str] | None:
        """The field that is wrong, and why; None when the rule is fine."""
        return None


class _Within(Rule):
    """A rule that looks back so many days."""

    days: int = Field(ge=1, strict=True)

    def parameters(self, now: datetime) -> dict[str, Any]:
        """The moment from which on orders count."""
        return {"since": now - timedelta(days=self.days)}

    def fault(self, rules: ReachRules) -> tuple[str, str] | None:
        """At most as far back as the policy looks."""
        if self.days > rules.segment_days:
            return "days", _("At most %(most)s days back.") % {"most": display.number(rules.segment_days)}
        return None


class FirstOrder(Rule):
    """Buyers who have not ordered yet."""

    kind: Literal["first_order"]
    sql: ClassVar[str] = f"NOT EXISTS (SELECT {_ORDERS})"

    def words(self) -> str:
        """In words."""
        return _("have not ordered from the store yet")


class Bought(_Within):
    """Buyers who bought something of a category, or of what is below it."""

    kind: Literal["bought"]
    category: str = Field(max_length=40)
    sql: ClassVar[str] = f"""EXISTS (SELECT FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
        JOIN listings_sku s ON s.id = l.sku_id JOIN listings_listing i ON i.id = s.listing_id
        WHERE o.store_id = %(store)s AND o.buyer = b.buyer AND o.state <> 'cancelled' AND o.placed_at > %(r{{n}}_since)s
            AND i.category_id IN (WITH RECURSIVE below AS ({BELOW}) SELECT below.id FROM below
                JOIN listings_category top ON top.id = below.top WHERE top.code = %(r{{n}}_category)s))"""  # noqa: S608  # constants

    def parameters(self, now: datetime) -> dict[str, Any]:
        """The category's code beside the moment."""
        return {**super().parameters(now), "category": self.category}

    def words(self) -> str:
        """In words."""
        found = Category.objects.filter(code=self.category).first()
        label = found.label if found else self.category
        return ngettext(
            "bought something of “%(category)s” in the last %(days)s day",
            "bought something of “%(category)s” in the last %(days)s days",
            self.days,
        ) % {"category": label, "days": self.days}

    def fault(self, rules: ReachRules) -> tuple[str, str] | None:
        """The category exists."""
        if not Category.objects.filter(code=self.category).exists():
            return "category", _("There is no category with this code.")
        return super().fault(rules)


class Quiet(_Within):
    """Buyers who have ordered before, but not lately."""

    kind: Literal["quiet"]
    sql: ClassVar[str] = (
        f"(EXISTS (SELECT {_ORDERS}) AND NOT EXISTS (SELECT {_ORDERS} AND o.placed_at > %(r{{n}}_since)s))"
    )

    def words(self) -> str:
        """In words."""
        return ngettext(
            "have ordered before, but not in the last %(days)s day",
            "have ordered before, but not in the last %(days)s days",
            self.days,
        ) % {"days": self.days}


class Spent(_Within):
    """Buyers whose orders come to an amount."""

    kind: Literal["spent"]
    amount: Decimal = Field(gt=0, max_digits=14)
    currency: str = Field(min_length=3, max_length=3)
    sql: ClassVar[str] = (
        f"(SELECT coalesce(sum(o.total), 0) {_ORDERS} AND o.placed_at > %(r{{n}}_since)s AND o.currency = %(r{{n}}_currency)s)"
        " >= %(r{n}_amount)s"
    )

    def parameters(self, now: datetime) -> dict[str, Any]:
        """Amount and currency beside the moment."""
        return {**super().parameters(now), "amount": self.amount, "currency": self.currency}

    def words(self) -> str:
        """In words."""
        return ngettext(
            "spent %(amount)s or more in the last %(days)s day",
            "spent %(amount)s or more in the last %(days)s days",
            self.days,
        ) % {"amount": display.money(self.amount, self.currency), "days": self.days}

    def fault(self, rules: ReachRules) -> tuple[str, str] | None:
        """The currency exists."""
        if self.currency not in money.currencies():
            return "currency", _("A currency code of ISO 4217, such as USD.")
        return super().fault(rules)


class Country(Rule):
    """Buyers whose last order went to one of these countries; at a claim, who say that they are there."""

    kind: Literal["country"]
    countries: tuple[str, ...] = Field(min_length=1, max_length=249)
    sql: ClassVar[str] = (
        f"coalesce(%(country)s::text, (SELECT o.country {_ORDERS} ORDER BY o.placed_at DESC LIMIT 1)) = ANY(%(r{{n}}_countries)s)"
    )

    def parameters(self, now: datetime) -> dict[str, Any]:
        """The countries."""
        return {"countries": list(self.countries)}

    def words(self) -> str:
        """In words."""
        return _("are in: %(countries)s") % {"countries": display.series(map(country_words, self.countries))}

    def fault(self, rules: ReachRules) -> tuple[str, str] | None:
        """They are countries."""
        if wrong := next((code for code in self.countries if code not in countries()), None):
            return "countries", _("“%(code)s” is not a country code such as RU or BR (ISO 3166).") % {
                "code": wrong[:20]
            }
        return None


def _as_claimed(name: str) -> str:
    """A buyer's name as a claim and an order keep it: written otherwise, it would be nobody's. Raises ValueError for none."""
    clean = fields.text(name, "buyers", longest=80, required=CODE)
    if isinstance(clean, FieldError):
        raise ValueError(str(clean.message))
    return clean


class Named(Rule):
    """Buyers on a list."""

    kind: Literal["named"]
    buyers: tuple[Annotated[str, AfterValidator(_as_claimed)], ...] = Field(min_length=1)
    sql: ClassVar[str] = "b.buyer = ANY(%(r{n}_buyers)s)"

    def parameters(self, now: datetime) -> dict[str, Any]:
        """The buyers."""
        return {"buyers": list(self.buyers)}

    def words(self) -> str:
        """In words; a long list by its length."""
        if len(self.buyers) <= 5:
            return _("are: %(buyers)s") % {"buyers": display.series(self.buyers)}
        return _("are among %(n)s named buyers") % {"n": display.number(len(self.buyers))}

    def fault(self, rules: ReachRules) -> tuple[str, str] | None:
        """No more than the policy allows."""
        if len(self.buyers) > rules.segment_buyers:
            return "buyers", _("At most %(most)s buyers.") % {"most": display.number(rules.segment_buyers)}
        return None


class Segment(BaseModel):
    """The rules of a segment; all of them must hold."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    rules: tuple[
        Annotated[FirstOrder | Bought | Quiet | Spent | Country | Named, Field(discriminator="kind")], ...
    ] = ()

    @property
    def named(self) -> tuple[str, ...] | None:
        """The buyers that the segment names, of all its lists; None when it names none."""
        lists = [rule.buyers for rule in self.rules if isinstance(rule, Named)]
        return tuple(dict.fromkeys(buyer for one in lists for buyer in one)) if lists else None

    @property
    def countable(self) -> bool:
        """Whether its buyers can be found: those who never ordered are not known here unless they are named."""
        return self.named is not None or not any(isinstance(rule, FirstOrder) for rule in self.rules)

    def where(self, now: datetime) -> tuple[str, dict[str, Any]]:
        """The condition on `b.buyer`, and its parameters beside `store` and `country`."""
        parameters = {
            f"r{n}_{name}": value for n, rule in enumerate(self.rules) for name, value in rule.parameters(now).items()
        }
        return " AND ".join(rule.sql.format(n=n) for n, rule in enumerate(self.rules)) or "true", parameters

    def universe(self) -> tuple[str, dict[str, Any]]:
        """FROM … as `b (buyer)`: whom the rules are asked about."""
        if self.named is not None:
            return "unnest(%(named)s::text[]) AS b (buyer)", {"named": list(self.named)}
        return "(SELECT DISTINCT o.buyer FROM orders_order o WHERE o.store_id = %(store)s AND o.buyer <> '') b", {}


def read(
    store: Store, given: Mapping[str, Any], *, now: datetime | None = None
) -> tuple[dict[str, Any], list[FieldError]]:
    """Check a segment as it was asked for; answers what is kept, and every fault under `segment`."""
    if not given or given == {"rules": []}:
        return {}, []
    try:
        segment = Segment.model_validate(given)
    except ValidationError as error:
        return {}, [_fault_of(one) for one in error.errors()]
    limits = policies.active(ReachRules, now or clock.now())
    if len(segment.rules) > limits.segment_rules:
        words = _("At most %(most)s rules.") % {"most": limits.segment_rules}
        return {}, [FieldError("segment.rules", CODE, words)]
    found = ((n, rule.fault(limits)) for n, rule in enumerate(segment.rules))
    faults = [FieldError(f"segment.rules.{n}.{fault[0]}", CODE, fault[1]) for n, fault in found if fault]
    return ({}, faults) if faults else (segment.model_dump(mode="json"), [])


def _fault_of(error: Any) -> FieldError:
    # The union's tag is a step of its own in pydantic's path; the body has none there.
    steps = [str(step) for step in error["loc"] if step not in _KINDS]
    words = {
        "union_tag_invalid": _("The kind of a rule is one of: %(kinds)s.") % {"kinds": ", ".join(sorted(_KINDS))},
        "union_tag_not_found": _("A rule says its kind."),
        "missing": _("This must not be empty."),
        "extra_forbidden": _("There is no such field here."),
    }
    return FieldError(
        ".".join(["segment", *steps]), CODE, words.get(error["type"], _("This value is not possible here."))
    )


_KINDS = {"first_order", "bought", "quiet", "spent", "country", "named"}


def of(kept: Mapping[str, Any]) -> Segment:
    """The segment that a coupon keeps; an empty one is for everybody."""
    return Segment.model_validate(dict(kept))


def words(kept: Mapping[str, Any]) -> Sequence[str]:
    """The rules in the page's language, one sentence part each."""
    return [rule.words() for rule in of(kept).rules]


def count(store: Store, kept: Mapping[str, Any], *, now: datetime) -> int | None:
    """How many buyers the segment holds now, in one query; None where they cannot be known."""
    segment = of(kept)
    if not segment.countable:
        return None
    (where, parameters), (universe, named) = segment.where(now), segment.universe()
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT count(*) FROM {universe} WHERE {where}",  # noqa: S608  # composed of constants
            {"store": store.pk, "country": None, **parameters, **named},
        )
        return int(cursor.fetchone()[0])


@declare
class SegmentFacts(Facts):
    """The rules that did not hold, by their kind."""

    code: ClassVar[str] = CODE

    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a rule is asked about."""

    store_id: int
    buyer: str
    country: str


def judge(kept: Mapping[str, Any], asked: Asked, *, now: datetime) -> SegmentFacts | None:
    """Why a buyer may not claim a coupon with this segment; None when all rules hold. One query."""
    segment = of(kept)
    if not segment.rules:
        return None
    columns = ", ".join(rule.sql.format(n=n) for n, rule in enumerate(segment.rules))
    _where, parameters = segment.where(now)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM (SELECT %(buyer)s::text AS buyer) b",  # noqa: S608  # composed of constants
            {"store": asked.store_id, "buyer": asked.buyer, "country": asked.country or None, **parameters},
        )
        held = cursor.fetchone()
    failed = tuple(rule.kind for rule, holds in zip(segment.rules, held, strict=True) if not holds)
    return SegmentFacts(rules=failed) if failed else None
