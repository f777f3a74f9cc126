"""Guards: all run together and answer as a checklist, each with evidence, the way to mend it and the policy that says so (R20-R33).

A guard looks at many campaigns of one store at once, so that a bulk act and the herd at a common end cost as many queries as one campaign.
What a failing guard does to a pause or to a cancel is policy (`GuardRules`); a guard that raises or runs out of time is `unknown`.

A new guard: a function here or in a module of its own, marked with `@guard`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _now

import policies
from accounts.models import Store
from audit.actions import declare
from audit.actors import Actor
from campaigns.impact import forecast
from campaigns.models import Campaign
from campaigns.outcomes import CloseCheck, Fix, GuardRow, Impact, Text
from campaigns.patience import Patience
from core import clock
from policies.rules import GuardRules

logger = logging.getLogger(__name__)

STOPPING = ("pause", "cancel")
ALL_ACTIONS = ("pause", "cancel", "resume", "take_back")
RIGHTS = {
    "pause": "campaigns.pause",
    "resume": "campaigns.pause",
    "cancel": "campaigns.cancel",
    "take_back": "campaigns.cancel",
}

#: What the verbs check by themselves, each with its own answer (403, 423, 409), before the guards run.
CHECKED_BY_VERBS = frozenset({"ERR_PERMISSION", "ERR_OPERATION_LOCKED", "ERR_VERSION_CONFLICT", "ERR_STATE"})


@dataclass(frozen=True)
class Case:
    """What guards look at: campaigns of one store, the action, who asks, when; `versions` is what the asker read, by campaign id.

    `only_skus`: the items that alone are to close (R4); empty for whole campaigns.
    """

    store: Store
    campaigns: Sequence[Campaign]
    action: str
    actor: Actor
    now: datetime
    versions: Mapping[int, int] = field(default_factory=dict)
    only_skus: tuple[int, ...] = ()

    @cached_property
    def facts(self) -> Mapping[str, Any]:
        """The store as it stands in the database at this moment: account, KYC, decoration (one query)."""
        return Store.objects.values(
            "account_state",
            "kyc",
            "profile__logo",
            "profile__banner",
            "profile__main_category_id",
            "profile__decoration_waived",
        ).get(pk=self.store.pk)

    def all_alike(self, finding: Finding | None) -> dict[int, Finding]:
        """The same finding for every campaign, or none at all."""
        return {} if finding is None else {campaign.pk: finding for campaign in self.campaigns}


@dataclass(frozen=True, slots=True)
class Finding:
    """What a guard found about one campaign. `status`: `failed` (policy decides what that does), `warning`, or `passed` with evidence."""

    detail: Text
    evidence: Mapping[str, Any] = field(default_factory=dict)
    fix: Fix | None = None
    status: str = "failed"


Evaluate = Callable[[Case], Mapping[int, Finding]]


@dataclass(frozen=True, slots=True)
class Guard:
    """One registered guard. `queries`: it reads the database, so it runs behind a savepoint and a time limit. `by_action`: what it finds
    depends on the action.
    """

    code: str
    title: Text
    evaluate: Evaluate
    actions: tuple[str, ...] = STOPPING
    queries: bool = True
    only_failing: bool = False
    by_action: bool = False


_guards: dict[str, Guard] = {}


def guard(
    code: str,
    title: Text,
    *,
    actions: tuple[str, ...] = STOPPING,
    queries: bool = True,
    only_failing: bool = False,
    by_action: bool = False,
) -> Callable[[Evaluate], Evaluate]:
    """Register a guard: a function from a Case to findings by campaign id; campaigns it leaves out pass.

    `only_failing` keeps a passed line off the checklist; `by_action` has it look anew for each action. Raises RuntimeError when the code
    has a guard already.
    """

    def register(evaluate: Evaluate) -> Evaluate:
        if code in _guards:
            raise RuntimeError(f"guard {code} is registered twice")
        _guards[code] = Guard(code, title, evaluate, actions, queries, only_failing, by_action)
        declare("campaign", {}, values={"guards": {code: title}, "warnings": {code: title}})  # its words in the record
        return evaluate

    return register


def registered() -> tuple[Guard, ...]:
    """Every guard, in the order of the checklist."""
    return tuple(_guards.values())


def evaluate(case: Case, *, skip: frozenset[str] = frozenset()) -> dict[int, tuple[GuardRow, ...]]:
    """Run every guard of the action over all campaigns of the case; answers the checklist by campaign id.

    The number of queries does not depend on the number of campaigns. Must run inside a transaction when a guard reads.
    """
    return evaluate_for(case, [case.action], skip=skip)[case.action]


def evaluate_for(
    case: Case, actions: Sequence[str], *, skip: frozenset[str] = frozenset()
) -> dict[str, dict[int, tuple[GuardRow, ...]]]:
    """The checklists of several actions, by action. What a guard found counts for all of them, unless it looks at the action; so a guard
    is run, and waited for, once. All together take less than twice the policy's `evidence_timeout`.
    """
    rules = policies.active(GuardRules, case.now)
    cases = {action: case if action == case.action else replace(case, action=action) for action in actions}
    rows: dict[str, dict[int, list[GuardRow]]] = {
        action: {campaign.pk: [] for campaign in case.campaigns} for action in actions
    }
    patience = Patience(rules.evidence_timeout)
    with transaction.atomic(), patience.held():
        for one in registered():
            wanted = [action for action in actions if action in one.actions and one.code not in skip]
            findings: Mapping[int, Finding] | None = {}
            for number, action in enumerate(wanted):
                if number == 0 or one.by_action:
                    findings = _run(one, cases[action], patience)
                for campaign in case.campaigns:
                    found = None if findings is None else findings.get(campaign.pk)
                    row = _row(one, cases[action], rules, found, findings is None)
                    if row.status != "passed" or not one.only_failing:
                        rows[action][campaign.pk].append(row)
    return {action: {pk: tuple(found) for pk, found in by_id.items()} for action, by_id in rows.items()}


def _run(one: Guard, case: Case, patience: Patience) -> Mapping[int, Finding] | None:
    """The guard's findings; None when it could not be evaluated."""
    try:
        if not one.queries:
            return one.evaluate(case)
        with patience.turn(), transaction.atomic(), patience.watched():
            return one.evaluate(case)
    except Exception:
        logger.exception("guard %s could not be evaluated for store %s", one.code, case.store.pk)
        return None


