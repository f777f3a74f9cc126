"""Pause, resume, cancel and take back: one path for one campaign or many (R1-R19).

Each act locks the rows, checks right, operation lock, version, state and guards inside the lock, changes the state along its declared
edge, switches the offers, tells the sites, plans the checks, writes audit and outbox: one transaction. A refused row changes nothing but
the operation lock, which stays, and leaves a refusal in the record; it stops no other row. The number of queries does not depend on the
number of campaigns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

import policies
from accounts.models import Store
from accounts.rights import check, check_staff
from audit.actors import Actor
from audit.models import Result
from audit.record import Entry, record, record_many
from campaigns import check_plan, closing, coupon_acts, guards, locks, offers
from campaigns.caps import refused_by_cap
from campaigns.edges import set_state_of
from campaigns.events import Event, tell
from campaigns.finding import check_version, lock_all, target, unknown
from campaigns.models import Campaign, CampaignState, Occasion
from campaigns.outcomes import GuardRow, RowOutcome
from campaigns.retrying import retried
from core import clock, codes
from core.errors import Conflict, DomainError, FieldError, InvalidInput
from inbox.send import Note, send_many
from policies.rules import ClosingRules

S = CampaignState
#: What the record of a refusal keeps of its error.
KEPT = ("blockers", "holder", "seconds_left", "right")
#: By the campaign's code: its guards. By its id: what became of its coupons.
Checklists = Mapping[str, tuple[GuardRow, ...]]
Touches = Mapping[int, coupon_acts.Touched]


@dataclass(frozen=True)
class Command:
    """One act on some campaigns of a store: what, why, by whom, when. `versions` is what the caller read, by code.

    `bulk_job` names the bulk job that it belongs to, `parked` by code the close that was parked.
    """

    store: Store
    action: str
    actor: Actor
    now: datetime
    reason: str = ""
    note: str = ""
    freeze_claimed: bool = False
    versions: Mapping[str, int] = field(default_factory=dict)
    emergency: bool = False
    bulk_job: int | None = None
    parked: Mapping[str, int] = field(default_factory=dict)

    @property
    def verb(self) -> str:
        """The action's name in the record."""
        return "campaign.emergency_stop" if self.emergency else f"campaign.{self.action}"

    @property
    def right(self) -> str:
        """The right it needs."""
        return "" if self.emergency else guards.RIGHTS[self.action]

    @property
    def why(self) -> str:
        """Reason and note as the record keeps them."""
        return ": ".join(part for part in (self.reason, self.note) if part)


def pause(
    store: Store,
    code: str,
    *,
    reason: str = "",
    note: str = "",
    freeze_claimed: bool = False,
    version: int | None = None,
    actor: Actor,
    now: datetime | None = None,
) -> Campaign:
    """Pause a running campaign: off for buyers at once, nothing lost, the end does not move (R5).

    Raises NotFound, PermissionRefused, OperationLocked, VersionConflict, or Conflict with `blockers` when a guard refuses.
    """
    order = command_of(store, "pause", actor, now, reason, note, freeze_claimed=freeze_claimed)
    return _single(order, code, version)


def resume(
    store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime | None = None
) -> Campaign:
    """Bring a paused campaign back before buyers; refused once its end has passed (R5)."""
    return _single(command_of(store, "resume", actor, now), code, version)


def cancel(
    store: Store,
    code: str,
    *,
    confirm_code: str,
    reason: str = "",
    note: str = "",
    version: int | None = None,
    actor: Actor,
    now: datetime | None = None,
) -> Campaign:
    """Cancel for good: off for buyers at once, held for `CANCEL_HOLD`, then final (R6, R7). `confirm_code` is the campaign's own code.

    Raises InvalidInput (422) for a wrong `confirm_code` before anything else is looked at, then as `pause`.
    """
    order = command_of(store, "cancel", actor, now, reason, note)
    return _single(order, code, version, confirm_code=confirm_code)


def take_back(
    store: Store, code: str, *, version: int | None = None, actor: Actor, now: datetime | None = None
) -> Campaign:
    """Take a held cancel back to the state before it; refused at or after the campaign's end."""
    return _single(command_of(store, "take_back", actor, now), code, version)


def emergency_stop(store: Store, code: str, *, reason: str, actor: Actor, now: datetime | None = None) -> Campaign:
    """Platform staff pause a campaign past every guard but time and state; logged under its own name, and told to the store.

    Raises PermissionRefused, InvalidInput without a reason, NotFound, or Conflict when the state or the end forbids it.
    """
    moment = now or clock.now()
    check_staff(actor)
    if not reason.strip():
        message = _("Say why: the store reads it, and it stays in the record.")
        raise InvalidInput(message, [FieldError("reason", "ERR_REQUIRED", message)])
    order = Command(store, "pause", actor, moment, *_reason(reason, "", moment), emergency=True)
    return _single(order, code, None)


