"""Close when clear: a refused pause or cancel waits until nothing stands in its way, then acts or asks.

A parked close is looked at every `park_look` seconds, all that are due at once: the guards of a store's parked closes run together, and
what is clear goes through the one path of every stop, under the name and with the rights that the person holds at that moment. A parked
cancel is still held after it acts, and can be taken back. Nothing waits longer than its campaign lasts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from django.db import OperationalError, transaction
from django.utils import translation
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check
from audit.actors import Actor, ActorKind, system
from audit.record import Entry, record, record_many
from audit.verbs import about, verb
from campaigns import finding, guards, stopping
from campaigns.batches import Faulty
from campaigns.caps import refused_by_cap
from campaigns.edges import sources
from campaigns.finding import target
from campaigns.house_guards import OVER, TRANSITIONS
from campaigns.models import Campaign, ParkedClose, ParkedState
from campaigns.outcomes import GuardRow, RowOutcome
from core import clock, codes
from core.errors import Conflict, FieldError, InvalidInput, NotFound
from core.scopes import in_store
from inbox.send import Note, send_many
from policies.rules import ClosingRules

P = ParkedState
ACTOR = system("system:parked")
#: What the sweep's refusals are said in; the record and the API keep them so, readers of another language read the title of the code.
LANGUAGE = "en"
#: What never clears by itself: waiting for it would only pretend.
HOPELESS = frozenset({"ERR_CLOSE_ENDED", "ERR_STATE", "ERR_PERMISSION"})
#: What a later look may find otherwise, beside the guards.
PASSING = frozenset({"ERR_OPERATION_LOCKED"})
WORDS = {P.CLEAR: "clear", P.REFUSED: "refused", P.EXPIRED: "expired", P.OVERTAKEN: "overtaken"}
MESSAGES = {
    P.CLEAR: "ERR_PARKED_CLEAR", P.DONE: "ERR_PARKED_DONE", P.REFUSED: "ERR_PARKED_REFUSED", P.EXPIRED: "ERR_PARKED_EXPIRED",
}  # fmt: skip


# -- what people do ----------------------------------------------------------------------------------------------------------


@verb("campaign.park")
def park(
    store: Store,
    code: str,
    *,
    action: str,
    then: str,
    reason: str = "",
    note: str = "",
    freeze_claimed: bool = False,
    confirm_code: str = "",
    version: int | None = None,
    actor: Actor,
    now: datetime,
) -> ParkedClose:
    """Let a refused `action` (pause, cancel) wait; `then` says whether it acts or asks when the way is clear.

    A cancel needs the campaign's own code, as always. Raises what a stop raises for right, code and version; Conflict ERR_PARK_CLEAR when
    nothing stands in the way, ERR_PARKED_ALREADY when one waits already, and the guard's own code for what never clears by itself.
    """
    if action not in guards.STOPPING or then not in ParkedClose.Then.values:
        field = "action" if action not in guards.STOPPING else "then"
        message = _("Choose pause or cancel, and whether to act or to ask.")
        raise InvalidInput(message, [FieldError(field, "ERR_INVALID", message)])
    right = guards.RIGHTS[action]
    about(target(finding.get(store, code), store))
    check(actor, store, right, now=now)
    campaign = finding.lock(store, code, version=version)
    if action == "cancel" and not codes.same(confirm_code, campaign.code):
        raise stopping.wrong_code(campaign)
    for error in refused_by_cap(store, [campaign], right, actor=actor, now=now).values():
        raise error
    blockers = _blockers(guards.Case(store, [campaign], action, actor, now))[campaign.pk]
    _ensure_worth_waiting(campaign, blockers)
    why = stopping.command_of(store, action, actor, now, reason, note)
    parked = ParkedClose.objects.create(
        store=store,
        campaign=campaign,
        action=action,
        then=then,
        reason=why.reason[:40],
        note=why.note,
        freeze_claimed=freeze_claimed and action == "pause",
        actor=asdict(replace(actor, ip="")),
        created_by_id=actor.id,
        created_at=now,
        blockers=[line.code for line in blockers],
        looked_at=now,
        next_look_at=_next_look(campaign, now),
    )
    after = {"parked": parked.pk, "action": action, "then": then, "blockers": parked.blockers}
    entry = Entry("campaign.park", target(campaign, store), after=after, reason=why.why, right=right)
    record(entry, actor=actor, now=now)
    return parked


@verb("campaign.unpark")
def withdraw(store: Store, parked_id: int, *, actor: Actor, now: datetime) -> ParkedClose:
    """Let a parked close wait no longer; the campaign stays as it is. Raises NotFound, PermissionRefused, Conflict ERR_STATE."""
    rows = ParkedClose.objects.filter(store_id=store.pk, pk=parked_id).select_related("campaign")
    parked = rows.select_for_update(of=("self",), no_key=True).first()
    if parked is None:
        raise NotFound(_("There is no such waiting close in this store."))
    about(target(parked.campaign, store))
    right = guards.RIGHTS[parked.action]
    check(actor, store, right, now=now)
    if not parked.is_open:
        words = _("It waits no longer: %(state)s.") % {"state": parked.get_state_display()}
        raise Conflict("ERR_STATE", words)
    _end(parked, P.WITHDRAWN, now)
    parked.save()
    after = {"parked": parked.pk, "action": parked.action}
    entry = Entry("campaign.unpark", target(parked.campaign, store), after=after, right=right)
    record(entry, actor=actor, now=now)
    return parked


def get(store: Store, parked_id: int) -> ParkedClose:
    """One parked close of the store. Raises NotFound."""
    found = ParkedClose.objects.filter(store_id=store.pk, pk=parked_id).select_related("campaign", "created_by").first()
    if found is None:
        raise NotFound(_("There is no such waiting close in this store."))
    return found


def waiting(campaign: Campaign) -> ParkedClose | None:
    """The close that waits for this campaign, if one does (one query)."""
    return (
        ParkedClose.objects.filter(campaign=campaign, state__in=ParkedClose.OPEN).select_related("created_by").first()
    )


def _ensure_worth_waiting(campaign: Campaign, blockers: Sequence[GuardRow]) -> None:
    if not blockers:
        raise Conflict(
            "ERR_PARK_CLEAR", _("Nothing stands in the way of %(code)s: do it now.") % {"code": campaign.code}
        )
    for line in blockers:
        if line.code in HOPELESS:
            raise Conflict(line.code, str(line.detail), blockers=[line.as_dict()])
    if waiting(campaign) is not None:
        words = _("A stop of %(code)s waits already; let that one go first.") % {"code": campaign.code}
        raise Conflict("ERR_PARKED_ALREADY", words)


# -- what the sweep does -----------------------------------------------------------------------------------------------------


def look_due(skipped: frozenset[int] = frozenset(), singly: bool = False) -> int:
    """Look at one batch of parked closes that are due, in one transaction; answers how many.

    The number of queries grows with the stores and with the people whose closes act, not with the closes.
    """
    now = clock.read()
    rows: list[ParkedClose] = []
    try:
        with transaction.atomic():
            rows = _take(now, skipped, singly)
            if rows:
                _look(rows, now)
    except OperationalError:
        raise
    except Exception as error:
        raise Faulty([row.pk for row in rows]) from error
    return len(rows)


def _take(now: datetime, skipped: frozenset[int], singly: bool) -> list[ParkedClose]:
    due = ParkedClose.objects.filter(state__in=ParkedClose.OPEN, next_look_at__lte=now).exclude(pk__in=skipped)
    locked = due.select_related("campaign", "store").select_for_update(of=("self",), no_key=True, skip_locked=True)
    most = 1 if singly else policies.active(ClosingRules, now).park_batch
    return list(locked.order_by("next_look_at", "id")[:most])


def _look(rows: Sequence[ParkedClose], now: datetime) -> None:
    """Decide about every row: over, still blocked, clear."""
    groups: dict[tuple[int, str], list[ParkedClose]] = {}
    before = {row.pk: row.state for row in rows}
    for row in rows:
        row.looked_at, row.next_look_at = now, _next_look(row.campaign, now)
        if row.campaign.ends_at <= now or row.campaign.state in OVER:
            _end(row, P.EXPIRED, now)
        elif row.campaign.state not in sources(TRANSITIONS[row.action]):
            _end(row, P.OVERTAKEN, now)
        else:
            groups.setdefault((row.store_id, row.action), []).append(row)
    for (store_id, action), group in groups.items():
        with in_store(store_id), translation.override(LANGUAGE):
            _decide(group[0].store, action, group, now)
    ParkedClose.objects.bulk_update(
        rows, ["state", "blockers", "looked_at", "next_look_at", "clear_since", "finished_at", "outcome"]
    )
    changed = [row for row in rows if row.state != before[row.pk]]
    _tell(changed, now)


def _decide(store: Store, action: str, rows: Sequence[ParkedClose], now: datetime) -> None:
    """The parked closes of one store and action: the guards run once over all of them."""
    found = _blockers(guards.Case(store, [row.campaign for row in rows], action, ACTOR, now))
    acting: list[ParkedClose] = []
    for row in rows:
        row.blockers = [line.code for line in found[row.campaign_id]]
        if row.blockers:
            row.state, row.clear_since = P.WAITING, None
        elif row.then == ParkedClose.Then.ACT:
            acting.append(row)
        else:
            row.state, row.clear_since = P.CLEAR, row.clear_since or now
    for command, group in _commands(store, action, acting, now):
        outcomes = stopping.act(command, [row.campaign.code for row in group])
        for row, outcome in zip(group, outcomes, strict=True):
            _settle(row, outcome, now)


def _commands(
    store: Store, action: str, rows: Sequence[ParkedClose], now: datetime
) -> list[tuple[stopping.Command, list[ParkedClose]]]:
    """One act for all that the same person parked with the same words."""
    groups: dict[tuple[Any, ...], list[ParkedClose]] = {}
    for row in rows:
        key = (row.actor["kind"], row.actor["id"], row.actor["label"], row.reason, row.note, row.freeze_claimed)
        groups.setdefault(key, []).append(row)
    found = []
    for group in groups.values():
        first = group[0]
        actor = Actor(**first.actor | {"kind": ActorKind(first.actor["kind"])})
        command = stopping.Command(
            store, action, actor, now, first.reason, first.note, freeze_claimed=first.freeze_claimed,
            parked={row.campaign.code: row.pk for row in group},
        )  # fmt: skip
        found.append((command, group))
    return found


def _settle(row: ParkedClose, outcome: RowOutcome, now: datetime) -> None:
    """What became of a close whose way was clear a moment ago."""
    if outcome.error is None:
        _end(row, P.DONE, now)
    elif outcome.error.extra.get("blockers"):
        row.state, row.blockers = P.WAITING, [line["code"] for line in outcome.error.extra["blockers"]]
    elif outcome.error.code not in PASSING:
        row.outcome = {"code": outcome.error.code, "message": str(outcome.error.detail)}
        _end(row, P.REFUSED, now)


def _blockers(case: guards.Case) -> Mapping[int, list[GuardRow]]:
    """The guards in the way of each campaign of the case; what the verbs check by themselves is not waited for."""
    skip = guards.CHECKED_BY_VERBS - {"ERR_STATE"}
    return {pk: [line for line in lines if line.blocks] for pk, lines in guards.evaluate(case, skip=skip).items()}


def _next_look(campaign: Campaign, now: datetime) -> datetime:
    soon = now + timedelta(seconds=policies.active(ClosingRules, now).park_look)
    return min(soon, campaign.ends_at) if campaign.ends_at > now else soon


def _end(row: ParkedClose, state: str, now: datetime) -> None:
    row.state, row.finished_at, row.next_look_at = state, now, None


def _why(outcome: Mapping[str, str] | None) -> str | dict[str, str]:
    return {"code": outcome["code"], "said": outcome["message"], "language": LANGUAGE} if outcome else ""


def _tell(rows: Sequence[ParkedClose], now: datetime) -> None:
    """The record and the messages of what the sweep decided; what acted is on record under the person's own name."""
    record_many(
        [
            Entry(
                f"campaign.park_{WORDS[P(row.state)]}",
                target(row.campaign, row.store),
                after={
                    "parked": row.pk,
                    "action": row.action,
                    **({"detail": row.outcome["message"]} if row.outcome else {}),
                },
                code=row.outcome["code"] if row.outcome else "",
            )
            for row in rows
            if row.state in WORDS
        ],
        actor=ACTOR,
        now=now,
    )
    notes: dict[int, list[Note]] = {}
    for row in rows:
        if row.state not in MESSAGES:
            continue
        params = {
            "campaign": row.campaign.name,
            "code": row.campaign.code,
            "who": row.actor["label"],
            "why": _why(row.outcome),
        }
        since = row.clear_since if row.state == P.CLEAR else None
        key = f"parked.{row.pk}.{row.state}" + (f".{since:%Y%m%dT%H%M%S}" if since else "")
        note = Note(MESSAGES[P(row.state)], key, params, "campaign", row.campaign.code)
        notes.setdefault(row.store_id, []).append(note)
    for store_id, group in notes.items():
        send_many(store_id, group, now=now)
