"""The outbox: every effect outside the transaction starts from a row written in it."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class OutboxMessage(models.Model):
    """One effect to deliver at least once. A row leaves only after success; `parked_at` marks the last failure."""

    id = models.BigAutoField(primary_key=True)
    topic = models.CharField(max_length=64)
    key = models.CharField(max_length=128, help_text="Stable id of the effect; receivers use it to act once.")
    store_id = models.BigIntegerField(null=True)
    payload = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    available_at = models.DateTimeField()
    attempts = models.PositiveSmallIntegerField(default=0)
    lease_until = models.DateTimeField(null=True)
    last_error = models.TextField(blank=True, default="")
    parked_at = models.DateTimeField(null=True)

    class Meta:
        indexes = [
            models.Index(fields=["available_at", "id"], name="outbox_due", condition=models.Q(parked_at=None)),
            models.Index(fields=["parked_at"], name="outbox_parked", condition=models.Q(parked_at__isnull=False)),
            # "Is one waiting already?" is asked within orders and closes, however much else waits.
            models.Index(fields=["key"], name="outbox_key"),
        ]

    def __str__(self) -> str:
        return f"{self.topic} {self.key}"


class Heartbeat(models.Model):
    """When a recurring job last finished; health is the age of this row, not "process is up"."""

    name = models.CharField(primary_key=True, max_length=64)
    beat_at = models.DateTimeField()
    detail = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"{self.name} {self.beat_at:%Y-%m-%dT%H:%M:%SZ}"
