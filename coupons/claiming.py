"""Claims: a buyer takes a coupon, exactly as often as its limits allow (R55, R65, R66, R69, R71-R73).

One statement reads everything that a claim is judged by, one function of the database takes it under the lock of the coupon's counters:
quota, one for each buyer, the address rule and a stop are looked at again there, so that no number of buyers at once gets past them.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import orjson
from django.db import connection, transaction
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import HOLDS, check, refusal
from audit.actors import Actor
from core import clock
from core.codes import new_code
from core.errors import Conflict, InvalidInput, NotFound
from core.prepared import Prepared
from coupons import addresses, facts, finding, joined, judging, refusing, sellable
from coupons.facts import Facts
from coupons.judging import Held, Terms
from coupons.models import Claim, ClaimState, Coupon, Phase
from coupons.refusing import Buyer, CouponRefused, Why
from listings import fields
from listings.fields import Findings
from policies.rules import CouponRules

RIGHT = "checkout.use"
_BUYER, _CHANNEL, _CODE, _LOGISTICS = 80, 20, 64, 20
_COUNTRY = re.compile(r"[A-Z]{2}", re.ASCII)
_KNOWN = {"buyer", "country", "ip", "channel", "logistics", "site"}

_READ = Prepared(
    f"""
    SELECT {judging.COLUMNS}, coupon.segment, coupon.codes_only, t.budget, coupon.face_value, t.quota, t.claimed, t.spent,
        k.id, k.code, k.state, k.order_code,
        {HOLDS},
        {judging.EARLIER},
        (SELECT count(*) FROM orders_order o WHERE o.store_id = %(store)s AND o.buyer = %(buyer)s AND o.buyer <> ''
            AND o.dispute = 'arbitration' AND o.placed_at > %(disputed)s),
        (SELECT count(*) FROM (SELECT FROM coupons_claimaddress a WHERE a.coupon_id = coupon.id AND a.digest = %(digest)s
            AND a.at > %(recent)s LIMIT %(most)s) recent),
        {sellable.EXISTS}
    FROM coupons_coupon coupon
    JOIN coupons_coupontally t ON t.coupon_id = coupon.id
    LEFT JOIN coupons_claim k ON k.coupon_id = coupon.id AND k.buyer = %(buyer)s
    WHERE coupon.store_id = %(store)s AND coupon.code = %(code)s
    """,  # noqa: S608  # composed of constants
    [
        ("store", "bigint"), ("code", "text"), ("buyer", "text"), ("person", "bigint"), ("right", "text"), ("now", "timestamptz"),
        ("disputed", "timestamptz"), ("digest", "bytea"), ("recent", "timestamptz"), ("most", "integer"), *sellable.PARAMETERS,
    ],
)  # fmt: skip
_TAKE = "SELECT outcome, claim_id FROM coupons_take_claim(%s, %s, %s, %s, %s, %s, %s, %s, %s, %s)"


@dataclass(frozen=True, slots=True)
class ClaimAsk:
    """Who asks for which coupon: what further conditions judge by. `entered` is the code as it came, `segment` the coupon's own."""

    store: Store
    coupon_id: int
    coupon: str
    entered: str
    segment: Mapping[str, Any]
    codes_only: bool
    buyer: str
    country: str
    channel: str
    now: datetime


#: Further conditions of a claim, in the order in which they joined: each answers facts of its refusal, or None. Cheap where it has nothing
#: to say: it is asked at every claim.
conditions: list[Callable[[ClaimAsk], Facts | None]] = []

#: Codes that are not a coupon's own, such as single-use ones: each reader answers, of a store's id, some codes and the buyer who enters
#: them, the ids of the coupons that those it knows lead to.
readers: list[Callable[[int, Collection[str], str], Mapping[str, int]]] = []


@dataclass(frozen=True, slots=True)
class _Wish:
    """A claim as asked for, clean."""

    buyer: str
    country: str
    channel: str
    site: str
    logistics: str
    address: str


@dataclass(frozen=True, slots=True)
class _Read:
    """What a claim is judged by."""

    terms: Terms
    segment: Mapping[str, Any]
    codes_only: bool
    budget: Decimal | None
    face_value: Decimal
    quota: int
    claimed: int
    spent: Decimal
    held: Held | None
    may: bool
    orders: int
    disputes: int
    recent: int
    sellable: bool


