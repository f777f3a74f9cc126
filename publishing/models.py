"""Language sites and what each of them shows."""

from __future__ import annotations

from django.db import models
from django.utils.translation import gettext_lazy as _
from django_scopes import ScopedManager

from accounts.models import Store
from listings.models import Listing


class Publisher(models.TextChoices):
    """How a site is told."""

    BUILTIN = "builtin", _("This installation")
    HTTP = "http", _("The merchant's own server")


class Site(models.Model):
    """One language storefront of a store."""

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="sites")
    code = models.SlugField(max_length=20)
    language = models.CharField(max_length=10)
    currency = models.CharField(max_length=3)
    publisher = models.CharField(max_length=8, choices=Publisher.choices, default=Publisher.BUILTIN)
    endpoint = models.URLField(blank=True, help_text="Where an http site takes signed JSON.")
    secret = models.CharField(max_length=80, blank=True)
    page_url = models.CharField(
        max_length=300, blank=True, help_text="Where buyers find a page of an http site: …/{listing}."
    )
    is_active = models.BooleanField(default=True)
    pace = models.JSONField(
        default=dict,
        db_default={},
        help_text="What its server takes in one call (publishing.pace); empty: no call was too large.",
    )

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["store", "code"], name="site_once")]
        ordering = ["id"]

    def __str__(self) -> str:
        return self.code


class Publication(models.Model):
    """What a site should show of a listing (`desired_version`) and what it was last told (`published_version`).

    Every stop writes these rows, so they carry as few indexes as can be: `publication_once` finds them by listing (and site), and
    `publication_due` what is due on a site.
    """

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="+")
    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="publications", db_index=False)
    listing = models.ForeignKey(Listing, on_delete=models.CASCADE, related_name="publications", db_index=False)
    desired_version = models.PositiveIntegerField(default=1)
    published_version = models.PositiveIntegerField(default=0)
    wanted_at = models.DateTimeField()
    published_at = models.DateTimeField(null=True)

    objects = ScopedManager(store="store")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["listing", "site"], name="publication_once")]
        indexes = [
            models.Index(
                fields=["site", "id"],
                name="publication_due",
                condition=models.Q(desired_version__gt=models.F("published_version")),
            )
        ]

    def __str__(self) -> str:
        return f"{self.listing_id} on {self.site_id}"


class PublishedPage(models.Model):
    """The published snapshot a buyer's page is made of: titles, SKUs with sale prices, offers with their windows."""

    publication = models.OneToOneField(Publication, primary_key=True, on_delete=models.CASCADE, related_name="page")
    version = models.PositiveIntegerField()
    document = models.JSONField()
    stamp = models.DateTimeField(help_text="The time of the change last published (R50).")

    def __str__(self) -> str:
        return f"page of {self.publication_id}"


class RefusedPage(models.Model):
    """A page that the merchant's server refused alone, at this version: not sent again until it changes or somebody asks for it."""

    publication = models.OneToOneField(Publication, primary_key=True, on_delete=models.CASCADE, related_name="refused")
    version = models.PositiveIntegerField()
    fault = models.JSONField(help_text="A core.faults.Fault.")
    refused_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"refusal of {self.publication_id}"
