"""So often and no oftener: counters that are taken before the work is done, by one atomic statement each (bench 28).

Of any number of parallel tries exactly the limit passes. Keys are keyed hashes: the table tells nobody which account was tried.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import connection
from django.db.models import F
from django.http import HttpRequest, HttpResponseBase
from django.utils.crypto import get_random_string, salted_hmac
from django.utils.translation import gettext_lazy as _

from accounts.models import RateCounter
from accounts.requests import client_ip
from core import clock
from core.errors import DomainError
from policies import active
from policies.rules import SignInRules

_HOUR = 3600
_TAKE = """
INSERT INTO accounts_ratecounter AS held (key, taken, ends_at) VALUES (%(key)s, 1, %(ends)s)
ON CONFLICT (key) DO UPDATE SET
  taken = CASE WHEN held.ends_at <= %(now)s THEN 1 ELSE held.taken + 1 END,
  ends_at = CASE WHEN held.ends_at <= %(now)s THEN EXCLUDED.ends_at ELSE held.ends_at END
WHERE held.ends_at <= %(now)s OR held.taken < %(limit)s
RETURNING taken
"""


class TooMany(DomainError):
    """429 with the seconds to wait."""

    def __init__(self, wait: int) -> None:
        detail = _("Too many tries. Wait %(seconds)s seconds and try again.") % {"seconds": wait}
        super().__init__(code="ERR_RATE_LIMIT", detail=detail, status=429, retry_after=wait)


@dataclass(frozen=True, slots=True)
class Budget:
    """`limit` tries of `key` in `window` seconds."""

    key: str
    limit: int
    window: int


@dataclass
class Taken:
    """What an attempt used up; given back when the attempt turns out to be honest."""

    keys: list[str] = field(default_factory=list)

    def give_back(self) -> None:
        """As if the attempt had not been made."""
        for key in self.keys:
            RateCounter.objects.filter(key=key, taken__gt=0).update(taken=F("taken") - 1)
        self.keys.clear()


def hashed(*parts: str) -> str:
    """A keyed hash for a counter's name."""
    return salted_hmac("accounts.limits", "\0".join(parts), algorithm="sha256").hexdigest()[:40]


def take_one(budget: Budget, now: datetime) -> int:
    """Count one try; answers which try of the window it is, or 0 when the budget is used up."""
    values: dict[str, str | int | datetime] = {
        "key": budget.key,
        "now": now,
        "ends": now + timedelta(seconds=budget.window),
        "limit": budget.limit,
    }
    with connection.cursor() as cursor:
        cursor.execute(_TAKE, values)
        row: tuple[Any, ...] | None = cursor.fetchone()
    return int(row[0]) if row else 0


def take(budgets: Sequence[Budget], now: datetime | None = None) -> Taken:
    """Count one try of each budget, all or none. Raises TooMany with the longest wait."""
    moment = now or clock.now()
    taken = Taken()
    for budget in budgets:
        if take_one(budget, moment):
            taken.keys.append(budget.key)
        else:
            taken.give_back()
            raise TooMany(_wait(budget.key, moment))
    return taken


def _wait(key: str, now: datetime) -> int:
    ends = RateCounter.objects.filter(key=key).values_list("ends_at", flat=True).first()
    return max(1, math.ceil((ends - now).total_seconds())) if ends else 1


def tidy(now: datetime) -> int:
    """Forget counters whose window is over; answers how many."""
    gone, _by_model = RateCounter.objects.filter(ends_at__lte=now).delete()
    return gone


# -- sign-in -----------------------------------------------------------------------------------------------------------------


def network_of(request: HttpRequest) -> str:
    """The client's address; of IPv6 its /64, which one household has to itself."""
    address = client_ip(request)
    with suppress(ValueError):
        return str(ip_network(f"{address}/64" if ":" in address else address, strict=False))
    return "none"


def account_of(email: str) -> str:
    """The account that an e-mail names, hashed."""
    return hashed("who", email.strip().lower())


def begin_sign_in(request: HttpRequest, email: str) -> Taken:
    """Count a password about to be tried, before it reaches the hasher. Raises TooMany.

    A device that signed in to this account before has a budget of its own, so that nobody else's tries can lock its owner out.
    Others share budgets by account and address, by account, by address, and by how many accounts an address tries.
    """
    now = clock.now()
    rules = active(SignInRules, now)
    who, where = account_of(email), hashed("where", network_of(request))
    device = known_device(request, who)
    if device:
        return take([Budget(f"device:{hashed(device, who)}", rules.attempts_per_account, rules.account_window)], now)
    taken = take(
        [
            Budget(f"pair:{hashed(who, where)}", rules.attempts_per_account, rules.account_window),
            Budget(f"account:{who}", rules.account_anywhere, rules.account_anywhere_window),
            Budget(f"address:{where}", rules.attempts_per_address, rules.address_window),
        ],
        now,
    )
    # The same account again from the same address is not another account.
    seen = Budget(f"seen:{hashed(who, where)}", rules.account_anywhere, _HOUR)
    if take_one(seen, now) == 1:
        taken.keys.append(seen.key)
        try:
            taken.keys += take([Budget(f"accounts:{where}", rules.accounts_per_address, _HOUR)], now).keys
        except TooMany:
            taken.give_back()
            raise
    return taken


def begin_reset(request: HttpRequest, email: str) -> Taken:
    """Count a password mail asked for. Raises TooMany.

    Mails to one account are counted wherever they are asked for, so that no crowd of addresses floods somebody's letter box. A device
    that signed in to the account before has a count of its own: nobody else's asking can keep its owner from a mail.
    """
    now = clock.now()
    rules = active(SignInRules, now)
    who, where = account_of(email), hashed("where", network_of(request))
    device = known_device(request, who)
    return take(
        [
            Budget(f"reset:{hashed(device, who) if device else who}", rules.resets_per_account, _HOUR),
            Budget(f"resets:{where}", rules.resets_per_address, _HOUR),
        ],
        now,
    )


def begin_for_user(user_id: int) -> Taken:
    """Count a password that somebody signed in types again. Raises TooMany."""
    rules = active(SignInRules, clock.now())
    return take([Budget(f"again:{hashed('user', str(user_id))}", rules.attempts_per_account, rules.account_window)])


def device_cookie() -> str:
    """The cookie's name: with the prefix, or the port, of the session's."""
    return f"{settings.SESSION_COOKIE_NAME.removesuffix('_session')}_device"


def _signer() -> signing.TimestampSigner:
    return signing.TimestampSigner(salt="accounts.device")


def known_device(request: HttpRequest, who: str) -> str:
    """The device's own id when it signed in to this account before; otherwise empty."""
    days = active(SignInRules, clock.now()).device_days
    try:
        value = _signer().unsign(request.COOKIES.get(device_cookie(), ""), max_age=days * 86400)
    except signing.BadSignature:
        return ""
    owner, _colon, device = value.partition(":")
    return device if owner == who else ""


def remember_device(response: HttpResponseBase, email: str) -> None:
    """Let this device be known again at the next sign-in."""
    days = active(SignInRules, clock.now()).device_days
    value = _signer().sign(f"{account_of(email)}:{get_random_string(22)}")
    response.set_cookie(
        device_cookie(),
        value,
        max_age=days * 86400,
        httponly=True,
        samesite="Lax",
        secure=settings.SESSION_COOKIE_SECURE,
    )
