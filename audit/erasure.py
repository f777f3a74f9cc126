"""Erasing personal values: their clear form and salt go, the commitment in the event stays, and so does every proof (R193)."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from audit.actors import Actor
from audit.models import AuditEvent, PersonalValue
from audit.record import Entry, Target, record
from core import clock

#: Values that speak of who acted; the others speak of the object.
_OF_ACTOR = ("ip", "actor")
#: Types of objects that are people: their ids are the ids of actors.
_PEOPLE = ("user", "member")


def erase_personal_values(
    *,
    actor_id: int | None = None,
    event_ids: list[int] | None = None,
    before: datetime | None = None,
    actor: Actor,
    reason: str,
    now: datetime | None = None,
) -> int:
    """Erase the personal values of one person (`actor_id`), of named events (`event_ids`), or of the person in those.

    A person's are those of the events by them, except what these say of other people, and what events by others say of them.
    `before` limits it to events before a moment. Answers how many values went, and records how many, not which. Callers check
    the right: this verb belongs to platform staff and to the deletion of an account. Raises ValueError when nothing is chosen.
    """
    if actor_id is None and event_ids is None:
        raise ValueError("choose whose values to erase")
    events = AuditEvent.objects.all()
    if event_ids is not None:
        events = events.filter(id__in=event_ids)
    if before is not None:
        events = events.filter(at__lt=before)
    with transaction.atomic():
        values = PersonalValue.objects.filter(event_id__in=events.values("id"))
        if actor_id is not None:
            values = values.filter(_of_person(events, actor_id))
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


def held_of(person: int) -> dict[str, int]:
    """How many personal values of a person the log holds, by name (`email`, `ip`, `actor`).

    What `erase_personal_values(actor_id=person)` would take; one query.
    """
    found = PersonalValue.objects.filter(_of_person(AuditEvent.objects.all(), person))
    rows = found.values_list("name").annotate(many=Count("id")).order_by("name")
    return dict(rows)


def _of_person(events: QuerySet[AuditEvent], person: int) -> Q:
    """Which values among those of `events` are the person's."""
    by_them = events.filter(actor_id=person)
    on_others = by_them.filter(object_type__in=_PEOPLE).exclude(object_id=str(person))
    on_them = events.filter(object_type__in=_PEOPLE, object_id=str(person))
    of_actor = Q(name__in=_OF_ACTOR)
    return (Q(event_id__in=by_them.values("id")) & (of_actor | ~Q(event_id__in=on_others.values("id")))) | (
        Q(event_id__in=on_them.values("id")) & ~of_actor
    )