def claim(store: Store, code: str, data: Mapping[str, Any], *, actor: Actor, now: datetime | None = None) -> Claim:
    """Claim a coupon for a buyer: `{"buyer", "country", "ip", "channel"}`, `logistics` and `site` where known; answers the claim.

    Two statements, whatever the coupon's size. Raises PermissionRefused, NotFound, InvalidInput, and CouponRefused (409) with the coupon's
    code once the refusal is stored. Asking again is ERR_COUPON_LIMIT; what a storm of claims sets off joins `on_refused`. Neither is in
    the audit log: a claim is its own record, so is a refusal.
    """
    moment = now or clock.now()
    rules = policies.active(CouponRules, moment)
    wish = _wish(data, rules)
    digest = addresses.digest(store.pk, wish.address)
    given = _given(store, wish, digest, rules, actor, moment)
    entered = finding.normalise(code)[:_CODE]
    found = _find(store, entered, given, actor, moment)
    if not (actor.is_system or found.may):
        raise refusal(RIGHT, store)
    buyer = Buyer(wish.buyer, wish.country, wish.channel)
    try:
        why = _judge(store, entered, found, wish, rules, moment)
        if why is not None:
            raise CouponRefused(found.terms.id, found.terms.code, why)
        return _take(store, entered, found, given, buyer, rules, actor)
    except Conflict as error:
        refused = _refused(error, found.terms)
        with transaction.atomic():
            refusing.note(
                store,
                [(refused.coupon_id, refused.coupon, refused.why)],
                phase=Phase.CLAIM,
                buyer=buyer,
                actor=actor,
                now=moment,
            )
        raise refused from None


def _refused(error: Conflict, terms: Terms) -> CouponRefused:
    """The refusal of a receiver is one like any other, under its own code and words."""
    if isinstance(error, CouponRefused):
        return error
    refused = CouponRefused(terms.id, terms.code, Why(Facts(), error.code))
    refused.detail = error.detail
    return refused


claim.verb_action = "coupon.claim"  # type: ignore[attr-defined]  # the marks of a verb: its refusals go to rows of their own instead
claim.verb_right = RIGHT  # type: ignore[attr-defined]  # the same


def led_by(store: Store, codes: Collection[str], buyer: str) -> dict[str, str]:
    """Codes that are not a coupon's own, and the codes of the coupons that they lead to; a query for each reader, and one where it found
    something.
    """
    found: dict[str, int] = {}
    for reader in readers:
        found |= reader(store.pk, codes, buyer)
    own = dict(Coupon.objects.filter(pk__in=found.values()).values_list("pk", "code")) if found else {}
    return {entered: own[coupon_id] for entered, coupon_id in found.items() if coupon_id in own}


def _wish(data: Mapping[str, Any], rules: CouponRules) -> _Wish:
    findings = Findings()
    for name in data.keys() - _KNOWN:
        findings.add(str(name)[:120], "ERR_FIELD_UNKNOWN", _("There is no such field here."))
    country = findings.take(fields.text(data.get("country"), "country", longest=80), "").upper()
    if country and not _COUNTRY.fullmatch(country):
        findings.add("country", "ERR_COUNTRY", _("Write the country as two letters of ISO 3166, such as US."))
    wish = _Wish(
        buyer=findings.take(fields.text(data.get("buyer"), "buyer", longest=_BUYER, required="ERR_BUYER_MISSING"), ""),
        country=country,
        channel=findings.take(fields.text(data.get("channel"), "channel", longest=_CHANNEL), ""),
        site=findings.take(fields.text(data.get("site"), "site", longest=_CHANNEL), ""),
        logistics=findings.take(fields.text(data.get("logistics"), "logistics", longest=_LOGISTICS), ""),
        address=findings.take(addresses.read(data.get("ip"), rules), ""),
    )
    if findings.errors:
        raise InvalidInput(_("The coupon cannot be claimed: please put right what is marked."), findings.errors)
    return wish


def _given(
    store: Store, wish: _Wish, digest: bytes | None, rules: CouponRules, actor: Actor, now: datetime
) -> dict[str, Any]:
    return {
        "store": store.pk,
        "buyer": wish.buyer,
        "person": actor.id or 0,
        "right": RIGHT,
        "now": now,
        "disputed": now - timedelta(days=rules.dispute_days),
        "digest": digest,
        "recent": now - timedelta(seconds=rules.velocity_seconds),
        "most": rules.velocity_claims,
        **sellable.parameters(now),
    }


