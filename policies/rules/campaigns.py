"""Limits of campaigns and of closing them."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from policies.rules.base import Rules


class ClosingRules(Rules):
    """Bulk limits, batches of the closing engine, checks after a close (R35-R50)."""

    key: ClassVar[str] = "closing"

    bulk_cancel_max: int = Field(default=20, ge=1, description="Campaigns in one bulk cancel; more is refused.")
    bulk_warn_percent: int = Field(
        default=30,
        ge=0,
        le=100,
        description="Share of the products on promotion, taken off at once, that warns (R161).",
    )
    bulk_max: int = Field(default=1000, ge=1, description="Campaigns in one bulk pause or resume by the API.")
    bulk_job_max: int = Field(default=10_000, ge=1, description="Campaigns in one bulk pause or resume as a job.")
    park_look: int = Field(default=15, ge=1, description="Seconds between two looks at the guards of a parked close.")
    park_batch: int = Field(default=500, ge=1, description="Parked closes looked at in one transaction.")
    batch: int = Field(default=1000, ge=1, description="Campaigns per transaction of a sweep.")
    item_batch: int = Field(default=10_000, ge=1, description="Items per transaction of the closing engine.")
    step_attempts: int = Field(default=5, ge=1, description="Tries of a step before it is shown as failed.")
    step_backoff: int = Field(default=10, ge=1, description="Seconds before the second try; doubles each time.")
    step_backoff_cap: int = Field(default=600, ge=1, description="Seconds, longest wait between tries.")
    recheck_delay: int = Field(default=20, ge=1, description="Seconds between clearing a leftover and looking again.")
    recheck_rounds: int = Field(default=3, ge=1, description="Rounds of clearing before people are told.")
    check_lease: int = Field(
        default=300, ge=1, description="Seconds a check may be silent before another worker takes it."
    )
    archive_alarm: int = Field(
        default=7200, ge=1, description="Seconds after the close when a missing archive alarms, R36."
    )
    form_token_ttl: int = Field(default=3600, ge=1, description="Seconds a stop form may stay open.")
    form_wait: float = Field(default=5.0, ge=0, description="Seconds a second submit waits for the first.")
    reason_codes: tuple[str, ...] = Field(
        default=("season", "ab_test", "supply_chain", "poor_effect", "other"),
        description="R10: reasons of a close; any other text is kept as the note of `other`.",
    )
    bulk_batch: int = Field(default=200, ge=1, description="Campaigns per transaction of a bulk act by a person.")
    recheck_delay_first: int = Field(
        default=5, ge=0, description="Seconds between clearing a leftover and the first look."
    )
    check_workers: int = Field(default=1, ge=1, description="Workers that read public pages at the same time.")
    check_budget: int = Field(
        default=60, ge=1, description="Seconds after which a reader of pages makes room for other work."
    )
    check_pages: int = Field(default=20_000, ge=1, description="Page visits that a worker takes on at once.")
    poll_first: int = Field(default=2, ge=1, description="Seconds between two looks at a close whose steps are open.")
    poll_longest: int = Field(default=60, ge=1, description="The same for a close that stays open.")
    publish_alarm: int = Field(default=900, ge=1, description="Seconds until sites that were not told fail their step.")
    leftovers_shown: int = Field(default=100, ge=1, description="Leftovers listed in a close report.")
    review_page: int = Field(default=100, ge=1, description="Prices to review on a page of a close report.")
    check_samples: int = Field(default=1, ge=0, description="Pages kept as evidence per check, site and client, R50.")
    verify_slack: int = Field(
        default=300, ge=0, description="Seconds beyond its limit until an open point of a close is overdue, R43."
    )
    overdue_messages: int = Field(
        default=20, ge=1, description="Overdue closes told one by one; more at a time become one message."
    )
    patrol_period: int = Field(default=60, ge=1, description="Seconds between two turns of the patrol, R43.")
    patrol_listings: int = Field(
        default=100,
        ge=0,
        description="Listings of closed campaigns whose pages a turn of the patrol reads; 0 stops it.",
    )
    clear_max: int = Field(default=10_000, ge=1, description="Leftovers cleared by one command.")
    flow_samples: int = Field(default=5, ge=0, description="SKUs that a dry quote asks for after a close, R47.")
    review_shown: int = Field(default=10_000, ge=1, description="Prices to review listed in a close report.")


class CampaignRules(Rules):
    """What a campaign may hold."""

    key: ClassVar[str] = "campaigns"

    max_items: int = Field(default=100_000, ge=1, description="Items in one campaign.")
    items_per_call: int = Field(default=10_000, ge=1, description="Items in one form or API call.")
    name_max: int = Field(default=120, ge=1)
    latest_end_days: int = Field(default=3660, ge=1, description="How far ahead a campaign may end.")
    earliest_start_days: int = Field(default=3660, ge=1, description="How far back a campaign may say it started.")
    warning_sample: int = Field(default=20, ge=1, description="SKUs and campaigns named in one warning.")
    page_size: int = Field(default=50, ge=1)
    page_size_max: int = Field(default=200, ge=1)
    link_choices: int = Field(default=200, ge=1, description="Campaigns, or coupons, offered in a list to link with.")
    count_limit: int = Field(default=1000, ge=1, description="A list counts its matches no further than this.")
    timeline_events: int = Field(default=12, ge=1, description="Audit events on a campaign's page.")
    preview_items: int = Field(default=5, ge=1, description="Products on a campaign's page.")
    reject_reasons: tuple[str, ...] = Field(
        default=("price", "stock", "quality", "venue", "other"),
        description="Why platform staff refuse an enrolment; any other text is kept as the note of `other`.",
    )
    plan_campaigns: int = Field(default=200, ge=1, description="Campaigns in one affiliate plan.")
