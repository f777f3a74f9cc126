"""Messages to the people of a store (R139)."""

from __future__ import annotations

from django.db import models
from django_scopes import ScopedManager

from accounts.models import Store
from inbox.catalogue import Severity


class Message(models.Model):
    """One message: an error code of the catalogue and the values its sentence needs; rendered in the reader's language."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="messages")
    at = models.DateTimeField()
    severity = models.CharField(max_length=8, choices=Severity.choices)
    code = models.CharField(max_length=48)
    params = models.JSONField(default=dict)
    object_type = models.CharField(max_length=32, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    key = models.CharField(max_length=128, help_text="One message per key: a retried job says a thing once.")
    read_at = models.DateTimeField(null=True)
    read_by = models.CharField(max_length=160, blank=True)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "key"], name="message_once")]
        indexes = [
            models.Index(fields=["store", "-at", "-id"], name="message_list"),
            models.Index(fields=["store"], name="message_unread", condition=models.Q(read_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.key}"
