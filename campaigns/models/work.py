"""One-time form tokens, bulk jobs with a result per row, closes that wait until nothing stands in their way."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store, User
from campaigns.models.campaign import Campaign


class FormToken(models.Model):
    """A one-time token bound to user, campaign, version and action; a second submit shows the first result."""

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


class BulkState(models.TextChoices):
    """How a bulk job stands. A draft is a selection, frozen, that nobody has confirmed yet."""

    DRAFT = "draft", _("Chosen, not confirmed")
    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")


class BulkScope(models.TextChoices):
    """How the campaigns of a bulk job were chosen."""

    CHOSEN = "chosen", _("Ticked one by one")
    MATCHING = "matching", _("All that matched the filter")
    LIVE = "live", _("Everything that was running")
    RETRY = "retry", _("What was not done the time before")


class BulkJob(models.Model):
    """A bulk pause, resume or cancel: campaigns frozen at the start together with the filter that found them, a result per row."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    action = models.CharField(max_length=10)
    state = models.CharField(max_length=8, choices=BulkState.choices, default=BulkState.DRAFT)
    scope = models.CharField(max_length=8, choices=BulkScope.choices, default=BulkScope.CHOSEN)
    filter = models.TextField(blank=True, help_text="The query string of the list when all that match were chosen.")
    reason = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=500, blank=True)
    freeze_claimed = models.BooleanField(
        default=False, db_default=False, help_text="For a pause: buyers cannot use the coupons they hold either."
    )
    total = models.PositiveIntegerField(default=0)
    retry_of = models.ForeignKey("self", null=True, on_delete=models.SET_NULL, related_name="retries")
    actor = models.JSONField(default=dict, help_text="Who confirmed it, as the record names them.")
    language = models.CharField(max_length=12, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    started_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True, help_text="When its last batch was done; jobs take turns by it.")
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [
            models.Index(fields=["store", "-id"], name="bulk_list"),
            models.Index(fields=["id"], name="bulk_due", condition=models.Q(state__in=["queued", "running"])),
            models.Index(fields=["created_at"], name="bulk_drafts", condition=models.Q(state="draft")),
        ]

    def __str__(self) -> str:
        return f"bulk {self.action} {self.id}"


class BulkRow(models.Model):
    """One campaign of a bulk job. `result` is empty until its turn: then `done`, `refused` (by a rule) or `failed` (by a fault).

    `coupons_frozen`: coupons of the campaign whose claimed ones its turn froze; `claims_frozen`: claimed ones among them, not used yet.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    job = models.ForeignKey(BulkJob, on_delete=models.CASCADE, related_name="rows", db_index=False)
    position = models.PositiveIntegerField()
    code = models.CharField(max_length=40)
    version = models.PositiveIntegerField(null=True, help_text="The campaign's version when it was chosen.")
    result = models.CharField(max_length=8, blank=True)
    error = models.JSONField(null=True)
    coupons_frozen = models.PositiveIntegerField(default=0, db_default=0)
    claims_frozen = models.PositiveIntegerField(default=0, db_default=0)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["job", "position"], name="bulk_row_once")]
        indexes = [
            models.Index(fields=["job", "position"], name="bulk_row_open", condition=models.Q(result="")),
            models.Index(fields=["job", "result", "position"], name="bulk_row_by_result"),
        ]

    def __str__(self) -> str:
        return f"{self.code} of bulk {self.job_id}"

    def as_dict(self) -> dict[str, Any]:
        """The shape of a row of `POST /campaigns/bulk`."""
        return {"code": self.code, "result": self.result, "error": self.error}


class PageCopy(models.Model):
    """Items left a campaign, so the text of its page has to be rewritten: open until somebody says that it was (R48).

    `items` holds the first of them as `{"sku", "title", "title_zh"}`; `total` is how many left.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="page_copies", db_index=False)
    items = models.JSONField(default=list)
    total = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    done_by = models.CharField(max_length=160, blank=True, default="", db_default="")

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [
            models.Index(fields=["campaign", "-id"], name="page_copy_of_campaign"),
            models.Index(fields=["store", "campaign"], name="page_copy_open", condition=models.Q(done_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"page text of {self.campaign_id}, {self.total} items"


class ParkedState(models.TextChoices):
    """How a parked close stands; the first two are open."""

    WAITING = "waiting", _("Waiting")
    CLEAR = "clear", _("The way is clear: your turn")
    DONE = "done", _("Carried out")
    REFUSED = "refused", _("Not carried out")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    OVERTAKEN = "overtaken", _("No longer needed")
    EXPIRED = "expired", _("Expired with the campaign")


class ParkedClose(models.Model):
    """A close that was refused and waits until nothing stands in its way; then it acts, or asks, as chosen.

    It runs with the rights that the person holds at that moment, and ends with the campaign at the latest.
    """

    OPEN = (ParkedState.WAITING, ParkedState.CLEAR)

    class Then(models.TextChoices):
        """What happens when the way is clear."""

        ACT = "act", _("Do it at once")
        ASK = "ask", _("Send me a message and wait for me")

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="parked")
    action = models.CharField(max_length=10)
    then = models.CharField(max_length=3, choices=Then.choices)
    state = models.CharField(max_length=9, choices=ParkedState.choices, default=ParkedState.WAITING)
    reason = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=500, blank=True)
    freeze_claimed = models.BooleanField(default=False)
    actor = models.JSONField(default=dict, help_text="Who parked it, as the record names them.")
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    blockers = models.JSONField(default=list, help_text="Codes of the guards in its way at the last look.")
    looked_at = models.DateTimeField(null=True)
    next_look_at = models.DateTimeField(null=True)
    clear_since = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    outcome = models.JSONField(null=True, help_text="Why it was not carried out: code and words.")

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign"], condition=models.Q(state__in=["waiting", "clear"]), name="parked_once"
            )
        ]
        indexes = [
            models.Index(fields=["store", "-id"], name="parked_list"),
            models.Index(fields=["store", "state", "-id"], name="parked_by_state"),
            models.Index(
                fields=["next_look_at"], name="parked_due", condition=models.Q(state__in=["waiting", "clear"])
            ),
        ]

    def __str__(self) -> str:
        return f"parked {self.action} of {self.campaign_id}"

    @property
    def is_open(self) -> bool:
        """Whether it still waits."""
        return self.state in self.OPEN
