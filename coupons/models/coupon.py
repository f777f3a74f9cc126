"""A coupon and its counters. Times are UTC, amounts in the coupon's currency."""

from __future__ import annotations

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition
from django_scopes import ScopedManager

from accounts.models import Store
from core import display
from listings.models import MONEY


class CouponKind(models.TextChoices):
    """Types of a coupon (R54). "No threshold" has the floor that every coupon has (R182)."""

    SPEND = "spend", _("Spend-and-save coupon")
    NO_THRESHOLD = "no_threshold", _("No-threshold coupon")


class CouponState(models.TextChoices):
    """States of a coupon."""

    DRAFT = "draft", _("Draft")
    ACTIVE = "active", _("Issuing")
    PAUSED = "paused", _("Issuing stopped")
    EXPIRED = "expired", _("Expired")
    VOIDED = "voided", _("Void")


class PausedBy(models.TextChoices):
    """Who stopped the issuing: only the same may let it go on by itself. A person may lift any but the campaign's, the budget's
    once the budget bears a redemption again.
    """

    NOBODY = "", ""
    OPERATOR = "operator", _("Operator")
    CAMPAIGN = "campaign", _("Its campaign")
    EFFECT_WATCH = "effect_watch", _("Effect warning")
    BUDGET = "budget", _("Budget used up")


class Bond(models.TextChoices):
    """Whether a coupon lives and dies with a campaign; the link itself is the campaign room's."""

    NONE = "", ""
    WAITS = "waits", _("Waits for its campaign")
    BOUND = "bound", _("Goes with its campaign")


S = CouponState


class Coupon(FSMModelMixin, models.Model):
    """One coupon of a store. `code` is what buyers enter, in capitals, unique in the store.

    Empty `regions`, `logistics`, `channels`, `sites` mean: no restriction. `paused_by` says whose stop it is; `freeze_claimed` that
    claimed ones cannot be used meanwhile either (冻结使用). `bond` is written by the campaign room: one that `waits` is not claimed
    before its campaign has begun, and one with a bond is closed by its campaign. `segment` holds the readable rules of who may claim
    (R78). The transitions below are the only declaration of the states' edges; a database trigger holds the same ones.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="coupons")
    code = models.CharField(max_length=40)
    name = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120, blank=True)
    kind = models.CharField(max_length=12, choices=CouponKind.choices)
    face_value = models.DecimalField(**MONEY)
    currency = models.CharField(max_length=3)
    min_order = models.DecimalField(**MONEY)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    quota = models.PositiveIntegerField()
    per_buyer = models.PositiveSmallIntegerField(default=1)
    regions = ArrayField(models.CharField(max_length=2), default=list, blank=True)
    logistics = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    channels = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    sites = ArrayField(models.CharField(max_length=12), default=list, blank=True)
    segment = models.JSONField(default=dict, blank=True)
    first_order_only = models.BooleanField(default=False)
    stacks_with_platform = models.BooleanField(default=False)
    stacks_from = models.DateTimeField(null=True, blank=True)
    stacks_until = models.DateTimeField(null=True, blank=True)
    budget = models.DecimalField(**MONEY, null=True, blank=True)
    cpc_cost = models.DecimalField(**MONEY, null=True, blank=True)
    codes_only = models.BooleanField(default=False, help_text="Claimed with single-use codes only (R81).")
    state = FSMField(max_length=8, choices=S.choices, default=S.DRAFT, protected=True)
    paused_by = models.CharField(max_length=12, choices=PausedBy.choices, blank=True, default=PausedBy.NOBODY)
    freeze_claimed = models.BooleanField(default=False)
    bond = models.CharField(max_length=5, choices=Bond.choices, blank=True, default=Bond.NONE, db_default="")
    reason = models.CharField(max_length=540, blank=True, default="")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())
    activated_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "code"], name="coupon_code_once"),
            models.CheckConstraint(condition=models.Q(face_value__gt=0), name="coupon_face_positive"),
            models.CheckConstraint(condition=models.Q(min_order__gt=0), name="coupon_min_order_positive"),
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="coupon_window"),
            models.CheckConstraint(condition=models.Q(quota__gte=1), name="coupon_quota_positive"),
            models.CheckConstraint(
                condition=models.Q(state="paused") ^ models.Q(paused_by=""), name="coupon_paused_by_somebody"
            ),
        ]
        indexes = [
            models.Index(fields=["store", "-id"], name="coupon_list"),
            models.Index(fields=["store", "state", "-id"], name="coupon_list_state"),
            models.Index(fields=["ends_at"], name="coupon_end_due", condition=models.Q(state__in=["active", "paused"])),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def label(self) -> str:
        """The name in the page's language."""
        return self.name_zh if self.name_zh and display.is_chinese() else self.name

    @property
    def is_issued(self) -> bool:
        """Whether buyers may claim it, its window and its quota apart."""
        return bool(self.state == S.ACTIVE and self.bond != Bond.WAITS)

    @property
    def is_usable(self) -> bool:
        """Whether claimed ones may be used, its window apart."""
        return self.state in (S.ACTIVE, S.PAUSED) and not self.freeze_claimed

    @transition(field=state, source=S.DRAFT, target=S.ACTIVE)
    def activate(self) -> None:
        """Effective at once (R57)."""

    @transition(field=state, source=S.ACTIVE, target=S.PAUSED)
    def pause(self) -> None:
        """暂停发放: claims stop."""

    @transition(field=state, source=S.PAUSED, target=S.ACTIVE)
    def resume(self) -> None:
        """Claims go on."""

    @transition(field=state, source=[S.ACTIVE, S.PAUSED], target=S.EXPIRED)
    def expire(self) -> None:
        """At `ends_at`."""

    @transition(field=state, source=[S.DRAFT, S.ACTIVE, S.PAUSED], target=S.VOIDED)
    def void(self) -> None:
        """作废: final; claimed ones die too."""


class CouponTally(models.Model):
    """The counters of one coupon, in a narrow row of their own: this is the row that sixty-four buyers at once wait for.

    `issuing` follows the coupon's state by a trigger, so that no claim comes after a stop: whoever holds this row sees the stop.
    Conditional writes keep `claimed` within `quota` and `spent` within the coupon's budget; the checks below hold the same in the database.
    """

    coupon = models.OneToOneField(Coupon, on_delete=models.CASCADE, primary_key=True, related_name="tally")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    quota = models.PositiveIntegerField()
    claimed = models.PositiveIntegerField(default=0)
    redeemed = models.PositiveIntegerField(default=0)
    spent = models.DecimalField(**MONEY, default=0)
    budget = models.DecimalField(
        **MONEY, null=True, help_text="The coupon's, repeated: a redemption looks at this row only."
    )
    issuing = models.BooleanField(default=False, db_default=False, editable=False)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(claimed__lte=models.F("quota")), name="coupon_never_over_quota"),
            models.CheckConstraint(
                condition=models.Q(redeemed__lte=models.F("claimed")), name="coupon_redeemed_were_claimed"
            ),
            models.CheckConstraint(condition=models.Q(spent__gte=0), name="coupon_spent_not_negative"),
            models.CheckConstraint(
                condition=models.Q(budget__isnull=True) | models.Q(spent__lte=models.F("budget")),
                name="coupon_never_over_budget",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.claimed} of {self.quota}"
