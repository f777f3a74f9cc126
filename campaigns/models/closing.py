"""What a close did, step by step; the checks after it; what they found; the archive."""

from __future__ import annotations

from typing import Any

from django.db import models
from django.db.models import Value
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from campaigns.models.campaign import Campaign
from listings.models import Listing
from publishing.models import Site


class CloseKind(models.TextChoices):
    """R2."""

    AUTO = "auto", _("By itself, at the end")
    MANUAL = "manual", _("By hand, before the end")


class Closing(models.Model):
    """One close of a campaign. `steps` is the ordered list of the API, kept in one row so that a herd of closes stays cheap.

    A step: `{"key", "state", "done", "total", "started_at", "finished_at", "evidence", "attempts", "error"}`.
    `next_due_at` is when a worker must look at the row again; null once every step is done.

    The close stays open until display, coupons and archive are verified (R43): `completed_at`, with the hash of what was seen then
    (`evidence`, which the audit log holds too). `overdue` names the points of that list that people were told are late. `order_flow` is
    what a dry quote after the close answered (R47).
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="closings", db_index=False)
    close_kind = models.CharField(max_length=6, choices=CloseKind.choices)
    closed_at = models.DateTimeField(help_text="The cut-over: later orders have no promotion (R13).")
    closed_by = models.CharField(max_length=160)
    reason = models.CharField(max_length=40, blank=True)
    note = models.CharField(max_length=500, blank=True)
    forecast = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    differences = models.JSONField(default=list)
    steps = models.JSONField(default=list)
    next_due_at = models.DateTimeField(null=True)
    finalised_at = models.DateTimeField(null=True)
    taken_back_at = models.DateTimeField(null=True)
    verified_at = models.DateTimeField(null=True)
    archived_at = models.DateTimeField(null=True)
    order_flow = models.JSONField(default=dict, db_default=Value({}, models.JSONField()))
    overdue = models.JSONField(default=list, db_default=Value([], models.JSONField()))
    completed_at = models.DateTimeField(null=True)
    evidence = models.CharField(max_length=64, blank=True, default="", db_default="")

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [
            models.Index(
                fields=["store", "closed_at"],
                name="closing_open",
                condition=models.Q(completed_at__isnull=True, taken_back_at__isnull=True),
            ),
            models.Index(fields=["campaign", "-id"], name="closing_of_campaign"),
            models.Index(fields=["next_due_at"], name="closing_due", condition=models.Q(next_due_at__isnull=False)),
            models.Index(fields=["store", "-closed_at"], name="closing_list"),
        ]

    def __str__(self) -> str:
        return f"close of {self.campaign_id} at {self.closed_at:%Y-%m-%dT%H:%M:%SZ}"


class Occasion(models.TextChoices):
    """What a check follows."""

    PAUSE = "pause", _("Pause")
    CLOSE = "close", _("Close")
    CLEANUP = "cleanup", _("Clean-up of leftovers")
    ITEMS = "items", _("End of single items")


class CheckState(models.TextChoices):
    """How a check stands."""

    PENDING = "pending", _("Waiting")
    RUNNING = "running", _("Running")
    PASSED = "passed", _("Clean")
    LEFTOVER = "leftover", _("Leftovers found")
    FAILED = "failed", _("Could not read the pages")
    DROPPED = "dropped", _("No longer needed")


class Check(models.Model):
    """One visit to every public page of a campaign, as three clients (R40-R50); with a `scope`, to some of them.

    `scope` is `{"pages": [[site, listing], …]}` for the pages of leftovers that were cleared, `{"skus": [ids], "since": moment}` for the
    pages of items that ended alone (R4); null for all pages.

    `results` holds a row per site and client: `{"site", "client", "state", "pages", "leftovers", "failed", "first", "last", "hash"}`.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="checks", db_index=False)
    closing = models.ForeignKey(Closing, null=True, on_delete=models.CASCADE, related_name="checks")
    occasion = models.CharField(max_length=8, choices=Occasion.choices)
    number = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    state = models.CharField(max_length=8, choices=CheckState.choices, default=CheckState.PENDING)
    lease_until = models.DateTimeField(null=True)
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    pages_done = models.PositiveIntegerField(default=0)
    pages_total = models.PositiveIntegerField(default=0)
    leftover_count = models.PositiveIntegerField(default=0)
    results = models.JSONField(default=list)
    scope = models.JSONField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [
            models.Index(fields=["campaign", "-id"], name="check_of_campaign"),
            models.Index(fields=["due_at"], name="check_due", condition=models.Q(state__in=["pending", "running"])),
        ]

    def __str__(self) -> str:
        return f"check {self.number} of {self.campaign_id}"

    @property
    def skus(self) -> list[int]:
        """The ids of the SKUs that it is about; empty for a check of the campaign as a whole."""
        return list((self.scope or {}).get("skus", ()))

    @property
    def pages(self) -> set[tuple[int, int]] | None:
        """The pages it is confined to, as (site, listing); None when it is not."""
        pages = (self.scope or {}).get("pages")
        return None if pages is None else {(site, listing) for site, listing in pages}

    @property
    def unread(self) -> dict[str, Any]:
        """The sites of which some page could not be read, each with what its server did the last time, as it is kept."""
        return {line["site"]: line.get("error", "") for line in self.results if line.get("failed")}


class Leftover(models.Model):
    """Something of a stopped promotion that a buyer could still see, with its age (R43, R145)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+", db_index=False)
    campaign = models.ForeignKey(Campaign, on_delete=models.CASCADE, related_name="leftovers")
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    client = models.CharField(max_length=8)
    what = models.CharField(max_length=8, help_text="tag or price")
    page_url = models.URLField(max_length=500)
    excerpt = models.CharField(max_length=500, blank=True)
    first_seen_at = models.DateTimeField()
    last_seen_at = models.DateTimeField()
    republished_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["campaign", "listing", "site", "client", "what"],
                condition=models.Q(cleared_at=None),
                name="leftover_once",
            )
        ]
        indexes = [
            models.Index(fields=["store", "-id"], name="leftover_list"),
            models.Index(fields=["store", "-id"], name="leftover_open", condition=models.Q(cleared_at__isnull=True)),
        ]

    def __str__(self) -> str:
        return f"{self.what} of {self.campaign_id} on {self.page_url}"


class CampaignArchive(models.Model):
    """The campaign's settings, items and figures as they stood; a trigger refuses changes (R36, R37). No buyer data (R147)."""

    campaign = models.OneToOneField(Campaign, primary_key=True, on_delete=models.CASCADE, related_name="archive")
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    archived_at = models.DateTimeField()
    document = models.JSONField()
    sha256 = models.CharField(max_length=64)

    objects = ScopedManager(store="store")

    def __str__(self) -> str:
        return f"archive of {self.campaign_id}"
