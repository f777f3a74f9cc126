"""Who may enter campaigns at all: account normal, KYC done, store decorated (R24, R27, R171)."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import Store
from audit.actors import system
from campaigns import guards, house_guards
from core.errors import Conflict

_CHECKS = (
    ("ERR_ACCOUNT_STATE", lambda case: house_guards.account_finding(case.facts)),
    ("ERR_KYC", lambda case: house_guards.kyc_finding(case.facts)),
    ("ERR_STORE_UNDECORATED", lambda case: house_guards.decoration_finding(case.facts, case.store)),
)


def obstacles(store: Store, *, now: datetime) -> dict[str, guards.Finding]:
    """What keeps the store from creating or submitting campaigns, by code; empty when nothing does (one query)."""
    case = guards.Case(store, (), "resume", system(), now)
    found = {code: look(case) for code, look in _CHECKS}
    return {code: finding for code, finding in found.items() if finding is not None}


def ensure_may_enter(store: Store, *, now: datetime) -> None:
    """Raise Conflict with every obstacle in `blockers`, under the code of the first."""
    found = obstacles(store, now=now)
    if not found:
        return
    blockers = [
        {
            "code": code,
            "status": "blocked",
            "detail": str(finding.detail),
            "evidence": dict(finding.evidence),
            "fix": {"label": str(finding.fix.label), "url": finding.fix.url} if finding.fix else None,
        }
        for code, finding in found.items()
    ]
    detail = _("Campaigns are closed to this store for now: %(why)s") % {
        "why": " ".join(str(finding.detail) for finding in found.values())
    }
    raise Conflict(next(iter(found)), detail, blockers=blockers)