def _find(store: Store, entered: str, given: Mapping[str, Any], actor: Actor, now: datetime) -> _Read:
    """The coupon of a code and what its claim is judged by. A stranger learns of no code; a member without the right of none either."""
    rows = _READ.rows({**given, "code": entered})
    if not rows and (own := led_by(store, [entered], given["buyer"]).get(entered)):
        rows = _READ.rows({**given, "code": own})
    if not rows:
        check(actor, store, RIGHT, now=now)
        raise NotFound(_("This store has no coupon with this code."))
    (row,) = rows
    terms, rest = judging.read(row)
    held = Held(*rest[7:11]) if rest[7] is not None else None
    segment = orjson.loads(rest[0]) if isinstance(rest[0], str) else rest[0]
    columns = [terms, segment, *rest[1:7], held, *rest[11:16]]
    return _Read(*columns)


def _judge(store: Store, entered: str, found: _Read, wish: _Wish, rules: CouponRules, now: datetime) -> Why | None:
    terms, findings = found.terms, judging.Findings()
    findings.add(judging.void(terms))
    findings.add(judging.window(terms, now))
    findings.add(judging.issuing(store.pk, terms))
    if found.held is not None:
        findings.add(facts.LimitFacts(used=found.held.state == ClaimState.REDEEMED, claim=found.held.code))
    if found.claimed >= found.quota:
        findings.add(facts.ExhaustedFacts(limit="quota", quota=found.quota))
    findings.add(judging.budget(found.budget, found.spent, found.face_value))
    findings.add(judging.region(terms, wish.country))
    findings.add(judging.channel(terms, wish.channel))
    findings.add(judging.site(terms, wish.site))
    if wish.logistics:
        findings.add(judging.logistics(terms, wish.logistics))
    findings.add(judging.first_order(terms, found.orders))
    if found.disputes >= rules.disputes:
        findings.add(facts.DisputeFacts(disputes=found.disputes, days=rules.dispute_days))
    if not found.sellable:
        findings.add(sellable.why_not(terms.id, now))
    if conditions:
        ask = ClaimAsk(
            store, terms.id, terms.code, entered, found.segment, found.codes_only, wish.buyer, wish.country, wish.channel, now
        )  # fmt: skip
        for condition in conditions:
            findings.add(condition(ask))
    if found.recent >= rules.velocity_claims:
        findings.add(_velocity(rules))
    return findings.why()


def _velocity(rules: CouponRules) -> Facts:
    return facts.VelocityFacts(claims=rules.velocity_claims, seconds=rules.velocity_seconds)


def _take(
    store: Store, entered: str, found: _Read, given: Mapping[str, Any], buyer: Buyer, rules: CouponRules, actor: Actor
) -> Claim:
    """Take the claim under the lock of the counters. Alone it is one statement; with receivers of the news, one transaction."""
    terms, now, code = found.terms, given["now"], new_code("K", 12)
    asked = [
        store.pk, terms.id, buyer.name, code, buyer.country, buyer.channel, now, given["digest"], given["recent"],
        rules.velocity_claims,
    ]  # fmt: skip
    told = [news for news in (joined.on_claimed, joined.on_led if entered != terms.code else None) if news]
    together: AbstractContextManager[Any] = transaction.atomic() if told else nullcontext()
    with together:
        with connection.cursor() as cursor:
            cursor.execute(_TAKE, asked)
            outcome, claim_id = cursor.fetchone()
        if outcome != "granted":
            raise CouponRefused(terms.id, terms.code, _overtaken(store, outcome, found, given, rules, actor))
        for news in told:
            news.tell(
                joined.Claimed(
                    store, terms.id, terms.code, claim_id, code, entered, buyer.name, buyer.country, buyer.channel, actor, now
                )
            )  # fmt: skip
    made = Claim(
        id=claim_id,
        store=store,
        coupon_id=terms.id,
        code=code,
        buyer=buyer.name,
        country=buyer.country,
        channel=buyer.channel,
        claimed_at=now,
    )
    made.expires_at = terms.ends_at
    return made


def _overtaken(
    store: Store, outcome: str, found: _Read, given: Mapping[str, Any], rules: CouponRules, actor: Actor
) -> Why:
    """What others did between our look and our turn."""
    if outcome == "exhausted":
        return Why(facts.ExhaustedFacts(limit="quota", quota=found.quota))
    if outcome == "velocity":
        return Why(_velocity(rules))
    fresh = _find(store, found.terms.code, given, actor, given["now"])
    if outcome == "held" and fresh.held is not None:
        return Why(facts.LimitFacts(used=fresh.held.state == ClaimState.REDEEMED, claim=fresh.held.code))
    return Why(judging.stopped(store.pk, fresh.terms))
