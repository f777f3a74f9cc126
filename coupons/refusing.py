"""Refusals of claims and uses: kept as rows of their own (R74, R141), told to the buyer in plain words.

They are not in the audit log: a storm of them must not flood it. The same refusal of the same buyer within an hour is one row that counts.
A row is written in the transaction that the refusal ends, after what it takes back; a caller with a transaction of its own catches the
error inside it, or loses the row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection
from django.utils.translation import gettext as _

from accounts.models import Store
from audit.actors import Actor
from core import display
from core.errors import Conflict
from coupons import facts as known
from coupons import joined
from coupons.facts import Facts
from inbox import catalogue

_ENCODER = DjangoJSONEncoder()
_NOTE = """
    INSERT INTO coupons_refusal AS r (store_id, coupon_id, phase, code, buyer, country, channel, hour, at, last_at, times, facts)
    SELECT %s, v.coupon, %s, v.code, %s, %s, %s, date_trunc('hour', %s, 'UTC'), %s, %s, 1, v.facts
    FROM jsonb_to_recordset(%s::jsonb) AS v(coupon bigint, code text, facts jsonb)
    ORDER BY v.coupon, v.code
    ON CONFLICT (coupon_id, phase, code, buyer, hour) DO UPDATE SET times = r.times + 1, last_at = EXCLUDED.last_at,
        facts = EXCLUDED.facts, country = EXCLUDED.country, channel = EXCLUDED.channel
    RETURNING id, coupon_id, code, times
"""


@dataclass(frozen=True, slots=True)
class Why:
    """Why a coupon was refused: the code and its facts."""

    facts: Facts
    code: str = ""

    @property
    def named(self) -> str:
        """The code of the refusal."""
        return self.code or self.facts.code

    @property
    def message(self) -> str:
        """The plain explanation in the language of the moment."""
        return explain(self.named, self.facts.stored())


@dataclass(frozen=True, slots=True)
class Buyer:
    """Who asked, as the refusal's row keeps it."""

    name: str = ""
    country: str = ""
    channel: str = ""


class CouponRefused(Conflict):
    """409 with the coupon's code: the claim or the use was refused."""

    def __init__(self, coupon_id: int, coupon: str, why: Why, buyer: Buyer | None = None) -> None:
        super().__init__(why.named, why.message, coupon=coupon)
        self.coupon_id, self.coupon, self.why, self.buyer = coupon_id, coupon, why, buyer or Buyer()


def note(
    store: Store,
    refused: Sequence[tuple[int, str, Why]],
    *,
    phase: str,
    buyer: Buyer,
    actor: Actor,
    now: datetime,
) -> None:
    """Write refusals as (coupon's id, coupon's code, why) of one buyer in one statement, and tell whoever joined `on_refused`."""
    if not refused:
        return
    stored = [why.facts.stored() for _id, _code, why in refused]
    rows = [
        {"coupon": coupon_id, "code": why.named, "facts": told}
        for (coupon_id, _code, why), told in zip(refused, stored, strict=True)
    ]
    given = orjson.dumps(rows, default=_ENCODER.default).decode()
    with connection.cursor() as cursor:
        cursor.execute(_NOTE, [store.pk, phase, buyer.name, buyer.country, buyer.channel, now, now, now, given])
        written = {(coupon, code): (row, times) for row, coupon, code, times in cursor.fetchall()}
    for (coupon_id, coupon, why), kept in zip(refused, stored, strict=True):
        refusal_id, times = written[(coupon_id, why.named)]
        joined.on_refused.tell(
            joined.Refused(
                store, coupon_id, coupon, refusal_id, phase, why.named, kept, buyer.name, buyer.country, buyer.channel, times, actor, now
            )
        )  # fmt: skip


# -- plain words -------------------------------------------------------------------------------------------------------------


def explain(code: str, stored: Mapping[str, Any]) -> str:
    """A refusal in words for the buyer, in the language of the moment; the catalogue's where its facts say nothing."""
    found = known.of(code, stored)
    words = _WORDS.get(type(found)) if found is not None else None
    if words is not None and found is not None and (said := words(found)):
        return said
    entry = catalogue.lookup(code)
    return code if entry is None else catalogue.fill(entry.title, {})


