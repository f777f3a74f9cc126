"""Sendings of a coupon by e-mail or through the merchant's SMS gateway (R78, R81): what is sent, to whom, and what became of each.

Addresses are sealed (`core.sealed`) and there only until a sending is finished; no other table, no log and no audit entry holds one.
"""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.coupon import Coupon


class Channel(models.TextChoices):
    """Ways to a buyer."""

    EMAIL = "email", _("E-mail")
    SMS = "sms", _("SMS")


class SendingState(models.TextChoices):
    """States of a sending. `paused` can go on, `stopped` cannot; a `done` one may try its failures again while it has their addresses."""

    DRAFT = "draft", _("Not started")
    SENDING = "sending", _("Going out")
    PAUSED = "paused", _("Sending paused")
    DONE = "done", _("All settled")
    STOPPED = "stopped", _("Stopped for good")


class RecipientState(models.TextChoices):
    """What became of one recipient. `trying` is written before the call and never tried again; without an answer it becomes `unknown`."""

    WAITING = "waiting", _("Waiting")
    TRYING = "trying", _("Being sent")
    SENT = "sent", _("Sent")
    FAILED = "failed", _("Failed")
    UNKNOWN = "unknown", _("Outcome unknown")
    SKIPPED = "skipped", _("Left out")


class SmsGateway(models.Model):
    """The HTTPS address of the merchant's own SMS gateway, with the header that proves who calls; its value is sealed and never shown."""

    store = models.OneToOneField(Store, on_delete=models.CASCADE, related_name="+")
    url = models.CharField(max_length=2000)
    header = models.CharField(max_length=60)
    secret = models.BinaryField()
    changed_at = models.DateTimeField()
    changed_by = models.CharField(max_length=160)

    objects = ScopedManager(store="store")

    def __str__(self) -> str:
        return self.url


class Sending(models.Model):
    """One sending of one coupon. `why` is the code of what paused or stopped it by itself; `go` counts the tries of its failures;
    `next_at` keeps the pace; `moved_at` is when somebody or something last acted on it, from which the addresses' time runs.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="sendings", db_index=False)
    channel = models.CharField(max_length=5, choices=Channel.choices)
    state = models.CharField(max_length=7, choices=SendingState.choices, default=SendingState.DRAFT)
    issue = models.BooleanField(default=False, help_text="Recipients of the segment who lack the coupon get it first.")
    subject_en = models.CharField(max_length=200, blank=True)
    subject_zh = models.CharField(max_length=200, blank=True)
    text_en = models.TextField(blank=True)
    text_zh = models.TextField(blank=True)
    total = models.PositiveIntegerField()
    go = models.PositiveSmallIntegerField(default=1)
    in_a_row = models.PositiveIntegerField(default=0, help_text="Failures since the last success.")
    why = models.CharField(max_length=40, blank=True, default="")
    next_at = models.DateTimeField()
    created_at = models.DateTimeField()
    created_by = models.CharField(max_length=160, help_text="Who said that the recipients agreed.")
    started_at = models.DateTimeField(null=True)
    moved_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True)
    dropped_at = models.DateTimeField(null=True, help_text="When its addresses were dropped.")

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [
            models.Index(fields=["coupon", "-id"], name="sending_list"),
            # A handful of rows each: what the sender and the sweep of addresses look for.
            models.Index(fields=["store", "channel", "id"], name="sending_going", condition=models.Q(state="sending")),
            models.Index(fields=["moved_at"], name="sending_addresses", condition=models.Q(dropped_at=None)),
        ]

    def __str__(self) -> str:
        return f"sending {self.pk}"


class Recipient(models.Model):
    """A buyer of a sending: one row, one message. `answer` is the status that the gateway or mail server gave, `code` says why not."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    sending = models.ForeignKey(Sending, on_delete=models.CASCADE, related_name="recipients", db_index=False)
    buyer = models.CharField(max_length=80)
    address = models.BinaryField(default=b"", help_text="Sealed; empty once it was dropped.")
    state = models.CharField(max_length=7, choices=RecipientState.choices, default=RecipientState.WAITING)
    go = models.PositiveSmallIntegerField(default=1)
    code = models.CharField(max_length=40, blank=True, default="")
    answer = models.PositiveSmallIntegerField(null=True)
    tried_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["sending", "buyer"], name="sending_buyer_once")]
        indexes = [
            models.Index(fields=["sending", "state", "id"], name="sending_recipient_state"),
            models.Index(fields=["store", "buyer"], name="sending_recipient_buyer"),
            # One a sending at most: the call that is being made, or that a worker died in.
            models.Index(fields=["tried_at"], name="sending_in_flight", condition=models.Q(state="trying")),
        ]

    def __str__(self) -> str:
        return f"{self.buyer} of sending {self.sending_id}"
