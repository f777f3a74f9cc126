"""Risk signals of the effect watch (券效预警), pluggable (R68, R69).

A signal looks at all coupons that are issued, set-based, and answers typed findings; the watch does the rest: it stops the issuing, writes
the report, tells the store. Two are shipped. A further one registers itself in `AppConfig.ready`:

    register(MySignal())
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import ClassVar, Protocol

from django.db import connection
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

import policies
from policies.rules import CouponRules, EffectWatchRules
from policies.rules.base import Rules

Text = str | Promise


@dataclass(frozen=True, slots=True)
class Finding:
    """What a signal says of one coupon: what it measured against which limit, and since when that has been going on.

    `claimed` and `redeemed` are the coupon's counters at that moment; `policy` names the rule set and version that judged.
    """

    coupon_id: int
    signal: str
    measured: Decimal
    limit: Decimal
    since: datetime
    claimed: int
    redeemed: int
    policy: str


class Signal(Protocol):
    """A risk signal."""

    @property
    def key(self) -> str:
        """Its name in reports."""

    @property
    def label(self) -> Text:
        """What people call it."""

    @property
    def rule(self) -> Text:
        """What it judges, as a sentence; may hold %(measured)s and %(limit)s."""

    @property
    def message(self) -> str:
        """The code of the message that the store gets."""

    def find(self, *, among: Collection[int] | None, limit: int, now: datetime) -> list[Finding]:
        """Coupons in state `active` that it warns of, by id, at most `limit`; of these ids only where `among` is given."""


def _policy(rules: Rules) -> str:
    """The rule set and its version, as a report keeps them: `effect_watch 1`; the reader's language is not known yet."""
    return f"{rules.key} {rules.provenance.version}".strip()


_signals: dict[str, Signal] = {}


def register(signal: Signal) -> None:
    """Put a signal into the watch. Raises ValueError for a key that another has."""
    if type(_signals.get(signal.key, signal)) is not type(signal):
        raise ValueError(f"two signals are called {signal.key!r}")
    _signals[signal.key] = signal


def all_signals() -> list[Signal]:
    """Every signal, in the order of registering."""
    return list(_signals.values())


def signal_of(key: str) -> Signal | None:
    """A signal by its key; None for one that is not installed any more."""
    return _signals.get(key)


#: A coupon with its latest report, if any: what was claimed before the last resume is judged no more.
_LATEST = """
    LEFT JOIN LATERAL (
        SELECT d.id, d.resumed_at, d.measured_at, d.claimed_before, d.redeemed_before FROM coupons_diagnosis d
        WHERE d.coupon_id = c.id ORDER BY d.id DESC LIMIT 1
    ) d ON true
"""
_LOW = f"""
    SELECT c.id, t.claimed - coalesce(d.claimed_before, 0) AS claims, t.redeemed - coalesce(d.redeemed_before, 0) AS uses,
        greatest(coalesce(d.resumed_at, c.activated_at), c.starts_at), t.claimed, t.redeemed
    FROM coupons_coupon c JOIN coupons_coupontally t ON t.coupon_id = c.id {_LATEST}
    WHERE c.state = 'active' AND c.ends_at > %(now)s AND (%(among)s::bigint[] IS NULL OR c.id = ANY(%(among)s))
        AND (d.id IS NULL OR d.measured_at IS NOT NULL)
        AND greatest(coalesce(d.resumed_at, c.activated_at), c.starts_at) <= %(young)s
        AND t.claimed - coalesce(d.claimed_before, 0) >= %(claims)s
        AND (t.redeemed - coalesce(d.redeemed_before, 0)) * 100 < %(percent)s * (t.claimed - coalesce(d.claimed_before, 0))
    ORDER BY c.id LIMIT %(limit)s
"""  # noqa: S608  # composed of constants
_STORM = f"""
    SELECT c.id, max((f.facts->>'claims')::int), min(f.at), t.claimed, t.redeemed
    FROM coupons_refusal f
    JOIN coupons_coupon c ON c.id = f.coupon_id
    JOIN coupons_coupontally t ON t.coupon_id = c.id {_LATEST}
    WHERE f.code = 'ERR_COUPON_VELOCITY' AND f.at >= %(recent)s AND c.state = 'active'
        AND (%(among)s::bigint[] IS NULL OR c.id = ANY(%(among)s))
        AND (d.id IS NULL OR f.last_at > d.resumed_at)
    GROUP BY c.id, t.claimed, t.redeemed ORDER BY c.id LIMIT %(limit)s
"""  # noqa: S608  # composed of constants


class LowRedemption:
    """R68: too few of the claimed ones are used, once there is enough to judge by."""

    key: ClassVar[str] = "low_redemption"
    label: ClassVar[Text] = _("Redemption rate too low")
    rule: ClassVar[Text] = _("%(measured)s%% of what was claimed had been redeemed; below %(limit)s%% issuing stops.")
    message: ClassVar[str] = "ERR_COUPON_LOW_REDEMPTION"

    def find(self, *, among: Collection[int] | None, limit: int, now: datetime) -> list[Finding]:
        """One query. A coupon that somebody resumed after a report is judged again when the look back is over, by what came after."""
        rules = policies.active(EffectWatchRules, now)
        given = {
            "now": now,
            "among": list(among) if among is not None else None,
            "young": now - timedelta(hours=rules.min_age_hours),
            "claims": rules.min_claims,
            "percent": rules.redemption_percent,
            "limit": limit,
        }
        with connection.cursor() as cursor:
            cursor.execute(_LOW, given)
            rows = cursor.fetchall()
        return [
            Finding(
                pk,
                self.key,
                (Decimal(uses) * 100 / claims).quantize(Decimal("0.1")),
                rules.redemption_percent,
                since,
                claimed,
                redeemed,
                _policy(rules),
            )
            for pk, claims, uses, since, claimed, redeemed in rows
        ]


class AddressStorm:
    """R69: one address claimed more than the limit within the window. Claiming refuses it and keeps the refusal, which this reads."""

    key: ClassVar[str] = "address_storm"
    label: ClassVar[Text] = _("Too many claims from one address")
    rule: ClassVar[Text] = _(
        "One address had claimed %(measured)s times within the hour; more than %(limit)s stop the issuing."
    )
    message: ClassVar[str] = "ERR_COUPON_ADDRESS_STORM"

    def find(self, *, among: Collection[int] | None, limit: int, now: datetime) -> list[Finding]:
        """One query. Nothing where the policy refuses the address only."""
        rules = policies.active(CouponRules, now)
        if rules.velocity_effect != "pause":
            return []
        given = {
            "among": list(among) if among is not None else None,
            "recent": now - timedelta(seconds=2 * rules.velocity_seconds),
            "limit": limit,
        }
        with connection.cursor() as cursor:
            cursor.execute(_STORM, given)
            rows = cursor.fetchall()
        most = Decimal(rules.velocity_claims)
        return [
            Finding(pk, self.key, Decimal(claims or 0), most, since, claimed, redeemed, _policy(rules))
            for pk, claims, since, claimed, redeemed in rows
        ]


register(LowRedemption())
register(AddressStorm())
