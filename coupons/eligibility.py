"""Whether coupons are open to a store: two materials gate (R57), the rest advises (R82, R174, R175, R187a); sole traders may not (R178)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

import policies
from accounts.models import AccountState, Entity, Kyc, Store
from core import display
from core.errors import Conflict, Text
from coupons import evidence
from policies.rules import CouponRules

PASSED, BLOCKED, WARNING, UNKNOWN = "passed", "blocked", "warning", "unknown"


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the panel, in the shape of a guard: `blocked` keeps coupons closed, all else only tells."""

    code: str
    title: Text
    status: str
    detail: Text
    evidence: Mapping[str, Any] = field(default_factory=dict)

    def as_blocker(self, policy: str) -> dict[str, Any]:
        """The shape of the API's `blockers`."""
        return {
            "code": self.code,
            "status": self.status,
            "detail": str(self.detail),
            "evidence": dict(self.evidence),
            "fix": None,
            "policy": policy,
        }


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The panel of a store: what gates, what advises, and the rules asked."""

    gate: Sequence[Row]
    advice: Sequence[Row]
    policy: str

    @property
    def blocked(self) -> list[Row]:
        """What keeps coupons closed; empty when they are open."""
        return [row for row in self.gate if row.status == BLOCKED]


def of(store: Store, *, now: datetime) -> Eligibility:
    """Everything at once; one query."""
    rules, known = policies.active(CouponRules, now), evidence.of(store)
    gate = (_account(store), _company(store), _alipay(store, evidence.alipay_level(store, known), rules))
    advice = (_rating(known.positive_rating, rules), _logistics(known.official_logistics), _age(store, rules, now))
    return Eligibility(gate, advice, rules.title)


def ensure_open(store: Store, *, now: datetime) -> None:
    """Raise Conflict with every obstacle in `blockers`, under the code of the first. Staff of the platform can lift them."""
    found = of(store, now=now)
    if not found.blocked:
        return
    blockers = [row.as_blocker(found.policy) for row in found.blocked]
    why = " ".join(str(row.detail) for row in found.blocked)
    raise Conflict(
        found.blocked[0].code, _("Coupons are closed to this store for now: %(why)s") % {"why": why}, blockers=blockers
    )


def _account(store: Store) -> Row:
    if store.account_state == AccountState.NORMAL:
        return Row("ERR_ACCOUNT_STATE", _("Account in normal operation"), PASSED, _("Nothing in the way."))
    words = _("The account's state is “%(state)s”. Platform staff can lift it.")
    detail = words % {"state": store.get_account_state_display()}
    return Row(
        "ERR_ACCOUNT_STATE", _("Account in normal operation"), BLOCKED, detail, {"account_state": store.account_state}
    )


def _company(store: Store) -> Row:
    """Material 1: the store's identity is verified and the same as the business licence's."""
    title = _("Company verified, identical to the business licence")
    if store.entity == Entity.SOLE_TRADER:
        detail = _("A sole trader may not create coupons. Company verification opens them.")
        return Row("ERR_COUPON_COMPANY", title, BLOCKED, detail, {"entity": store.entity})
    if store.kyc != Kyc.VERIFIED:
        detail = _("KYC is “%(kyc)s”; it must be verified. Platform staff set it.") % {"kyc": store.get_kyc_display()}
        return Row("ERR_KYC", title, BLOCKED, detail, {"kyc": store.kyc})
    return Row("ERR_COUPON_COMPANY", title, PASSED, _("Material 1 of 2 is there."), {"kyc": store.kyc})


def _alipay(store: Store, level: int, rules: CouponRules) -> Row:
    """Material 2: the international Alipay account with KYC of level 2."""
    title = _("Alipay+ account with KYC of level %(level)s") % {"level": rules.alipay_level}
    if level < rules.alipay_level:
        detail = _("The Alipay+ account has KYC of level %(level)s.") % {"level": level}
        return Row("ERR_COUPON_ALIPAY", title, BLOCKED, detail, {"alipay_level": level})
    return Row("ERR_COUPON_ALIPAY", title, PASSED, _("Material 2 of 2 is there."), {"alipay_level": level})


def _rating(rating: Any, rules: CouponRules) -> Row:
    wanted = rules.good_rating_percent.normalize()
    title = _("Positive rating of at least %(wanted)s%% over 90 days") % {"wanted": f"{wanted:f}"}
    if rating is None:
        return Row("WARN_RATING", title, UNKNOWN, _("Nobody has told this installation the store's rating."))
    shown = _("It stands at %(rating)s%%.") % {"rating": f"{rating.normalize():f}"}
    status = PASSED if rating >= rules.good_rating_percent else WARNING
    return Row("WARN_RATING", title, status, shown, {"positive_rating": str(rating)})


def _logistics(opened: bool | None) -> Row:
    title = _("Official logistics opened, such as Worry-free standard")
    if opened is None:
        return Row("WARN_LOGISTICS", title, UNKNOWN, _("Nobody has told this installation whether it is opened."))
    detail = _("It is opened.") if opened else _("Without it, orders go another way, and freight can eat the margin.")
    return Row("WARN_LOGISTICS", title, PASSED if opened else WARNING, detail, {"official_logistics": opened})


def _age(store: Store, rules: CouponRules, now: datetime) -> Row:
    days = max(0, (now - store.opened_at).days)
    title = _("Store open for at least %(days)s days") % {"days": rules.new_store_days}
    if is_new(store, rules, now):
        return Row("WARN_NEW_STORE", title, WARNING, new_store_words(store, now), {"days": days})
    return Row(
        "WARN_NEW_STORE", title, PASSED, _("Open for %(days)s days.") % {"days": display.number(days)}, {"days": days}
    )


def is_new(store: Store, rules: CouponRules, now: datetime) -> bool:
    """Whether the store is too young for coupons to be advised (R82, R175)."""
    return now - store.opened_at < timedelta(days=rules.new_store_days)


def new_store_words(store: Store, now: datetime) -> str:
    """The advice for a young store."""
    words = _(
        "The store has been open for %(days)s days: a new store is advised to gather reviews before it issues coupons."
    )
    return words % {"days": max(0, (now - store.opened_at).days)}
