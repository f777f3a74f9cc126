"""Limits of publishing, probes of public pages and outbound calls."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class PublishingRules(Rules):
    """How sites are brought up to date."""

    key: ClassVar[str] = "publishing"

    batch: int = Field(default=500, ge=1, description=_("Listings per transaction."))
    http_batch: int = Field(default=100, ge=1, description=_("Listings per call to a merchant's own server."))
    http_grow_after: int = Field(
        default=10,
        ge=1,
        description=_(
            "Full calls in a row after which a merchant's server that refused a call as too large is sent more."
        ),
    )
    http_grow_percent: int = Field(
        default=25, ge=1, le=100, description=_("Percent by which such a call grows, by one listing at least.")
    )
    http_refused_pages: int = Field(
        default=20,
        ge=1,
        description=_(
            "Listings refused one after another, each alone too large, after which the whole site counts as failing."
        ),
    )
    refused_pages_shown: int = Field(
        default=20, ge=1, description=_("Listings too large for their site that the page of sites names.")
    )
    run_seconds: int = Field(
        default=30, ge=1, description=_("Longest run of one publisher before it makes way and comes again.")
    )
    hurry: int = Field(
        default=30, ge=0, description=_("Seconds to the next try of a failing site when something new is wanted.")
    )
    requeue_after: int = Field(
        default=300, ge=1, description=_("Seconds until a site whose tries were used up is tried anew.")
    )


class ProbeRules(Rules):
    """How public pages are read as a buyer reads them (R40, R50)."""

    key: ClassVar[str] = "probe"

    concurrency: int = Field(default=16, ge=1, description=_("Pages read at the same time."))
    per_host: int = Field(default=16, ge=1, description=_("Pages of one server read at the same time."))
    connect_timeout: float = Field(default=3.0, gt=0, description=_("Seconds to reach the server of a public page."))
    read_timeout: float = Field(default=10.0, gt=0, description=_("Seconds between two pieces of a public page."))
    total_timeout: float = Field(default=20.0, gt=0, description=_("Seconds for one public page."))
    max_page_bytes: int = Field(
        default=2 * 1024 * 1024, ge=1, description=_("Largest public page that is read, in bytes.")
    )
    excerpt_length: int = Field(default=400, ge=0, description=_("Characters kept around a leftover."))
    batch: int = Field(default=200, ge=1, description=_("Pages between two reports of progress."))
    clients: tuple[str, ...] = Field(
        default=("desktop", "phone", "private"), description=_("R50: clients as which a public page is read.")
    )


class OutboundRules(Rules):
    """Every call out of the house."""

    key: ClassVar[str] = "outbound"

    connect_timeout: float = Field(default=5.0, gt=0, description=_("Seconds to reach a server outside."))
    read_timeout: float = Field(
        default=15.0, gt=0, description=_("Seconds between two pieces of an answer from outside.")
    )
    total_timeout: float = Field(default=30.0, gt=0, description=_("Seconds for one call to a server outside."))
    max_bytes: int = Field(
        default=1024 * 1024, ge=1, description=_("Largest answer of a server outside that is read, in bytes.")
    )
