"""What buyers see of a coupon by the hour, and the reports of the effect watch (R52, R68-R70)."""

from __future__ import annotations

from django.db import models
from django_scopes import ScopedManager

from accounts.models import Store
from coupons.models.coupon import Coupon


class ExposureHour(models.Model):
    """What storefronts counted of a coupon in one hour on one channel. It knows no buyer."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="exposures", db_index=False)
    channel = models.CharField(max_length=20, blank=True)
    hour = models.DateTimeField()
    impressions = models.BigIntegerField(default=0)
    clicks = models.BigIntegerField(default=0)
    add_to_cart = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(help_text="The latest event counted here.")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["coupon", "hour", "channel"], name="exposure_once")]

    def __str__(self) -> str:
        return f"{self.coupon_id} {self.hour:%Y-%m-%dT%H} {self.channel}"


class Diagnosis(models.Model):
    """诊断报告: a risk signal stopped the issuing of a coupon; what it saw, and what a resume made of it (R68-R70, R142).

    `report` holds the figures of that moment and what would have helped; nothing changes it. It is open until somebody resumes the issuing,
    which plans the look back at `follow_up_at`, or until the coupon is over (`closed_at`). `claimed_before` and `redeemed_before` are the
    counters at the resume, so that what comes after it can be judged alone; `after` what the look back found.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    coupon = models.ForeignKey(Coupon, on_delete=models.CASCADE, related_name="diagnoses", db_index=False)
    signal = models.CharField(max_length=40)
    at = models.DateTimeField()
    since = models.DateTimeField(help_text="Since when what the signal judged has been going on.")
    policy = models.CharField(max_length=160, help_text="The rule set and its version.")
    claimed = models.PositiveIntegerField()
    redeemed = models.PositiveIntegerField()
    report = models.JSONField(default=dict)
    examined_at = models.DateTimeField(null=True)
    resumed_at = models.DateTimeField(null=True)
    claimed_before = models.PositiveIntegerField(null=True)
    redeemed_before = models.PositiveIntegerField(null=True)
    follow_up_at = models.DateTimeField(null=True)
    measured_at = models.DateTimeField(null=True)
    after = models.JSONField(default=dict)
    closed_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["coupon"], condition=models.Q(resumed_at=None, closed_at=None), name="diagnosis_one_open"
            ),
            models.CheckConstraint(
                condition=models.Q(resumed_at=None)
                | models.Q(claimed_before__isnull=False, redeemed_before__isnull=False, follow_up_at__isnull=False),
                name="diagnosis_resume_plans_a_look_back",
            ),
        ]
        indexes = [
            models.Index(fields=["coupon", "-id"], name="diagnosis_of_coupon"),
            models.Index(
                fields=["store", "-id"], name="diagnosis_open", condition=models.Q(resumed_at=None, closed_at=None)
            ),
            models.Index(fields=["follow_up_at"], name="diagnosis_look_back_due", condition=models.Q(measured_at=None)),
            models.Index(fields=["id"], name="diagnosis_to_examine", condition=models.Q(examined_at=None)),
        ]

    def __str__(self) -> str:
        return f"{self.signal} of {self.coupon_id}"

    @property
    def is_open(self) -> bool:
        """Whether the stop still stands."""
        return self.resumed_at is None and self.closed_at is None