def _row(one: Guard, case: Case, rules: GuardRules, finding: Finding | None, unknown: bool) -> GuardRow:
    if unknown:
        blocks = rules.effect(one.code, case.action, unknown=True) == "blocked"
        detail = (
            _now("This could not be checked just now; while the answer is unknown, it stands in the way.")
            if blocks
            else _now("This could not be checked just now, so the answer is unknown; it does not stand in the way.")
        )
        return GuardRow(one.code, "unknown", one.title, detail, policy=rules.title, blocks=blocks, cited=rules.cited)
    if finding is None:
        return GuardRow(
            one.code, "passed", one.title, _now("Nothing in the way."), policy=rules.title, cited=rules.cited
        )
    status = rules.effect(one.code, case.action) if finding.status == "failed" else finding.status
    return GuardRow(
        one.code,
        status,
        one.title,
        finding.detail,
        finding.evidence,
        finding.fix if status != "passed" else None,
        rules.title,
        blocks=status == "blocked",
        cited=rules.cited,
    )


def close_check(
    store: Store,
    campaign: Campaign,
    action: str,
    *,
    actor: Actor,
    now: datetime | None = None,
    version: int | None = None,
) -> CloseCheck:
    """The checklist of one campaign before `pause` or `cancel`, with the impact; changes nothing and takes no lock (R33).

    A constant number of queries, however many items the campaign has.
    """
    return close_checks(store, campaign, [action], actor=actor, now=now, version=version)[action]


def close_checks(
    store: Store,
    campaign: Campaign,
    actions: Sequence[str],
    *,
    actor: Actor,
    now: datetime | None = None,
    version: int | None = None,
) -> dict[str, CloseCheck]:
    """The checklists of several actions at once, by action, from one look at the evidence; see `close_check`."""
    moment = now or clock.now()
    versions = {} if version is None else {campaign.pk: version}
    case = Case(store, [campaign], actions[0], actor, moment, versions)
    checklists = evaluate_for(case, actions)
    impact = forecast([campaign]).get(campaign.pk, Impact())
    return {
        action: CloseCheck(action, not any(row.blocks for row in rows[campaign.pk]), rows[campaign.pk], impact)
        for action, rows in checklists.items()
    }