def explains(kind: type[Facts]) -> Callable[[Callable[[Any], str]], Callable[[Any], str]]:
    """Register the words of a kind of facts, such as one declared by another module."""

    def register(words: Callable[[Any], str]) -> Callable[[Any], str]:
        _WORDS[kind] = words
        return words

    return register


_WORDS: dict[type[Facts], Callable[[Any], str]] = {}


def _moment(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


@explains(known.RegionFacts)
def _region(facts: known.RegionFacts) -> str:
    return _("This coupon is only for buyers in: %(regions)s.") % {"regions": display.series(list(facts.regions))}


@explains(known.StockFacts)
def _stock(facts: known.StockFacts) -> str:
    if facts.reason == "delisted":
        return _("No product of this coupon is on sale now.")
    if facts.reason == "stale":
        if facts.as_of is None:
            return _("The stock of this coupon's products was not synced in time.")
        words = {"sku": facts.sku, "moment": _moment(facts.as_of)}
        return _(
            "The stock of this coupon's products was not synced in time: %(sku)s was counted last at %(moment)s."
        ) % (words)
    return _("The products of this coupon are sold out.")


@explains(known.DisputeFacts)
def _disputes(facts: known.DisputeFacts) -> str:
    words = {"disputes": facts.disputes, "days": facts.days}
    return _("The buyer has %(disputes)s orders in arbitration from the last %(days)s days.") % words


@explains(known.LimitFacts)
def _limit(facts: known.LimitFacts) -> str:
    if facts.used:
        return _("This buyer has used this coupon already; each buyer may have it once.")
    return _("This buyer has claimed this coupon already; each buyer may have it once.")


@explains(known.ExhaustedFacts)
def _exhausted(facts: known.ExhaustedFacts) -> str:
    if facts.limit == "budget":
        return _("The budget of this coupon is used up.")
    if facts.quota is None:
        return _("All coupons have been claimed.")
    return _("All coupons have been claimed; there were %(quota)s.") % {"quota": facts.quota}


@explains(known.WindowFacts)
def _window(facts: known.WindowFacts) -> str:
    return _("This coupon is valid from %(start)s until %(end)s.") % {
        "start": _moment(facts.starts_at),
        "end": _moment(facts.ends_at),
    }


@explains(known.LogisticsFacts)
def _logistics(facts: known.LogisticsFacts) -> str:
    words = {"allowed": display.series(list(facts.allowed)), "given": facts.logistics}
    if not facts.logistics:
        return _("This coupon is only for orders shipped by: %(allowed)s.") % words
    return _("This coupon is only for orders shipped by: %(allowed)s; this one goes by %(given)s.") % words


@explains(known.MinOrderFacts)
def _min_order(facts: known.MinOrderFacts) -> str:
    if facts.eligible == 0:
        return _("No product of this order belongs to the coupon.")
    words = {"eligible": f"{facts.eligible:f}", "least": f"{facts.min_order:f}"}
    return _("The products of this coupon come to %(eligible)s; it needs at least %(least)s.") % words


@explains(known.FirstOrderFacts)
def _first_order(facts: known.FirstOrderFacts) -> str:
    return _("This coupon is for a first order; this buyer has ordered before.")


@explains(known.StateFacts)
def _state(facts: known.StateFacts) -> str:
    if facts.state == "voided":
        return _("This coupon is void.")
    if facts.campaign:
        return _("The campaign of this coupon, %(campaign)s, is not running.") % {"campaign": facts.campaign}
    if facts.frozen:
        return _("The use of this coupon is frozen for now.")
    if facts.state == "draft":
        return _("This coupon is not issued yet.")
    return _("This coupon is not issued for now.")


@explains(known.VelocityFacts)
def _velocity(facts: known.VelocityFacts) -> str:
    words = {"claims": facts.claims, "minutes": facts.seconds // 60}
    return _("%(claims)s claims came from this address within %(minutes)s minutes.") % words
