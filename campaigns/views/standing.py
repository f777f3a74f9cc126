"""店铺资格与处罚: whether campaigns are open to the store, and its penalty ledger (R24, R27, R28, R171)."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render

import policies
from accounts import penalties
from accounts.requests import StoreRequest
from accounts.rights import member
from campaigns import guards
from campaigns.entry import block_finding
from campaigns.outcomes import GuardRow
from campaigns.views.checklist import rows_of
from core import clock, keyset
from core.errors import DomainError
from core.returning import back_of
from policies.rules import PenaltyRules

SHOWN = frozenset({"ERR_ACCOUNT_STATE", "ERR_KYC", "ERR_STORE_UNDECORATED"})


@member
def standing(request: StoreRequest, store: str) -> HttpResponse:
    """Every member may read it: who is refused should see why."""
    now, rows = clock.now(), penalties.ledger_of(request.store)
    rules = policies.active(PenaltyRules, now)
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        found = keyset.page(rows, size=rules.page_size)
    held = penalties.standing_of(request.store, now)
    checks = guards.store_rows(guards.Case(request.store, (), "cancel", request.actor, now), SHOWN)
    blocked = block_finding(request.store, held)
    context = {
        "guards": rows_of([*checks, _enrolment_row(blocked, rules)], here=request.path),
        "standing": held,
        "rules": rules,
        "penalties": found.rows,
        "pages": found,
        "now": now,
        "back": back_of(request, f"/s/{request.store.slug}/"),
    }
    return render(request, "campaigns/standing.html", context)
