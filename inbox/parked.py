"""An effect that failed for the last time becomes a message to its store."""

from __future__ import annotations

from typing import Any

from core import clock, faults
from core.models import OutboxMessage
from core.signals import parked
from inbox.send import send

ERROR_LENGTH = 300


def tell(sender: object, message: OutboxMessage, **_: Any) -> None:
    """Write the message; an effect that belongs to no store shows on the health page only."""
    if message.store_id is None:
        return
    moment = message.parked_at or clock.read()
    error = faults.read(message.last_error)
    if isinstance(error, str):
        error = error[:ERROR_LENGTH]
    send(
        message.store_id,
        "ERR_OUTBOX_PARKED",
        {"topic": message.topic, "error": error, "attempts": message.attempts},
        key=f"parked:{message.id}:{moment:%Y%m%dT%H%M%S%f}",
        object_type="outbox",
        object_id=str(message.id),
        now=moment,
    )


def join() -> None:
    """Listen for rows that were given up."""
    parked.connect(tell, dispatch_uid="inbox.parked")
