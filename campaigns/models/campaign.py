"""A campaign, its declared state machine, its items.

The transitions below are the only declaration of the state machine. Set-based paths read their source states from them
(`campaigns.edges`), and a database trigger holds the same edges; a test proves the two equal.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_fsm import RETURN_VALUE, FSMField, transition
from django_scopes import ScopedManager

from accounts.models import Store, User
from core import display
from listings.models import MONEY, Listing, Sku


class Kind(models.TextChoices):
    """Kinds of campaigns; the registry of `campaigns.kinds` says what each can do."""

    LIMITED_TIME_DISCOUNT = "limited_time_discount", _("Limited-time discount")
    SPEND_AND_SAVE = "spend_and_save", _("Store spend-and-save")
    PLATFORM_PROMOTION = "platform_promotion", _("Platform promotion")
    FESTIVAL = "festival", _("Festival campaign")
    COUPON_DRIVE = "coupon_drive", _("Coupon drive")


class CampaignState(models.TextChoices):
    """States (glossary §1.3)."""

    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    REJECTED = "rejected", _("Rejected")
    SCHEDULED = "scheduled", _("Not started")
    RUNNING = "running", _("Running")
    PAUSED = "paused", _("Paused")
    ENDING = "ending", _("Ending (15 min at most)")
    CANCELLING = "cancelling", _("Cancel held (can be taken back)")
    ENDED = "ended", _("Ended")
    CANCELLED = "cancelled", _("Cancelled")


S = CampaignState


class Campaign(models.Model):
    """One promotion of a store, in the half-open interval `[starts_at, ends_at)`."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="campaigns", db_index=False)
    code = models.CharField(max_length=12, unique=True)
    kind = models.CharField(max_length=24, choices=Kind.choices)
    name = models.CharField(max_length=120)
    name_zh = models.CharField(max_length=120, blank=True)
    state = FSMField(max_length=10, choices=CampaignState.choices, default=S.DRAFT, protected=True)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    rules = models.JSONField(default=dict)
    price_protected = models.BooleanField(default=False)
    logistics_guarantee = models.BooleanField(default=False)
    platform_enforced = models.BooleanField(default=False)
    min_items = models.PositiveIntegerField(default=0)
    stacks = models.BooleanField(default=False)
    freeze_claimed = models.BooleanField(default=False)
    item_count = models.PositiveIntegerField(default=0)

    started_at = models.DateTimeField(null=True)
    paused_at = models.DateTimeField(null=True)
    stop_reason = models.CharField(max_length=40, blank=True)
    stop_note = models.CharField(max_length=500, blank=True)
    state_before_cancel = models.CharField(max_length=10, blank=True)
    reason_before_cancel = models.CharField(max_length=40, blank=True, default="", db_default="")
    note_before_cancel = models.CharField(max_length=500, blank=True, default="", db_default="")
    cancel_final_at = models.DateTimeField(null=True, help_text="When the hold is over.")
    closed_at = models.DateTimeField(null=True)

    submitted_at = models.DateTimeField(null=True, help_text="When it was handed in for review.")
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.CharField(max_length=160, blank=True, default="", db_default="")
    review_reason = models.CharField(
        max_length=40, blank=True, default="", db_default="", help_text="Why it was rejected."
    )
    review_note = models.CharField(max_length=500, blank=True, default="", db_default="")
    enforced_at = models.DateTimeField(null=True, help_text="Since when the platform enforces it (R25).")
    enforced_reason = models.CharField(max_length=500, blank=True, default="", db_default="")

    lock_holder_id = models.BigIntegerField(null=True)
    lock_holder = models.CharField(max_length=160, blank=True)
    locked_until = models.DateTimeField(null=True)

    version = models.PositiveIntegerField(default=1)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=models.Q(ends_at__gt=models.F("starts_at")), name="campaign_window"),
        ]
        indexes = [
            models.Index(fields=["store", "-id"], name="campaign_list"),
            models.Index(
                fields=["store", "closed_at", "id"], name="campaign_closed", condition=models.Q(closed_at__isnull=False)
            ),
            models.Index(fields=["store", "state", "-id"], name="campaign_by_state"),
            models.Index(fields=["store", "kind", "-id"], name="campaign_by_kind"),
            models.Index(fields=["store", "ends_at"], name="campaign_by_end"),
            models.Index(fields=["starts_at"], name="campaign_start_due", condition=models.Q(state="scheduled")),
            models.Index(
                fields=["ends_at"],
                name="campaign_end_due",
                condition=models.Q(state__in=["in_review", "scheduled", "running", "paused", "ending"]),
            ),
            models.Index(fields=["cancel_final_at"], name="campaign_final_due", condition=models.Q(state="cancelling")),
            models.Index(fields=["submitted_at"], name="campaign_review_due", condition=models.Q(state="in_review")),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> Self:
        """A campaign as the database has it; the columns that were not read are read when asked for, as ever.

        Sweeps read a few columns of ten thousand campaigns: going through all forty of each, as Django does, took longer than the query.
        Nobody listens to `pre_init` and `post_init` of campaigns; they are not sent here.
        """
        if more:  # a way of loading that only Django knows
            return super().from_db(db, field_names, values, **more)
        row = cls.__new__(cls)
        row.__dict__.update(zip(field_names, values, strict=True))
        state = row._state = ModelState()
        state.adding, state.db = False, db
        return row

    @property
    def label(self) -> str:
        """The name in the page's language."""
        return self.name_zh if self.name_zh and display.is_chinese() else self.name

    @property
    def venue(self) -> str:
        """Where on the platform a promotion takes place, such as a main venue; empty for a store's own campaign."""
        return str(self.rules.get("venue", ""))

    def refresh_from_db(self, using: str | None = None, fields: Any = None, from_queryset: Any = None) -> None:
        """Read the row again, its state too: nobody may assign the protected field, so it is let go first."""
        wanted = list(fields) if fields is not None else [field.attname for field in self._meta.concrete_fields]
        if "state" in wanted:
            self.__dict__.pop("state", None)
        super().refresh_from_db(using=using, fields=wanted, from_queryset=from_queryset)

    @transition(field=state, source=S.DRAFT, target=S.IN_REVIEW)
    def submit_for_review(self) -> None:
        """Kinds that a platform reviews."""

    @transition(field=state, source=S.DRAFT, target=S.SCHEDULED)
    def schedule(self) -> None:
        """Store kinds skip the review."""

    @transition(field=state, source=S.IN_REVIEW, target=S.SCHEDULED)
    def approve(self) -> None:
        """Platform staff let it in."""

    @transition(field=state, source=S.IN_REVIEW, target=S.REJECTED)
    def reject(self) -> None:
        """Platform staff refuse it, or its end passed in review."""

    @transition(field=state, source=S.REJECTED, target=S.DRAFT)
    def revise(self) -> None:
        """Back to the desk."""

    @transition(field=state, source=S.IN_REVIEW, target=S.DRAFT)
    def withdraw_enrolment(self) -> None:
        """撤销报名: by the merchant, for platform promotions by staff only."""

    @transition(field=state, source=S.SCHEDULED, target=S.RUNNING)
    def start(self) -> None:
        """At `starts_at`."""

    @transition(field=state, source=S.RUNNING, target=S.PAUSED)
    def pause(self) -> None:
        """Reversible (R5)."""

    @transition(field=state, source=S.PAUSED, target=S.RUNNING)
    def resume(self) -> None:
        """Brings it back."""

    @transition(field=state, source=[S.SCHEDULED, S.RUNNING, S.PAUSED], target=S.ENDING)
    def reach_end(self) -> None:
        """At `ends_at`: over for buyers."""

    @transition(field=state, source=S.ENDING, target=S.ENDED)
    def end(self) -> None:
        """At `ends_at` plus the grace (R35)."""

    @transition(field=state, source=[S.SCHEDULED, S.RUNNING, S.PAUSED], target=S.CANCELLING)
    def hold_cancel(self) -> None:
        """Acts for buyers at once, can be taken back during the hold."""

    @transition(field=state, source=S.CANCELLING, target=RETURN_VALUE(S.SCHEDULED, S.RUNNING, S.PAUSED))
    def take_back(self) -> str:
        """Back to the state before."""
        return self.state_before_cancel

    @transition(field=state, source=S.CANCELLING, target=S.CANCELLED)
    def finalise_cancel(self) -> None:
        """Final (R6)."""


class CampaignItem(models.Model):
    """A SKU in a campaign. `price` is the campaign price, null where the campaign discounts the order."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="items", db_index=False)
    sku = models.ForeignKey(Sku, on_delete=models.PROTECT, related_name="campaign_items", db_index=False)
    listing = models.ForeignKey(Listing, on_delete=models.PROTECT, related_name="+")
    price = models.DecimalField(**MONEY, null=True)
    price_before = models.DecimalField(**MONEY, null=True, help_text="The sale price when the campaign started (R45).")
    ended_at = models.DateTimeField(
        null=True, help_text="When this item alone was closed (R4); null while it takes part."
    )
    end_reason = models.CharField(max_length=540, blank=True, default="", db_default="")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign", "sku"], name="campaign_item_once")]
        indexes = [
            models.Index(fields=["sku", "campaign"], name="campaign_item_sku"),
            models.Index(
                fields=["store", "sku", "campaign"], include=["price", "ended_at"], name="campaign_item_by_sku"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.sku_id} in {self.campaign_id}"
