"""Bulk pause, resume and cancel: the codes frozen at the start, an answer per row, one refusal stops no other (experience.md §3.3).

Rows go through the same path as single acts, many to a transaction. A batch that fails for a fault is tried again row by row, so that
the fault is pinned to its row.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

import policies
from accounts.models import Store, User
from accounts.rights import check
from audit.actors import Actor
from campaigns import guards, stopping
from campaigns.models import BulkJob, Campaign, CampaignState
from campaigns.outcomes import RowOutcome
from campaigns.retrying import retried
from core import clock, codes
from core.errors import DomainError, FieldError, InvalidInput
from policies.rules import ClosingRules

logger = logging.getLogger(__name__)

ACTIONS = ("pause", "resume", "cancel")


def run(
    store: Store,
    action: str,
    wanted: Sequence[str],
    *,
    reason: str = "",
    note: str = "",
    confirm_count: int | None = None,
    actor: Actor,
    now: datetime | None = None,
) -> BulkJob:
    """Act on many campaigns; answers the job with a result per code: `done`, `refused` (by a rule) or `failed` (by a fault).

    A cancel needs `confirm_count`, the number of campaigns as a person typed it, and takes at most `bulk_cancel_max` of them.
    Raises InvalidInput for a wrong count or too many, PermissionRefused without the right.
    """
    moment = now or clock.now()
    chosen = list(dict.fromkeys(codes.normalise(code) or code for code in wanted))
    _check_request(action, chosen, confirm_count, moment)
    check(actor, store, guards.RIGHTS[action], now=moment)
    job = BulkJob.objects.create(
        store=store,
        action=action,
        reason=reason[:40],
        codes=chosen,
        created_by=User.objects.filter(pk=actor.id).first() if actor.id is not None else None,
        created_at=moment,
    )
    command = stopping.command_of(store, action, actor, moment, reason, note)
    size = policies.active(ClosingRules, moment).bulk_batch
    for start in range(0, len(chosen), size):
        job.results += [outcome.as_dict() for outcome in _batch(command, chosen[start : start + size])]
        job.save(update_fields=["results"])
    job.finished_at = clock.read()
    job.save(update_fields=["finished_at"])
    return job


def stop_all(
    store: Store, *, reason: str, note: str = "", confirm_count: int, actor: Actor, now: datetime | None = None
) -> BulkJob:
    """Pause every running campaign of the store with one reason; `confirm_count` is how many the person saw."""
    live = Campaign.objects.filter(store_id=store.pk, state=CampaignState.RUNNING).order_by("id")
    return run(
        store,
        "pause",
        list(live.values_list("code", flat=True)),
        reason=reason,
        note=note,
        confirm_count=confirm_count,
        actor=actor,
        now=now,
    )


def _check_request(action: str, chosen: Sequence[str], confirm_count: int | None, now: datetime) -> None:
    rules = policies.active(ClosingRules, now)
    errors = []
    if action not in ACTIONS:
        errors.append(
            FieldError("action", "ERR_BULK_ACTION", _("Bulk knows: %(actions)s.") % {"actions": ", ".join(ACTIONS)})
        )
    if not chosen:
        errors.append(FieldError("codes", "ERR_REQUIRED", _("Choose at least one campaign.")))
    most = rules.bulk_cancel_max if action == "cancel" else rules.bulk_max
    if len(chosen) > most:
        words = _("At most %(most)s campaigns at once; these are %(given)s.") % {"most": most, "given": len(chosen)}
        errors.append(FieldError("codes", "ERR_BULK_LIMIT", words))
    counted = confirm_count is not None or action == "cancel"
    if counted and confirm_count != len(chosen):
        words = _("Type how many campaigns this is about: %(n)s.") % {"n": len(chosen)}
        errors.append(FieldError("confirm_count", "ERR_CONFIRM_COUNT", words))
    if errors:
        raise InvalidInput(str(errors[0].message), errors, code=errors[0].code)


def _batch(command: stopping.Command, wanted: Sequence[str]) -> list[RowOutcome]:
    try:
        return _in_savepoint(command, wanted)
    except Exception:
        logger.exception("a bulk %s of %s campaigns failed; trying them one by one", command.action, len(wanted))
    outcomes = []
    for code in wanted:
        try:
            outcomes += _in_savepoint(command, [code])
        except Exception:
            logger.exception("bulk %s of %s failed", command.action, code)
            outcomes.append(RowOutcome(code, "failed", _fault()))
    return outcomes


def _in_savepoint(command: stopping.Command, wanted: Sequence[str]) -> list[RowOutcome]:
    def once() -> list[RowOutcome]:
        with transaction.atomic():
            return stopping.act(command, wanted)

    return retried(once)


def _fault() -> DomainError:
    return DomainError("ERR_INTERNAL", _("Something went wrong on our side; nothing was changed."), status=500)
