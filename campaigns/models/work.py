"""One-time form tokens and bulk jobs."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django_scopes import ScopedManager

from accounts.models import Store, User
from campaigns.models.campaign import Campaign


class FormToken(models.Model):
    """A one-time token bound to user, campaign, version and action; a second submit shows the first result (experience.md §3.1)."""

    nonce = models.CharField(primary_key=True, max_length=43)
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="+")
    version = models.PositiveIntegerField()
    action = models.CharField(max_length=10)
    made_at = models.DateTimeField(db_default=Now())
    used_at = models.DateTimeField(null=True)
    outcome = models.CharField(max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.action} token of {self.user_id}"


class BulkJob(models.Model):
    """A bulk pause, resume or cancel: the codes frozen at the start, a result per row."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=10)
    reason = models.CharField(max_length=40, blank=True)
    codes = models.JSONField(default=list)
    results = models.JSONField(default=list)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [models.Index(fields=["store", "-id"], name="bulk_list")]

    def __str__(self) -> str:
        return f"bulk {self.action} {self.id}"
