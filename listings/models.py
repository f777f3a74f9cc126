"""Store profile, categories, brands, listings, SKUs, live offers, price history, jobs."""

from __future__ import annotations

from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models.functions import Now
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _
from django_fsm import FSMField, FSMModelMixin, transition
from django_scopes import ScopedManager

from accounts.models import Store, User

MONEY: dict[str, Any] = {"max_digits": 14, "decimal_places": 3}


class StoreProfile(models.Model):
    """What buyers see of a store. Logo, banner and main category are the basic decoration (R27, R102)."""

    store = models.OneToOneField(Store, on_delete=models.CASCADE, related_name="profile")
    logo = models.CharField(max_length=200, blank=True)
    banner = models.CharField(max_length=200, blank=True)
    main_category = models.ForeignKey("listings.Category", null=True, blank=True, on_delete=models.PROTECT)
    decoration_waived = models.BooleanField(default=False)

    def __str__(self) -> str:
        return f"profile of {self.store_id}"


class Category(models.Model):
    """A node of the tree; the 22 first-level codes are fixed (R79, glossary)."""

    code = models.SlugField(max_length=40, unique=True)
    parent = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="children")
    name = models.CharField(max_length=80)
    name_zh = models.CharField(max_length=80)
    position = models.PositiveSmallIntegerField(default=0)

    class Meta:
        ordering = ["position", "id"]
        verbose_name_plural = "categories"

    def __str__(self) -> str:
        return self.label

    @property
    def label(self) -> str:
        """The name in the page's language."""
        return self.name_zh if (get_language() or "").startswith("zh") else self.name


class Brand(models.Model):
    """Free text, made on first use, one row per store and name."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="brands")
    name = models.CharField(max_length=80)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "name"], name="brand_once")]

    def __str__(self) -> str:
        return self.name


class ListingState(models.TextChoices):
    """States of a listing."""

    DRAFT = "draft", _("Draft")
    IN_REVIEW = "in_review", _("In review")
    ON_SALE = "on_sale", _("On sale")
    DELISTING = "delisting", _("Delisting")
    DELISTED = "delisted", _("Delisted")
    TAKEN_DOWN = "taken_down", _("Taken down")


class Management(models.TextChoices):
    """Who sells: the merchant, or the platform for the merchant (R127)."""

    SELF = "self", _("Self-run")
    FULLY_MANAGED = "fully_managed", _("Fully managed")


class Fulfilment(models.TextChoices):
    """Only for fully-managed goods (R126)."""

    STOCK = "stock", _("Stock ahead")
    JIT = "jit", _("JIT")


class Listing(FSMModelMixin, models.Model):
    """One product page. `titles` maps a site language to its title; `title` is the fallback.

    The transitions below are the only declaration of its states' edges; a database trigger holds the same ones.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="listings")
    title = models.CharField(max_length=255)
    titles = models.JSONField(default=dict)
    category = models.ForeignKey(Category, on_delete=models.PROTECT, related_name="listings")
    brand = models.ForeignKey(Brand, null=True, blank=True, on_delete=models.PROTECT, related_name="listings")
    state = FSMField(max_length=10, choices=ListingState.choices, default=ListingState.ON_SALE, protected=True)
    delist_at = models.DateTimeField(null=True, blank=True, help_text="While delisting: when it ends (R164).")
    management = models.CharField(max_length=13, choices=Management.choices, default=Management.SELF)
    fulfilment = models.CharField(max_length=5, choices=Fulfilment.choices, null=True, blank=True)
    logistics_template = models.CharField(max_length=80, blank=True)
    main_image = models.CharField(max_length=200, blank=True)
    search_terms = ArrayField(models.CharField(max_length=64), default=list, help_text="Words and Chinese bigrams.")
    version = models.PositiveIntegerField(default=1)
    created_at = models.DateTimeField(db_default=Now())
    updated_at = models.DateTimeField(db_default=Now())

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [
            models.Index(fields=["store", "state", "-id"], name="listing_list"),
            models.Index(fields=["store", "-id"], name="listing_all"),
            models.Index(fields=["store", "category", "-id"], name="listing_category"),
            GinIndex(fields=["search_terms"], name="listing_search"),
            models.Index(fields=["delist_at"], name="listing_delist_due", condition=models.Q(state="delisting")),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def label(self) -> str:
        """The title in the page's language."""
        language = "zh" if (get_language() or "").startswith("zh") else (get_language() or "en")[:2]
        return str(self.titles.get(language) or self.title)

    @transition(field=state, source=ListingState.DRAFT, target=ListingState.IN_REVIEW)
    def submit(self) -> None:
        """Goods that somebody looks at first (R125)."""

    @transition(field=state, source=ListingState.IN_REVIEW, target=ListingState.DRAFT)
    def return_to_draft(self) -> None:
        """Returned with a reason (R112)."""

    @transition(
        field=state,
        source=[ListingState.DRAFT, ListingState.IN_REVIEW, ListingState.DELISTING, ListingState.DELISTED],
        target=ListingState.ON_SALE,
    )
    def put_on_sale(self) -> None:
        """上架."""

    @transition(field=state, source=ListingState.ON_SALE, target=ListingState.DELISTING)
    def begin_delisting(self) -> None:
        """Stock is zero, the page stays until `delist_at` (R164)."""

    @transition(field=state, source=[ListingState.ON_SALE, ListingState.DELISTING], target=ListingState.DELISTED)
    def delist(self) -> None:
        """下架 (R113)."""

    @transition(field=state, source=[ListingState.ON_SALE, ListingState.DELISTING], target=ListingState.TAKEN_DOWN)
    def take_down(self) -> None:
        """Taken off by a rule, such as a missed document (R107)."""

    @transition(field=state, source=ListingState.TAKEN_DOWN, target=ListingState.ON_SALE)
    def restore(self) -> None:
        """The rule is met again (R110)."""


class Sku(models.Model):
    """What is priced and stocked. The code is unique in its store, case-sensitive; letters, digits and hyphens (R90)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="skus")
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="skus")
    code = models.CharField(max_length=64)
    position = models.PositiveSmallIntegerField(default=0)
    sale_price = models.DecimalField(**MONEY)
    currency = models.CharField(max_length=3)
    cost = models.DecimalField(**MONEY, null=True, blank=True)
    stock = models.IntegerField(default=0)
    reserved = models.IntegerField(default=0)
    stock_as_of = models.DateTimeField(null=True, blank=True)
    stock_synced_at = models.DateTimeField(
        null=True,
        blank=True,
        help_text="When another system told the figure last; empty where people count (R65, R183).",
    )

    objects = ScopedManager(store="store")

    class Meta:
        ordering = ["position", "id"]
        constraints = [
            models.UniqueConstraint(fields=["store", "code"], name="sku_code_once"),
            models.CheckConstraint(condition=models.Q(sale_price__gt=0), name="sku_price_positive"),
            models.CheckConstraint(condition=models.Q(stock__gte=0), name="sku_stock_not_negative"),
            models.CheckConstraint(condition=models.Q(reserved__gte=0), name="sku_reserved_not_negative"),
        ]
        indexes = [models.Index(fields=["listing", "position", "id"], name="sku_of_listing")]

    def __str__(self) -> str:
        return self.code

    @property
    def available(self) -> int:
        """Units a buyer may still have."""
        return max(0, self.stock - self.reserved)


class LiveOffer(models.Model):
    """The one place where "what promotion does this SKU show now" is written.

    An offer counts while `active` and `starts_at <= now < ends_at`. `price` is null where the campaign discounts the order and the
    item only wears a tag. `active` is in no index, and half of each page is left free (fillfactor 50), so that stopping ten thousand
    offers stays a heap-only update. The indexes below serve the foreign keys too.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="offers", db_index=False)
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="offers", db_index=False)
    campaign_code = models.CharField(max_length=12)
    kind = models.CharField(max_length=24)
    label = models.CharField(max_length=120)
    label_zh = models.CharField(max_length=120, blank=True, default="", db_default="")
    price = models.DecimalField(**MONEY, null=True)
    stacks = models.BooleanField(default=False)
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    active = models.BooleanField(default=True)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["campaign_code", "sku"], name="offer_once")]
        indexes = [
            models.Index(fields=["listing"], name="offer_of_listing"),
            models.Index(fields=["sku"], name="offer_of_sku"),
        ]

    def __str__(self) -> str:
        return f"{self.campaign_code} on {self.sku_id}"


