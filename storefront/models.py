"""Quotes: the terms a buyer was shown, honoured until they expire."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now
from django_scopes import ScopedManager

from accounts.models import Store


class Quote(models.Model):
    """Terms for one basket, honoured for QUOTE_TTL seconds, at most the grace after a campaign's end."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    code = models.CharField(max_length=20, unique=True)
    buyer = models.CharField(max_length=80, blank=True)
    country = models.CharField(max_length=2, blank=True)
    logistics = models.CharField(max_length=20, blank=True)
    site = models.CharField(max_length=20, blank=True, db_default="", help_text="Where the buyer was, as told (R81).")
    terms = models.JSONField()
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    order_code = models.CharField(max_length=64, blank=True)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [models.Index(fields=["expires_at"], name="quote_expiry")]

    def __str__(self) -> str:
        return self.code
