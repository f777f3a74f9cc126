"""A/B tests (R67): buyers enter one code and get one of two coupons, always the same; what came of each, and whether chance explains it.

Which arm a buyer gets is a hash of the test's salt and the buyer's name: nothing is stored for it, and the same sum is done in SQL. Whoever
claims an arm's coupon by its own code, and belongs to the other arm, is left out of the results.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from math import sqrt
from statistics import NormalDist
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor
from audit.record import Entry, Target, record
from audit.verbs import about, verb
from core import money
from core.errors import Conflict, FieldError, InvalidInput, NotFound
from core.prepared import Prepared
from coupons import finding
from coupons.models import ArmsState, Coupon, CouponState, CouponTest
from listings import fields
from policies.rules import ReachRules

RIGHT = "coupons.manage"
_HUNDREDS = 100
#: Claims since the start of buyers who belong to the arm, and what their redemptions took off and sold.
_RESULTS = """
    WITH held AS (
        SELECT k.*, (('x' || encode(substring(sha256(%(salt)s || convert_to(k.buyer, 'UTF8')) FROM 1 FOR 4), 'hex'))::bit(32)::bigint
            %% 100 < %(share)s) AS second
        FROM coupons_claim k
        WHERE k.coupon_id IN (%(a)s, %(b)s) AND k.claimed_at >= %(since)s
            AND (%(until)s::timestamptz IS NULL OR k.claimed_at < %(until)s)
    )
    SELECT held.coupon_id, count(*), count(o.id), coalesce(sum(held.amount) FILTER (WHERE o.id IS NOT NULL), 0), coalesce(sum(o.total), 0)
    FROM held
    LEFT JOIN orders_order o ON o.store_id = held.store_id AND o.code = held.order_code AND held.state = 'redeemed'
    WHERE (held.coupon_id = %(b)s) = held.second
    GROUP BY held.coupon_id