class ChangeSource(models.TextChoices):
    """Where a change came from (R93)."""

    MANUAL = "manual", _("By hand")
    API = "api", _("API")
    IMPORT = "import", _("Import")
    RESTORE = "restore", _("Restored after a campaign")
    UNDO = "undo", _("Restoring undone")


class PriceHistory(models.Model):
    """Every sale price a SKU has had, with who set it (R45)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    sku = models.ForeignKey(Sku, on_delete=models.CASCADE, related_name="price_history")
    at = models.DateTimeField()
    before = models.DecimalField(**MONEY, null=True)
    after = models.DecimalField(**MONEY)
    source = models.CharField(max_length=8, choices=ChangeSource.choices)
    actor_label = models.CharField(max_length=160)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [models.Index(fields=["store", "sku", "-at"], name="price_history_of_sku")]

    def __str__(self) -> str:
        return f"{self.sku_id} {self.after}"


class JobState(models.TextChoices):
    """States of a background job."""

    QUEUED = "queued", _("Queued")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class Job(models.Model):
    """A long piece of work with per-row results (`GET /jobs/{id}`)."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="jobs")
    kind = models.CharField(max_length=32)
    state = models.CharField(max_length=8, choices=JobState.choices, default=JobState.QUEUED)
    params = models.JSONField(default=dict)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    failed = models.PositiveIntegerField(default=0)
    rows = models.JSONField(default=list)
    file = models.CharField(max_length=255, blank=True)
    created_by = models.ForeignKey(User, null=True, on_delete=models.SET_NULL, related_name="+")
    created_at = models.DateTimeField(db_default=Now())
    lease_until = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        indexes = [models.Index(fields=["id"], name="job_due", condition=models.Q(state__in=["queued", "running"]))]

    def __str__(self) -> str:
        return f"{self.kind} {self.id} {self.state}"