def command_of(
    store: Store, action: str, actor: Actor, now: datetime | None, reason: str = "", note: str = "", **extra: Any
) -> Command:
    """A command with its reason brought into form; `now` defaults to the moment of the unit of work."""
    moment = now or clock.now()
    return Command(store, action, actor, moment, *_reason(reason, note, moment), **extra)


def _reason(reason: str, note: str, now: datetime) -> tuple[str, str]:
    """A reason of the pick-list is kept as its code; any other text becomes `other` with the text in the note (R10)."""
    reason, note = reason.strip(), note.strip()
    if not reason or reason in policies.active(ClosingRules, now).reason_codes:
        return reason, note[:500]
    return "other", ": ".join(part for part in (reason, note) if part)[:500]


def _single(command: Command, code: str, version: int | None, *, confirm_code: str | None = None) -> Campaign:
    normal = codes.normalise(code)
    if version is not None:
        command = replace(command, versions={normal: version})
    (outcome,) = retried(lambda: act(command, [normal or code], confirm_code=confirm_code))
    if outcome.error is not None:
        raise outcome.error
    if outcome.campaign is None:
        raise RuntimeError("an act that was not refused answers its campaign")
    return outcome.campaign


@transaction.atomic
def act(command: Command, wanted: Sequence[str], *, confirm_code: str | None = None) -> list[RowOutcome]:
    """Run a command over campaigns given by code, in one transaction; answers an outcome per code, in the order asked.

    Refusals are written to the record and answered, not raised.
    """
    found = lock_all(command.store, wanted)
    refused: dict[str, DomainError] = {code: unknown(code) for code in wanted if codes.normalise(code) not in found}
    rows = list(found.values())
    if rows and command.right:
        try:
            check(command.actor, command.store, command.right, now=command.now)
        except DomainError as error:
            refused |= {row.code: error for row in rows}
    if confirm_code is not None:
        refused |= {row.code: wrong_code(row) for row in rows
                    if row.code not in refused and not codes.same(confirm_code, row.code)}  # fmt: skip
    open_rows = [row for row in rows if row.code not in refused]
    refused |= refused_by_cap(
        command.store, _as_asked(open_rows, wanted), command.right, actor=command.actor, now=command.now,
        bulk_job=command.bulk_job,
    )  # fmt: skip
    open_rows = [row for row in open_rows if row.code not in refused]
    refused |= _locked(command, open_rows)
    open_rows = [row for row in open_rows if row.code not in refused]
    locks.take(open_rows, command.actor, command.now)
    refused |= _stale(command, open_rows)
    checklist = _guarded(command, [row for row in open_rows if row.code not in refused], refused)
    passing = [row for row in open_rows if row.code not in refused]
    touched = EFFECTS[command.action](command, passing, checklist) if passing else {}
    _record_refusals(command, found, refused)
    return [_outcome(code, found, refused, checklist, touched) for code in wanted]


def wrong_code(campaign: Campaign) -> InvalidInput:
    """The error for a typed code that is not the campaign's own."""
    message = _("Type the code of this campaign: %(code)s.") % {"code": campaign.code}
    return InvalidInput(message, [FieldError("confirm_code", "ERR_CONFIRM_CODE", message)], code="ERR_CONFIRM_CODE")


def _as_asked(rows: Sequence[Campaign], wanted: Sequence[str]) -> list[Campaign]:
    """The rows in the order in which they were asked for; they were locked in the order of their ids."""
    place: dict[str, int] = {}
    for position, code in enumerate(wanted):
        place.setdefault(codes.normalise(code), position)
    return sorted(rows, key=lambda row: place[row.code])


def _locked(command: Command, rows: Sequence[Campaign]) -> dict[str, DomainError]:
    if command.emergency:
        return {}
    held = [row for row in rows if locks.holder_of(row, command.actor, command.now)]
    return {row.code: locks.refusal(row, command.now) for row in held}


def _stale(command: Command, rows: Sequence[Campaign]) -> dict[str, DomainError]:
    stale: dict[str, DomainError] = {}
    for row in rows:
        try:
            check_version(row, command.versions.get(row.code))
        except DomainError as error:
            stale[row.code] = error
    return stale


def _guarded(
    command: Command, rows: Sequence[Campaign], refused: dict[str, DomainError]
) -> dict[str, tuple[GuardRow, ...]]:
    """Run the guards over all rows at once; those with a blocker are put into `refused`."""
    if not rows:
        return {}
    case = guards.Case(command.store, rows, command.action, command.actor, command.now)
    skip = guards.CHECKED_BY_VERBS - {"ERR_STATE"}
    if command.emergency:
        skip = frozenset(one.code for one in guards.registered()) - {"ERR_STATE", "ERR_CLOSE_ENDED"}
    answers = guards.evaluate(case, skip=skip)
    for row in rows:
        blockers = [line for line in answers[row.pk] if line.blocks]
        if blockers:
            refused[row.code] = Conflict(
                blockers[0].code,
                " ".join(str(line.detail) for line in blockers),
                blockers=[line.as_dict() for line in blockers],
            )
    return {row.code: answers[row.pk] for row in rows}


