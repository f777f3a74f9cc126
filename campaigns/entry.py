"""Who may enter campaigns at all: account normal, KYC done, store decorated, enrolment right not blocked (R24, R27, R28, R171)."""

from __future__ import annotations

from datetime import datetime

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

import policies
from accounts.models import Store
from accounts.penalties import Standing, standing_of
from audit.actors import system
from campaigns import guards, house_guards
from campaigns.outcomes import Fix, Text
from core import clock, display
from core.errors import Conflict
from policies.rules import GuardRules

_CHECKS = (
    ("ERR_ACCOUNT_STATE", lambda case: house_guards.account_finding(case.facts, case.store)),
    ("ERR_KYC", lambda case: house_guards.kyc_finding(case.facts, case.store)),
    ("ERR_STORE_UNDECORATED", lambda case: house_guards.decoration_finding(case.facts, case.store)),
)
#: What `obstacles` looks at, and how a reader calls each when nothing is in the way.
CHECKS: dict[str, Text] = {
    "ERR_ACCOUNT_STATE": gettext_lazy("Account in normal operation"),
    "ERR_KYC": gettext_lazy("Identity verified (KYC)"),
    "ERR_STORE_UNDECORATED": gettext_lazy("Store decorated: logo, banner, main category"),
    "ERR_ENROLMENT_BLOCKED": gettext_lazy("Enrolment right not blocked"),
}


def eligibility(store: Store, *, now: datetime) -> dict[str, guards.Finding]:
    """What keeps the store from acting on campaigns, closing them included, by code; empty when nothing does (one query)."""
    case = guards.Case(store, (), "resume", system(), now)
    found = {code: look(case) for code, look in _CHECKS}
    return {code: finding for code, finding in found.items() if finding is not None}


def obstacles(store: Store, *, now: datetime) -> dict[str, guards.Finding]:
    """What keeps the store from creating or submitting campaigns, by code; empty when nothing does (two queries).

    A block of the enrolment right keeps nobody from pausing or cancelling (R28).
    """
    found = eligibility(store, now=now)
    blocked = block_finding(store, standing_of(store, now))
    return found if blocked is None else found | {"ERR_ENROLMENT_BLOCKED": blocked}


def block_finding(store: Store, standing: Standing) -> guards.Finding | None:
    """What a penalty forbids, if anything: until when the store may not enrol."""
    if standing.blocked_until is None:
        return None
    moment = display.sentence(standing.blocked_until, display.zone(store.time_zone))
    return guards.Finding(
        _("The enrolment right is blocked until %(moment)s by a penalty.") % {"moment": moment},
        {"blocked_until": clock.rfc3339(standing.blocked_until)},
        Fix(gettext_lazy("See the penalties"), reverse("campaigns:standing", kwargs={"store": store.slug})),
    )


def ensure_may_enter(store: Store, *, now: datetime) -> None:
    """Raise Conflict with every obstacle in `blockers`, under the code of the first."""
    found = obstacles(store, now=now)
    if not found:
        return
    policy = policies.active(GuardRules, now).title
    blockers = [
        {
            "code": code,
            "status": "blocked",
            "title": str(CHECKS[code]),
            "detail": str(finding.detail),
            "evidence": dict(finding.evidence),
            "fix": {"label": str(finding.fix.label), "url": finding.fix.url} if finding.fix else None,
            "policy": policy,
        }
        for code, finding in found.items()
    ]
    detail = _("Campaigns are closed to this store for now: %(why)s") % {
        "why": " ".join(str(finding.detail) for finding in found.values())
    }
    raise Conflict(next(iter(found)), detail, blockers=blockers)
