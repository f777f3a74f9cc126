"""The frame of every verb: one transaction, a savepoint for the body, and a refusal that is recorded, then raised.

    @verb("campaign.pause", right="campaigns.pause")
    def pause(store: Store, code: str, *, actor: Actor, now: datetime, ...) -> Campaign: ...

Callers may leave `now` out; it is then the moment of the unit of work. The body calls `about()` once it knows its object, so that a
refusal is recorded against it; until then it counts against what the arguments name: the store and the code or id after it.

A verb may call verbs. The refusal of an inner one is recorded there if the outer one catches it and goes on; if it ends the outer one
too, the outer one's savepoint takes that record back and the refusal is recorded once, for the outer verb. The same holds for a caller
with a transaction of its own: whoever opens one catches the refusal inside it, or loses its record.

A verb that is not inside another transaction is tried again when the database broke a deadlock at its cost, or had lost a prepared
statement.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, TypeVar

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import DeadlockDetected, SerializationFailure

from audit.actors import Actor
from audit.models import Result
from audit.record import Entry, Target, record
from core import clock
from core.errors import DomainError
from core.prepared import PlanLost

Answer = TypeVar("Answer")

#: Refusals that say nothing about a merchant's data and would only let a stranger fill the record.
UNRECORDED = frozenset({"ERR_NOT_FOUND", "ERR_INVALID"})


_AGAIN = DeadlockDetected | SerializationFailure


@dataclass
class _Frame:
    action: str
    right: str
    target: Target | None = None
    reason: str = ""


_frame: ContextVar[_Frame | None] = ContextVar("verb_frame", default=None)


def about(target: Target, *, reason: str = "") -> None:
    """Name what the running verb acts on, for the record of a refusal."""
    frame = _frame.get()
    if frame is not None:
        frame.target, frame.reason = target, reason


def verb(action: str, *, right: str = "") -> Callable[[Callable[..., Answer]], Callable[..., Answer]]:
    """Frame a function as a verb. `action` is the dotted name in the audit log, `right` what the body checks."""

    def frame_it(function: Callable[..., Answer]) -> Callable[..., Answer]:
        @functools.wraps(function)
        def framed(*args: Any, actor: Actor, now: Any = None, **kwargs: Any) -> Answer:
            moment = now or clock.now()
            tries = 1 if connection.in_atomic_block else settings.VERB_TRIES
            while True:
                tries -= 1
                frame = _Frame(action, right, _named_by(action, args))
                try:
                    return _run(
                        frame, functools.partial(function, *args, actor=actor, now=moment, **kwargs), actor, moment
                    )
                except OperationalError as error:
                    again = isinstance(error, PlanLost) or isinstance(error.__cause__, _AGAIN)
                    if tries <= 0 or not again:
                        raise

        framed.verb_action = action  # type: ignore[attr-defined]  # a mark on a function
        framed.verb_right = right  # type: ignore[attr-defined]  # the same
        return framed

    return frame_it


def _run(frame: _Frame, body: Callable[[], Answer], actor: Actor, moment: Any) -> Answer:
    token = _frame.set(frame)
    refusal: DomainError
    try:
        with transaction.atomic():
            try:
                with transaction.atomic():
                    return body()
            except DomainError as error:
                refusal = error
                _record_refusal(frame, error, actor, moment)
    finally:
        _frame.reset(token)
    raise refusal


def _named_by(action: str, args: tuple[Any, ...]) -> Target | None:
    """What the arguments name, before the body has looked: a store (it has a slug), then a code or an id."""
    if not args or not hasattr(args[0], "slug"):
        return None
    store = args[0]
    named = args[1] if len(args) > 1 and isinstance(args[1], str | int) else ""
    return Target(action.split(".", 1)[0], str(named), store_id=store.id, store_label=getattr(store, "name", ""))


def _record_refusal(frame: _Frame, error: DomainError, actor: Actor, moment: Any) -> None:
    if error.code in UNRECORDED or frame.target is None:
        return
    entry = Entry(
        action=frame.action,
        target=frame.target,
        after={"detail": str(error.detail), **_evidence(error)},
        reason=frame.reason,
        right=frame.right,
        result=Result.REFUSED,
        code=error.code,
    )
    record(entry, actor=actor, now=moment)


def _evidence(error: DomainError) -> dict[str, Any]:
    names = ("blockers", "holder", "seconds_left", "right")
    kept: dict[str, Any] = {key: error.extra[key] for key in names if key in error.extra}
    if error.errors:
        kept["errors"] = [item.as_dict() for item in error.errors]
    return kept