def _record_refusals(command: Command, found: Mapping[str, Campaign], refused: Mapping[str, DomainError]) -> None:
    """A refused attempt is recorded, without penalty (R28); what says nothing about the store's data is not."""
    entries = []
    for code, error in refused.items():
        campaign = found.get(code)
        if campaign is None or isinstance(error, InvalidInput):
            continue
        kept: dict[str, Any] = {key: error.extra[key] for key in KEPT if key in error.extra}
        entries.append(
            Entry(
                command.verb,
                target(campaign, command.store),
                before={"state": campaign.state},
                after={"detail": str(error.detail), **kept},
                reason=command.why,
                right=command.right,
                result=Result.REFUSED,
                code=error.code,
            )
        )
    _record(command, entries)


def _record(command: Command, entries: Sequence[Entry]) -> None:
    """One event keeps the address of the request as a commitment; many go in by COPY."""
    if len(entries) == 1:
        record(entries[0], actor=command.actor, now=command.now)
    else:
        record_many(entries, actor=command.actor, now=command.now)


def _outcome(
    code: str,
    found: Mapping[str, Campaign],
    refused: Mapping[str, DomainError],
    checklist: Checklists,
    touched: Touches,
) -> RowOutcome:
    campaign = found.get(codes.normalise(code))
    name = campaign.code if campaign else code
    error = refused.get(name)
    if error is not None:
        return RowOutcome(name, "refused", error)
    warnings = tuple(row for row in checklist.get(name, ()) if row.status != "passed")
    coupons = touched.get(campaign.pk, coupon_acts.Touched()) if campaign else coupon_acts.Touched()
    return RowOutcome(name, "done", None, campaign, warnings, coupons.frozen, coupons.claims_frozen)


# -- what each action does, set-based, to rows that are locked and passed ----------------------------------------------------


def _reread(rows: Sequence[Campaign]) -> dict[int, str]:
    """Bring the instances in line with the database after a set-based change; answers the states before, by id."""
    before = {row.pk: row.state for row in rows}
    fresh = {row.pk: row for row in Campaign.objects.filter(id__in=list(before))}
    for row in rows:
        row.__dict__.update({key: value for key, value in fresh[row.pk].__dict__.items() if key != "_state"})
    return before


def _finish(
    command: Command,
    rows: Sequence[Campaign],
    before: Mapping[int, str],
    touched: offers.Touched,
    checklist: Checklists,
    event: str,
    coupons: Touches | None = None,
    decided: Mapping[int, Mapping[str, str]] | None = None,
) -> None:
    entries = []
    for row in rows:
        lines = checklist.get(row.code, ())
        after: dict[str, Any] = {
            "state": row.state,
            "offers": touched.offers.get(row.code, 0),
            "listings": len(touched.listings.get(row.code, ())),
            "policy": lines[0].cited if lines else "",
            "warnings": [line.code for line in lines if line.status != "passed"],
            "guards": [_decided(line) for line in lines],
        }
        if command.freeze_claimed:
            after["freeze_claimed"] = True
        if coupons and row.pk in coupons:
            after |= _figures_of(coupons[row.pk])
        if decided:
            after |= decided[row.pk]
        whence = (("bulk", command.bulk_job), ("parked", command.parked.get(row.code)))
        after |= {key: value for key, value in whence if value}
        entries.append(
            Entry(
                command.verb,
                target(row, command.store),
                before={"state": before[row.pk]},
                after=after,
                reason=command.why,
                right=command.right,
            )
        )
    _record(command, entries)
    tell([Event(event, row, {"state": row.state}) for row in rows], now=command.now)


def _figures_of(touched: coupon_acts.Touched) -> dict[str, int]:
    """What became of a campaign's coupons as the record keeps it."""
    figures = {
        "coupons": touched.coupons, "coupons_frozen": touched.frozen, "claims_frozen": touched.claims_frozen,
    }  # fmt: skip
    return {name: n for name, n in figures.items() if n}


def _decided(line: GuardRow) -> dict[str, Any]:
    """A guard's decision as the record keeps it: with the version of the rules, and the figures where it did not simply pass."""
    kept: dict[str, Any] = {"code": line.code, "status": line.status, "policy": line.cited}
    return kept | ({"evidence": dict(line.evidence)} if line.status != "passed" else {})


