"""店铺资格与处罚: whether campaigns are open to the store, and its penalty ledger (R24, R27, R28, R171)."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _now

import policies
from accounts import penalties
from accounts.requests import StoreRequest
from accounts.rights import member
from campaigns import guards
from campaigns.entry import CHECKS, obstacles
from campaigns.outcomes import GuardRow
from campaigns.views.guard_rows import rows_of
from core import clock, keyset
from core.errors import DomainError
from core.returning import back_of
from policies.rules import PenaltyRules


@member
def standing(request: StoreRequest, store: str) -> HttpResponse:
    """Every member may read it: who is refused should see why."""
    now, rows = clock.now(), penalties.ledger_of(request.store)
    rules = policies.active(PenaltyRules, now)
    try:
        found = keyset.page(rows, cursor=request.GET.get("cursor", ""), size=rules.page_size)
    except DomainError:
        found = keyset.page(rows, size=rules.page_size)
    closed = obstacles(request.store, now=now)
    lines = [_row(code, closed.get(code)) for code in CHECKS]
    context = {
        "guards": rows_of(lines, here=request.path, request=request),
        "standing": penalties.standing_of(request.store, now),
        "rules": rules,
        "pages": found,
        "back": back_of(request, f"/s/{request.store.slug}/"),
    }
    return render(request, "campaigns/standing.html", context)


def _row(code: str, finding: guards.Finding | None) -> GuardRow:
    if finding is None:
        return GuardRow(code, "passed", CHECKS[code], _now("Nothing in the way."))
    fix = finding.fix if finding.fix and "/standing/" not in finding.fix.url else None
    return GuardRow(code, "blocked", CHECKS[code], finding.detail, finding.evidence, fix)
