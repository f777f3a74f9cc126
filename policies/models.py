"""Versioned rule sets: what the sources name as thresholds, windows and limits, with version and date (R20, R192)."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class RuleSet(models.Model):
    """One version of one rule set. The version in force at a moment is the latest `valid_from` not after it of those not withdrawn."""

    key = models.CharField(max_length=40)
    version = models.CharField(max_length=20)
    title = models.CharField(max_length=120)
    title_zh = models.CharField(max_length=120, blank=True)
    source = models.CharField(max_length=200, blank=True)
    valid_from = models.DateTimeField()
    values = models.JSONField()
    reason = models.CharField(max_length=500, blank=True, default="", db_default="")
    created_at = models.DateTimeField(db_default=Now())
    created_by = models.CharField(max_length=160, blank=True, default="", db_default="")
    withdrawn_at = models.DateTimeField(null=True, help_text="When it was taken back before it came into force.")
    withdrawn_by = models.CharField(max_length=160, blank=True, default="", db_default="")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["key", "version"], name="ruleset_version_once"),
            models.UniqueConstraint(
                fields=["key", "valid_from"], name="ruleset_start_once", condition=models.Q(withdrawn_at=None)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.key} {self.version}"