def _pause(command: Command, rows: Sequence[Campaign], checklist: Checklists) -> Touches:
    ids = [row.pk for row in rows]
    set_state_of(
        ids,
        transition="pause",
        now=command.now,
        paused_at=command.now,
        stop_reason=command.reason,
        stop_note=command.note,
        freeze_claimed=command.freeze_claimed,
    )
    touched = offers.switch_off(rows, now=command.now)
    stopped = coupon_acts.stop(
        rows, actor=command.actor, reason=command.note, freeze=command.freeze_claimed, right=command.right, now=command.now
    )  # fmt: skip
    if command.emergency:
        _tell_of_emergency(command, rows)
    check_plan.plan(rows, Occasion.PAUSE, now=command.now, at_once=True)
    _finish(command, rows, _reread(rows), touched, checklist, "campaign.paused", stopped)
    return stopped


def _tell_of_emergency(command: Command, rows: Sequence[Campaign]) -> None:
    notes = [
        Note(
            "ERR_EMERGENCY_STOP",
            f"emergency:{row.code}:{row.version}",
            {"campaign": row.name, "code": row.code, "reason": command.note or command.reason},
            "campaign",
            row.code,
        )
        for row in rows
    ]
    send_many(command.store.pk, notes, now=command.now)


def _resume(command: Command, rows: Sequence[Campaign], checklist: Checklists) -> Touches:
    ids = [row.pk for row in rows]
    set_state_of(
        ids, transition="resume", now=command.now, paused_at=None, stop_reason="", stop_note="", freeze_claimed=False
    )
    touched = offers.switch_on(rows, now=command.now)
    check_plan.drop(ids, now=command.now, items_too=False)
    check_plan.forgive(ids, now=command.now)
    before = _reread(rows)
    coupons = coupon_acts.go_on(rows, actor=command.actor, right=command.right, now=command.now)
    _finish(command, rows, before, touched, checklist, "campaign.resumed", coupons)
    return coupons


def _cancel(command: Command, rows: Sequence[Campaign], checklist: Checklists) -> Touches:
    ids = [row.pk for row in rows]
    held = closing.open_manual(
        rows, actor=command.actor, reason=command.reason, note=command.note, right=command.right, now=command.now
    )
    decided = {row.pk: closing.decided(row, held.foreseen[row.pk]) for row in rows}
    set_state_of(
        ids,
        transition="hold_cancel",
        now=command.now,
        state_before_cancel=F("state"),
        cancel_final_at=closing.final_at(command.now),
        closed_at=command.now,
        reason_before_cancel=F("stop_reason"),
        note_before_cancel=F("stop_note"),
        stop_reason=command.reason,
        stop_note=command.note,
    )
    check_plan.drop(ids, now=command.now)
    check_plan.plan(rows, Occasion.CLOSE, now=command.now, closings=held.closings, at_once=True)
    _finish(command, rows, _reread(rows), held.touched, checklist, "campaign.cancelling", decided=decided)
    return {}


def _take_back(command: Command, rows: Sequence[Campaign], checklist: Checklists) -> Touches:
    ids = [row.pk for row in rows]
    back_on = [row for row in rows if row.state_before_cancel == S.RUNNING]
    still_paused = [row for row in rows if row.state_before_cancel == S.PAUSED]
    set_state_of(
        ids,
        transition="take_back",
        now=command.now,
        state_before_cancel="",
        cancel_final_at=None,
        closed_at=None,
        stop_reason=F("reason_before_cancel"),
        stop_note=F("note_before_cancel"),
        reason_before_cancel="",
        note_before_cancel="",
    )
    touched = offers.switch_on(back_on, now=command.now) if back_on else offers.Touched()
    closing.take_back(ids, now=command.now)
    check_plan.drop(ids, now=command.now, items_too=False)
    if back_on:
        check_plan.forgive([row.pk for row in back_on], now=command.now)
    if still_paused:
        check_plan.plan(still_paused, Occasion.PAUSE, now=command.now, at_once=True)
    before = _reread(rows)
    coupons = _coupons_back(command, rows, still_paused)
    _finish(command, rows, before, touched, checklist, "campaign.taken_back", coupons)
    return coupons


def _coupons_back(
    command: Command, rows: Sequence[Campaign], still_paused: Sequence[Campaign]
) -> dict[int, coupon_acts.Touched]:
    """Claims go on where the campaign does; where it is paused as before, only the freeze of the hold is lifted."""
    paused = {row.pk for row in still_paused}
    onwards = [row for row in rows if row.pk not in paused]
    if still_paused:
        coupon_acts.back_to_pause(still_paused, actor=command.actor, right=command.right, now=command.now)
    return coupon_acts.go_on(onwards, actor=command.actor, right=command.right, now=command.now) if onwards else {}


EFFECTS = {"pause": _pause, "resume": _resume, "cancel": _cancel, "take_back": _take_back}
