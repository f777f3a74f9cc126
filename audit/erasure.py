"""Erasing personal values: their clear form and salt go, the commitment in the event stays, and so does every proof (R193)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from audit.actors import Actor
from audit.models import AuditEvent, PersonalValue
from audit.record import Entry, Target, record
from core import clock


def erase_personal_values(
    *,
    actor_id: int | None = None,
    event_ids: list[int] | None = None,
    before: datetime | None = None,
    actor: Actor,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Erase the personal values of events: those by one person (`actor_id`), or named ones (`event_ids`), or both.

    `before` limits it to events before a moment. Answers how many values went, and records how many, not which. Callers check
    the right: this verb belongs to platform staff and to the deletion of an account. Raises ValueError when nothing is chosen.
    """
    if actor_id is None and event_ids is None:
        raise ValueError("choose whose values to erase")
    events = AuditEvent.objects.all()
    if actor_id is not None:
        events = events.filter(actor_id=actor_id)
    if event_ids is not None:
        events = events.filter(id__in=event_ids)
    if before is not None:
        events = events.filter(at__lt=before)
    with transaction.atomic():
        values = PersonalValue.objects.filter(event_id__in=events.values("id"))
        touched = values.values("event_id").distinct().count()
        erased, _ = values.delete()
        entry = Entry(
            action="audit.erase",
            target=Target("person", str(actor_id or "")),
            after={"values": erased, "events": touched},
            reason=reason,
        )
        record(entry, actor=actor, now=now or clock.now())
    return erased