"""
#: Tests by code, with whether this buyer holds the coupon of either arm.
_TESTS = Prepared(
    """
    SELECT t.code, t.share, t.salt, t.state = 'running', t.arm_a_id, t.arm_b_id,
        EXISTS (SELECT FROM coupons_claim k WHERE k.coupon_id = t.arm_a_id AND k.buyer = %(buyer)s),
        EXISTS (SELECT FROM coupons_claim k WHERE k.coupon_id = t.arm_b_id AND k.buyer = %(buyer)s)
    FROM coupons_coupontest t WHERE t.store_id = %(store)s AND t.code = ANY(%(codes)s)
    """,
    [("store", "bigint"), ("codes", "text[]"), ("buyer", "text")],
)


@dataclass(frozen=True, slots=True)
class Arm:
    """What came of one arm; amounts in its coupon's currency."""

    letter: str
    coupon: Coupon
    claims: int = 0
    redeemed: int = 0
    cost: Decimal = Decimal(0)
    sales: Decimal = Decimal(0)

    @property
    def rate(self) -> float | None:
        """Share of claims that were redeemed."""
        return self.redeemed / self.claims if self.claims else None

    @property
    def percent(self) -> Decimal | None:
        """The same in percent, one place."""
        return None if self.rate is None else Decimal(f"{100 * self.rate:.1f}")


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms side by side. `enough` says whether there is something to judge; `p` is how likely chance alone makes such a difference.

    `low` and `high` bound the difference of the rates (B − A) in percentage points, with
    `confidence` percent: what is left of the significance that the policy asks for.
    """

    arms: tuple[Arm, Arm]
    enough: bool
    missing: int = 0
    p: float | None = None
    significant: bool = False
    low: Decimal | None = None
    high: Decimal | None = None
    confidence: Decimal | None = None

    @property
    def better(self) -> Arm | None:
        """The arm with the higher redemption rate, when the difference is significant."""
        if not self.significant:
            return None
        return max(self.arms, key=lambda arm: arm.rate or 0)


def arm_of(test: CouponTest, buyer: str) -> str:
    """`a` or `b`: always the same for the same buyer."""
    return "b" if _second(bytes(test.salt), test.share, buyer) else "a"


def _second(salt: bytes, share: int, buyer: str) -> bool:
    return int.from_bytes(hashlib.sha256(salt + buyer.encode()).digest()[:4], "big") % _HUNDREDS < share


def resolve(store_id: int, codes: Collection[str], buyer: str) -> dict[str, int]:
    """The coupons that this buyer gets for the codes of tests, by the code as it was entered; one query.

    Of a stopped test only who claimed with its code gets one: it is the code that he knows his coupon by.
    """
    if not buyer:
        return {}
    found = {}
    for code, share, salt, runs, *arms in _TESTS.rows({"store": store_id, "codes": list(codes), "buyer": buyer}):
        second = _second(bytes(salt), share, buyer)
        if runs or arms[2 + second]:
            found[code] = arms[second]
    return found


@verb("coupon_test.start", right=RIGHT)
def start(
    store: Store, code: str, *, name: str, arms: tuple[str, str], share: int = 50, actor: Actor, now: datetime
) -> CouponTest:
    """Start a test of two coupons that are issued, under a code of its own; `share` percent of buyers get the second.

    Needs `coupons.manage`. Raises PermissionRefused, NotFound, Conflict (an arm is not issued, or in a running test), InvalidInput (code
    taken or malformed, one coupon twice, share not 1 to 99, two currencies).
    """
    check(actor, store, RIGHT, now=now)
    code, rules = finding.normalise(code), policies.active(ReachRules, now)
    about(Target("coupon_test", code[:40], name[:80], store.pk, store.name))
    label = fields.text(name, "name", longest=rules.name_length, required="ERR_REQUIRED")
    errors = [label] if isinstance(label, FieldError) else []
    if fault := finding.malformed(code):
        errors.append(fault)
    elif _taken(store, code):
        errors.append(_in_use())
    if not 1 <= share <= 99:
        errors.append(FieldError("share", "ERR_RANGE", _("Between 1 and 99.")))
    coupons = _arms(store, arms)
    if len(coupons) == 2 and coupons[0].currency != coupons[1].currency:
        errors.append(FieldError("arms", "ERR_CHOICE", _("Both coupons must have the same currency.")))
    if len(coupons) < 2:
        errors.append(FieldError("arms", "ERR_CHOICE", _("A test needs two different coupons.")))
    if errors or isinstance(label, FieldError):
        raise InvalidInput(_("The test was not started: please put right what is marked."), errors)
    for coupon in coupons:
        if coupon.state != CouponState.ACTIVE or coupon.codes_only:
            raise Conflict("ERR_COUPON_STATE", _("%(code)s is not issued now by its own code.") % {"code": coupon.code})
    if running(coupons).exists():
        raise Conflict("ERR_COUPON_TEST", _("One of the coupons is in a running test already."))
    try:
        with transaction.atomic():
            test = CouponTest.objects.create(
                store=store, code=code, name=label, arm_a=coupons[0], arm_b=coupons[1], share=share, salt=secrets.token_bytes(16),
                started_at=now, started_by=actor.label[:160],
            )  # fmt: skip
    except IntegrityError:  # another test took the code meanwhile
        raise InvalidInput(_("The test was not started: please put right what is marked."), [_in_use()]) from None
    _tell(store, test, "coupon_test.start", actor, now)
    return test


@verb("coupon_test.stop", right=RIGHT)
def stop(store: Store, code: str, *, actor: Actor, now: datetime) -> CouponTest:
    """Stop a test: its code claims nothing any more, its coupons go on. Needs `coupons.manage`.

    Raises PermissionRefused, NotFound, Conflict ERR_COUPON_TEST (stopped before).
    """
    check(actor, store, RIGHT, now=now)
    rows = CouponTest.objects.select_for_update(of=("self",), no_key=True)
    test = rows.filter(store=store, code=finding.normalise(code)).first() if "\x00" not in code else None
    if test is None:
        raise NotFound(_("There is no such test in this store."))
    about(_target(store, test))
    if test.state != ArmsState.RUNNING:
        raise Conflict("ERR_COUPON_TEST", _("The test was stopped before."))
    test.state, test.stopped_at = ArmsState.STOPPED, now
    test.save(update_fields=["state", "stopped_at"])
    _tell(store, test, "coupon_test.stop", actor, now)
    return test


def running(coupons: list[Coupon]) -> QuerySet[CouponTest]:
    """The running tests that one of these coupons is in."""
    return CouponTest.objects.filter(Q(arm_a__in=coupons) | Q(arm_b__in=coupons), state=ArmsState.RUNNING)


def latest_of(coupon: Coupon) -> CouponTest | None:
    """The last test that a coupon was or is in."""
    rows = CouponTest.objects.filter(Q(arm_a=coupon) | Q(arm_b=coupon))
    return rows.select_related("arm_a", "arm_b").order_by("-id").first()


def find(store: Store, code: str) -> CouponTest:
    """A test of the store. Raises NotFound."""
    rows = CouponTest.objects.filter(store=store, code=finding.normalise(code)) if "\x00" not in code else None
    test = rows.select_related("arm_a", "arm_b").first() if rows is not None else None
    if test is None:
        raise NotFound(_("There is no such test in this store."))
    return test


def compare(test: CouponTest, *, now: datetime) -> Comparison:
    """The arms side by side; one query."""
    asked: dict[str, Any] = {
        "a": test.arm_a_id, "b": test.arm_b_id, "since": test.started_at, "until": test.stopped_at, "salt": bytes(test.salt),
        "share": test.share,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_RESULTS, asked)
        found = {row[0]: row[1:] for row in cursor.fetchall()}
    first = Arm("A", test.arm_a, *found.get(test.arm_a_id, ()))
    second = Arm("B", test.arm_b, *found.get(test.arm_b_id, ()))
    return judge(first, second, policies.active(ReachRules, now))


def judge(first: Arm, second: Arm, rules: ReachRules) -> Comparison:
    """Two redemption rates compared: the pooled two-proportion test, and an interval for their difference."""
    arms = (first, second)
    missing = max(max(rules.test_min_claims - arm.claims, 0) for arm in arms)
    few = min(min(arm.redeemed, arm.claims - arm.redeemed) for arm in arms)
    if missing or few < rules.test_min_redemptions:
        return Comparison(arms, enough=False, missing=missing)
    a, b = first.redeemed / first.claims, second.redeemed / second.claims
    pooled = (first.redeemed + second.redeemed) / (first.claims + second.claims)
    error = sqrt(pooled * (1 - pooled) * (1 / first.claims + 1 / second.claims))
    p = 2 * (1 - NormalDist().cdf(abs(b - a) / error))
    spread = sqrt(a * (1 - a) / first.claims + b * (1 - b) / second.claims)
    reach = NormalDist().inv_cdf(1 - float(rules.test_significance) / 2) * spread
    low, high = (Decimal(f"{100 * (b - a + side * reach):.1f}") for side in (-1, 1))
    confidence = 100 * (1 - rules.test_significance)
    return Comparison(arms, True, 0, p, p < rules.test_significance, low, high, confidence)


def document(test: CouponTest, found: Comparison) -> dict[str, Any]:
    """The API's form of a test."""
    return {
        "code": test.code,
        "name": test.name,
        "state": test.state,
        "share_percent": test.share,
        "started_at": test.started_at,
        "stopped_at": test.stopped_at,
        "enough_data": found.enough,
        "p_value": None if found.p is None else round(found.p, 6),
        "significant": found.significant,
        "better": found.better.coupon.code if found.better else None,
        "arms": [
            {
                "coupon": arm.coupon.code, "claimed": arm.claims, "redeemed": arm.redeemed,
                "redemption_rate": None if arm.rate is None else round(arm.rate, 4), "cost": money.text(arm.cost, arm.coupon.currency),
                "sales": money.text(arm.sales, arm.coupon.currency),
            }
            for arm in found.arms
        ],
    }  # fmt: skip


def _arms(store: Store, codes: tuple[str, str]) -> list[Coupon]:
    wanted = [finding.normalise(code) for code in codes]
    held = {row.code: row for row in finding.locked(Coupon.objects.filter(store=store, code__in=wanted))}
    for code in wanted:
        if code not in held:
            raise finding.unknown(code)
    return [held[code] for code in dict.fromkeys(wanted)]


def _taken(store: Store, code: str) -> bool:
    return (
        Coupon.objects.filter(store=store, code=code).exists()
        or CouponTest.objects.filter(store=store, code=code).exists()
    )


def _in_use() -> FieldError:
    return FieldError("code", "ERR_COUPON_CODE", _("This code is in use already."))


def _target(store: Store, test: CouponTest) -> Target:
    return Target("coupon_test", test.code, test.name, store.pk, store.name)


def _tell(store: Store, test: CouponTest, action: str, actor: Actor, now: datetime) -> None:
    after = {"state": test.state, "arms": [test.arm_a.code, test.arm_b.code], "share": test.share}
    record(Entry(action, _target(store, test), after=after, right=RIGHT), actor=actor, now=now)
