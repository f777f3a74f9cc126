"""The frame of every verb: one transaction, a savepoint for the body, and a refusal that is recorded, then raised.

    @verb("campaign.pause", right="campaigns.pause")
    def pause(code: str, *, actor: Actor, now: datetime, ...) -> Campaign: ...

Callers may leave `now` out; it is then the moment of the unit of work. The body calls `about()` once it knows its object, so that a
refusal is recorded against it.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from django.db import transaction

from audit.actors import Actor
from audit.models import Result
from audit.record import Entry, Target, record
from core import clock
from core.errors import DomainError

Answer = TypeVar("Answer")

#: Refusals that say nothing about a merchant's data and would only let a stranger fill the record.
UNRECORDED = frozenset({"ERR_NOT_FOUND", "ERR_INVALID"})


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
        def framed(*args: Any, actor: Actor, now: Any = None, **kwargs: Any) -> Any:
            moment = now or clock.now()
            frame = _Frame(action=action, right=right)
            token = _frame.set(frame)
            refusal: DomainError | None = None
            answer: Any = None
            try:
                with transaction.atomic():
                    try:
                        with transaction.atomic():
                            answer = function(*args, actor=actor, now=moment, **kwargs)
                    except DomainError as error:
                        refusal = error
                        _record_refusal(frame, error, actor, moment)
            finally:
                _frame.reset(token)
            if refusal is not None:
                raise refusal
            return answer

        framed.verb_action = action  # type: ignore[attr-defined]
        framed.verb_right = right  # type: ignore[attr-defined]
        return framed

    return frame_it


def _record_refusal(frame: _Frame, error: DomainError, actor: Actor, moment: Any) -> None:
    if error.code in UNRECORDED or frame.target is None:
        return
    entry = Entry(
        action=frame.action,
        target=replace(frame.target),
        after={"detail": str(error.detail), **_evidence(error)},
        reason=frame.reason,
        right=frame.right,
        result=Result.REFUSED,
        code=error.code,
    )
    record(entry, actor=actor, now=moment)


def _evidence(error: DomainError) -> dict[str, Any]:
    kept: dict[str, Any] = {
        key: error.extra[key] for key in ("blockers", "holder", "seconds_left", "right") if key in error.extra
    }
    if error.errors:
        kept["errors"] = [item.as_dict() for item in error.errors]
    return kept
