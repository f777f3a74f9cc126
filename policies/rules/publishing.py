"""Limits of publishing, probes of public pages and outbound calls."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from policies.rules.base import Rules


class PublishingRules(Rules):
    """How sites are brought up to date."""

    key: ClassVar[str] = "publishing"

    batch: int = Field(default=500, ge=1, description="Listings per transaction.")
    max_attempts: int = Field(default=10, ge=1)
    backoff: float = Field(default=2.0, gt=0, description="Seconds before the second try; doubles each time.")
    backoff_cap: int = Field(default=3600, ge=1, description="Seconds.")
    lease: int = Field(default=120, ge=1, description="Seconds a site's publisher may be silent.")
    stale_after: int = Field(default=60, ge=1, description="Seconds until an unpublished change warns.")
    http_batch: int = Field(default=100, ge=1, description="Listings per call to a merchant's own server.")
    run_seconds: int = Field(
        default=30, ge=1, description="Longest run of one publisher before it makes way and comes again."
    )
    hurry: int = Field(
        default=30, ge=0, description="Seconds to the next try of a failing site when something new is wanted."
    )
    requeue_after: int = Field(
        default=300, ge=1, description="Seconds until a site whose tries were used up is tried anew."
    )


class ProbeRules(Rules):
    """How public pages are read as a buyer reads them (R40, R50)."""

    key: ClassVar[str] = "probe"

    concurrency: int = Field(default=16, ge=1)
    per_host: int = Field(default=16, ge=1)
    connect_timeout: float = Field(default=3.0, gt=0, description="Seconds.")
    read_timeout: float = Field(default=10.0, gt=0, description="Seconds.")
    total_timeout: float = Field(default=20.0, gt=0, description="Seconds for one page.")
    max_page_bytes: int = Field(default=2 * 1024 * 1024, ge=1)
    excerpt_length: int = Field(default=400, ge=0, description="Characters kept around a leftover.")
    batch: int = Field(default=200, ge=1, description="Pages between two reports of progress.")
    clients: tuple[str, ...] = ("desktop", "phone", "private")


class OutboundRules(Rules):
    """Every call out of the house."""

    key: ClassVar[str] = "outbound"

    connect_timeout: float = Field(default=5.0, gt=0, description="Seconds.")
    read_timeout: float = Field(default=15.0, gt=0, description="Seconds.")
    total_timeout: float = Field(default=30.0, gt=0, description="Seconds.")
    max_bytes: int = Field(default=1024 * 1024, ge=1, description="Of an answer.")
