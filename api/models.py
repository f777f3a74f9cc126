"""Idempotency keys: the first answer of a POST, kept for a day."""

from __future__ import annotations

from django.db import models


class IdempotencyKey(models.Model):
    """Scope is token, method and path. The row is written in the transaction of the effect itself."""

    token_id = models.BigIntegerField()
    method = models.CharField(max_length=6)
    path = models.CharField(max_length=255)
    key = models.CharField(max_length=255)
    body_digest = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField(null=True)
    body = models.BinaryField(null=True)
    content_type = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["token_id", "method", "path", "key"], name="idempotency_once")]
        indexes = [models.Index(fields=["created_at"], name="idempotency_age")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"
