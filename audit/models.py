"""Insert-only events and their erasable personal values.

Store and actor are ids with frozen labels and no foreign keys: the record outlives what it speaks of. A trigger refuses UPDATE,
DELETE and TRUNCATE on the event table.
"""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from audit.actors import ActorKind


class Result(models.TextChoices):
    """How it ended."""

    DONE = "done"
    REFUSED = "refused"
    FAILED = "failed"


class AuditEvent(models.Model):
    """One thing that happened or was refused, written in the transaction of the change itself."""

    id = models.BigAutoField(primary_key=True)
    at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    store_id = models.BigIntegerField(null=True)
    store_label = models.CharField(max_length=80, blank=True, default="")
    actor_kind = models.CharField(max_length=8, choices=ActorKind.choices)
    actor_id = models.BigIntegerField(null=True)
    actor_label = models.CharField(max_length=160)
    token_id = models.BigIntegerField(null=True)
    right = models.CharField(max_length=40, blank=True, default="")
    action = models.CharField(max_length=64)
    object_type = models.CharField(max_length=32, blank=True, default="")
    object_id = models.CharField(max_length=64, blank=True, default="")
    object_label = models.CharField(max_length=200, blank=True, default="")
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    reason = models.CharField(max_length=500, blank=True, default="")
    result = models.CharField(max_length=8, choices=Result.choices, default=Result.DONE)
    code = models.CharField(max_length=48, blank=True, default="")
    request_id = models.CharField(max_length=64, blank=True, default="")
    commitments = models.JSONField(default=dict, help_text="Salted commitments of personal values, by name.")

    class Meta:
        indexes = [
            models.Index(fields=["store_id", "-id"], name="audit_store"),
            models.Index(fields=["store_id", "object_type", "object_id", "-id"], name="audit_object"),
            models.Index(fields=["store_id", "actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["store_id", "action", "-id"], name="audit_action"),
        ]

    def __str__(self) -> str:
        return f"{self.id} {self.action} {self.object_id}"


class PersonalValue(models.Model):
    """The erasable half of a commitment: salt and value. Deleting the row leaves the event and its proof whole (R193)."""

    id = models.BigAutoField(primary_key=True)
    event_id = models.BigIntegerField()
    name = models.CharField(max_length=32)
    salt = models.BinaryField(max_length=32)
    value = models.TextField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["event_id", "name"], name="audit_personal_once")]

    def __str__(self) -> str:
        return f"{self.event_id} {self.name}"
