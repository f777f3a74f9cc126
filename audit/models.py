"""Insert-only events, their erasable personal values, and the hash tree over them (RFC 6962).

Store and actor are ids with frozen labels and no foreign keys: the record outlives what it speaks of. Triggers refuse UPDATE,
DELETE and TRUNCATE on events, leaves, nodes and checkpoints.
"""

from __future__ import annotations

from django.contrib.postgres.indexes import BrinIndex
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
            models.Index(fields=["store_id", "object_id", "-id"], name="audit_object"),
            models.Index(fields=["store_id", "actor_id", "-id"], name="audit_actor"),
            models.Index(fields=["store_id", "action", "-id"], name="audit_action"),
            # Times rise with the ids: a summary per block range finds a day among years and costs writers next to nothing.
            BrinIndex(fields=["at"], name="audit_at", autosummarize=True),
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


class AuditLeaf(models.Model):
    """One entry of the tree: `seq` counts from 0 without a gap, in the order of sealing.

    `form` is the version of the canonical text that was hashed (`audit.leaf`).
    """

    seq = models.BigIntegerField(primary_key=True)
    event_id = models.BigIntegerField(unique=True)
    leaf_hash = models.BinaryField(max_length=32)
    form = models.SmallIntegerField(default=1, db_default=1)

    class Meta:
        db_table = "audit_leaf"

    def __str__(self) -> str:
        return f"{self.seq}: event {self.event_id}"


class AuditNode(models.Model):
    """The hash over the 2^level entries from `index * 2^level` on; only full subtrees are kept, level 0 is the leaf itself."""

    pk = models.CompositePrimaryKey("level", "index")
    level = models.SmallIntegerField()
    index = models.BigIntegerField()
    hash = models.BinaryField(max_length=32)

    class Meta:
        db_table = "audit_node"

    def __str__(self) -> str:
        return f"{self.level}/{self.index}"


class AuditCheckpoint(models.Model):
    """A signed statement of how long the log is and what its root is; the same note is exported outside the database."""

    size = models.BigIntegerField(primary_key=True)
    root = models.BinaryField(max_length=32)
    at = models.DateTimeField()
    note = models.TextField()
    verifier = models.CharField(max_length=200, help_text="The public key that checks the note.")

    class Meta:
        db_table = "audit_checkpoint"

    def __str__(self) -> str:
        return f"{self.size} entries"


class SealState(models.Model):
    """Where the sealer stands (one row, id 1).

    Every event up to `floor_id` is sealed. `candidate_id` becomes the floor once the transactions of `candidate_holders`, which
    were writing events when it was read, have ended.
    """

    id = models.SmallIntegerField(primary_key=True, default=1)
    log_id = models.CharField(max_length=32)
    size = models.BigIntegerField(default=0)
    floor_id = models.BigIntegerField(default=0)
    candidate_id = models.BigIntegerField(null=True)
    candidate_holders = models.JSONField(default=list)
    checkpoint_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="sealstate_single")]
        db_table = "audit_sealstate"

    def __str__(self) -> str:
        return f"{self.size} sealed"
