"""Stores."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from django.utils.translation import gettext as _

import policies
from accounts import penalties
from accounts.models import Penalty, Store
from accounts.stores import owners_of, state_of
from api.fields import write_moment
from audit.actors import Actor
from campaigns.entry import obstacles
from campaigns.guards import Finding
from core import clock, display, money
from core.errors import Conflict
from core.scopes import in_store
from coupons import eligibility
from finance import deposits
from finance.models import DepositAccount, DepositEntry
from listings.gates import RIGHT_OF, Act, ensure_store_may
from listings.models import StoreProfile
from policies.rules import PenaltyRules
from publishing.models import Site


def own_store(store: Store, actor: Actor) -> dict[str, Any]:
    """The store of the token, inside its scope: a constant number of queries."""
    profile = StoreProfile.objects.filter(store_id=store.pk).select_related("main_category").first() or StoreProfile()
    now = clock.now()
    closed = obstacles(store, now=now)
    accounts = list(deposits.accounts_of(store))
    owed = {row.currency: row.arrears for row in accounts if row.arrears > 0}
    balances = [_balance(row) for row in accounts]
    return {
        "slug": store.slug,
        "name": store.name,
        "name_zh": store.name_zh,
        "entity": store.entity,
        "kyc": store.kyc,
        "account_state": store.account_state,
        "decoration": {
            "logo": bool(profile.logo),
            "banner": bool(profile.banner),
            "main_category": profile.main_category.code if profile.main_category else None,
            "waived": profile.decoration_waived,
            "complete": "ERR_STORE_UNDECORATED" not in closed,
        },
        "deposit": {"in_arrears": bool(owed), "balances": balances},
        "penalties": ledger(store, now),
        "currency": store.currency,
        "time_zone": store.time_zone,
        "opened_at": write_moment(store.opened_at),
        "sites": _sites(store),
        "capabilities": _capabilities(store, closed, _debts(owed), actor),
        "version": store.version,
    }


def _balance(account: DepositAccount) -> dict[str, str]:
    currency = account.currency
    sums = {name: money.text(getattr(account, name), currency) for name in ("charged", "paid", "arrears")}
    return {"currency": currency, **sums}


def ledger(store: Store, now: datetime) -> dict[str, Any]:
    """The penalty ledger of a store, inside its scope: the newest lines, all points, the end of a block (two queries)."""
    standing = penalties.standing_of(store, now)
    size = policies.active(PenaltyRules, now).page_size
    return {
        "points": standing.points,
        "enrolment_blocked_until": write_moment(standing.blocked_until),
        "items": [penalty(row) for row in penalties.ledger_of(store).order_by("-id")[:size]],
    }


def penalty(row: Penalty) -> dict[str, Any]:
    """A line of the ledger."""
    return {
        "id": row.pk,
        "kind": row.kind,
        "days": row.days,
        "points": row.points,
        "reason": row.reason,
        "issued_at": write_moment(row.issued_at),
        "until": write_moment(row.until),
        "policy": row.policy,
    }


def penalty_issued(store: Store, row: Penalty) -> dict[str, Any]:
    """A new penalty and how the store stands after it, inside its scope."""
    standing = penalties.standing_of(store, clock.now())
    return penalty(row) | {
        "points_total": standing.points,
        "enrolment_blocked_until": write_moment(standing.blocked_until),
        "account_state": store.account_state,
    }


def deposit_move(entry: DepositEntry) -> dict[str, Any]:
    """A charge or payment."""
    return {
        "id": entry.pk,
        "kind": entry.kind,
        "at": write_moment(entry.at),
        "amount": money.text(entry.amount, entry.currency),
        "currency": entry.currency,
        "arrears": money.text(entry.arrears, entry.currency),
        "note": entry.note,
    }


def staff_store(store: Store) -> dict[str, Any]:
    """A store for platform staff, opening its scope."""
    with in_store(store.pk):
        sites = _sites(store)
    return {
        "slug": store.slug,
        "name": store.name,
        "name_zh": store.name_zh,
        **state_of(store),
        "owners": owners_of(store),
        "currency": store.currency,
        "time_zone": store.time_zone,
        "sites": sites,
        "version": store.version,
    }


def _sites(store: Store) -> list[dict[str, str]]:
    rows = Site.objects.filter(store_id=store.pk, is_active=True).order_by("id")
    return [{"code": site.code, "language": site.language, "currency": site.currency} for site in rows]


def _debts(owed: Mapping[str, Decimal]) -> list[dict[str, str]]:
    amounts = display.series(display.money(amount, currency) for currency, amount in owed.items())
    words = _("The store owes marketing deposit: %(amounts)s.") % {"amounts": amounts}
    return [{"code": "ERR_CLOSE_DEPOSIT_ARREARS", "detail": words}] if owed else []


def _capabilities(
    store: Store, closed: Mapping[str, Finding], debts: list[dict[str, str]], actor: Actor
) -> list[dict[str, Any]]:
    """What is open to the store, or why not. A block of the enrolment right stops no close; debts stop a cancel only."""
    reasons = [{"code": code, "detail": str(finding.detail)} for code, finding in closed.items()]
    standing = [reason for reason in reasons if reason["code"] != "ERR_ENROLMENT_BLOCKED"]
    rows = [
        {"capability": "campaigns", "allowed": not reasons, "reasons": reasons},
        {"capability": "campaigns.pause", "allowed": not standing, "reasons": standing},
        {"capability": "campaigns.cancel", "allowed": not (standing or debts), "reasons": [*standing, *debts]},
    ]
    gate = [{"code": row.code, "detail": str(row.detail)} for row in eligibility.of(store, now=clock.now()).blocked]
    rows.append({"capability": "coupons", "allowed": not gate, "reasons": gate})
    for act in RIGHT_OF:
        why = _closed(store, act, actor)
        rows.append({"capability": f"listings.{act}", "allowed": not why, "reasons": why})
    return rows


def _closed(store: Store, act: Act, actor: Actor) -> list[dict[str, str]]:
    try:
        ensure_store_may(store, act, actor=actor, now=clock.now())
    except Conflict as refusal:
        return [{"code": refusal.code, "detail": str(refusal.detail)}]
    return []
