"""Limits of campaigns and of closing them."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class ClosingRules(Rules):
    """Bulk limits, batches of the closing engine, checks after a close (R35-R50)."""

    key: ClassVar[str] = "closing"

    bulk_cancel_max: int = Field(default=20, ge=1, description=_("Campaigns in one bulk cancel; more is refused."))
    bulk_warn_percent: int = Field(
        default=30,
        ge=0,
        le=100,
        description=_("Share of the products on promotion, taken off at once, that warns (R161)."),
    )
    bulk_max: int = Field(default=1000, ge=1, description=_("Campaigns in one bulk pause or resume by the API."))
    bulk_job_max: int = Field(default=10_000, ge=1, description=_("Campaigns in one bulk pause or resume as a job."))
    park_look: int = Field(
        default=15, ge=1, description=_("Seconds between two looks at the guards of a parked close.")
    )
    park_batch: int = Field(default=500, ge=1, description=_("Parked closes looked at in one transaction."))
    batch: int = Field(default=1000, ge=1, description=_("Campaigns per transaction of a sweep."))
    item_batch: int = Field(default=10_000, ge=1, description=_("Items per transaction of the closing engine."))
    step_attempts: int = Field(default=5, ge=1, description=_("Tries of a step before it is shown as failed."))
    step_backoff: int = Field(default=10, ge=1, description=_("Seconds before the second try; doubles each time."))
    step_backoff_cap: int = Field(default=600, ge=1, description=_("Seconds, longest wait between tries."))
    recheck_delay: int = Field(
        default=20, ge=1, description=_("Seconds between clearing a leftover and looking again.")
    )
    recheck_rounds: int = Field(default=3, ge=1, description=_("Rounds of clearing before people are told."))
    check_lease: int = Field(
        default=300, ge=1, description=_("Seconds a check may be silent before another worker takes it.")
    )
    archive_alarm: int = Field(
        default=7200, ge=1, description=_("Seconds after the close when a missing archive alarms, R36.")
    )
    form_token_ttl: int = Field(default=3600, ge=1, description=_("Seconds a stop form may stay open."))
    form_wait: float = Field(default=5.0, ge=0, description=_("Seconds a second submit waits for the first."))
    reason_codes: tuple[str, ...] = Field(
        default=("season", "ab_test", "supply_chain", "poor_effect", "other"),
        description=_("R10: reasons of a close; any other text is kept as the note of `other`."),
    )
    bulk_batch: int = Field(default=200, ge=1, description=_("Campaigns per transaction of a bulk act by a person."))
    recheck_delay_first: int = Field(
        default=5, ge=0, description=_("Seconds between clearing a leftover and the first look.")
    )
    check_workers: int = Field(default=1, ge=1, description=_("Workers that read public pages at the same time."))
    check_budget: int = Field(
        default=60, ge=1, description=_("Seconds after which a reader of pages makes room for other work.")
    )
    check_pages: int = Field(default=20_000, ge=1, description=_("Page visits that a worker takes on at once."))
    poll_first: int = Field(
        default=2, ge=1, description=_("Seconds between two looks at a close whose steps are open.")
    )
    poll_longest: int = Field(default=60, ge=1, description=_("The same for a close that stays open."))
    publish_alarm: int = Field(
        default=900, ge=1, description=_("Seconds until sites that were not told fail their step.")
    )
    leftovers_shown: int = Field(default=100, ge=1, description=_("Leftovers listed in a close report."))
    checks_shown: int = Field(
        default=12, ge=1, description=_("Latest checks listed on a campaign and in a close report.")
    )
    review_page: int = Field(default=100, ge=1, description=_("Prices to review on a page of a close report."))
    check_samples: int = Field(
        default=1, ge=0, description=_("Pages kept as evidence per check, site and client, R50.")
    )
    verify_slack: int = Field(
        default=300, ge=0, description=_("Seconds beyond its limit until an open point of a close is overdue, R43.")
    )
    overdue_messages: int = Field(
        default=20, ge=1, description=_("Overdue closes told one by one; more at a time become one message.")
    )
    patrol_period: int = Field(default=60, ge=1, description=_("Seconds between two turns of the patrol, R43."))
    patrol_listings: int = Field(
        default=100,
        ge=0,
        description=_("Listings of closed campaigns whose pages a turn of the patrol reads; 0 stops it."),
    )
    clear_max: int = Field(default=10_000, ge=1, description=_("Leftovers cleared by one command."))
    flow_samples: int = Field(default=5, ge=0, description=_("SKUs that a dry quote asks for after a close, R47."))
    review_shown: int = Field(default=10_000, ge=1, description=_("Prices to review listed in a close report."))


class CampaignRules(Rules):
    """What a campaign may hold."""

    key: ClassVar[str] = "campaigns"

    max_items: int = Field(default=100_000, ge=1, description=_("Items in one campaign."))
    items_per_call: int = Field(default=10_000, ge=1, description=_("Items in one form or API call."))
    name_max: int = Field(default=120, ge=1, description=_("Longest name of a campaign, in characters."))
    latest_end_days: int = Field(default=3660, ge=1, description=_("How far ahead a campaign may end."))
    earliest_start_days: int = Field(default=3660, ge=1, description=_("How far back a campaign may say it started."))
    warning_sample: int = Field(default=20, ge=1, description=_("SKUs and campaigns named in one warning."))
    page_size: int = Field(default=50, ge=1, description=_("Campaigns on one page."))
    page_size_max: int = Field(
        default=200, ge=1, description=_("Campaigns on one page at most, where the page asks for more.")
    )
    link_choices: int = Field(
        default=200, ge=1, description=_("Campaigns, or coupons, offered in a list to link with.")
    )
    count_limit: int = Field(default=1000, ge=1, description=_("A list counts its matches no further than this."))
    timeline_events: int = Field(default=12, ge=1, description=_("Audit events on a campaign's page."))
    preview_items: int = Field(default=5, ge=1, description=_("Products on a campaign's page."))
    reject_reasons: tuple[str, ...] = Field(
        default=("price", "stock", "quality", "venue", "other"),
        description=_("Why platform staff refuse an enrolment; any other text is kept as the note of `other`."),
    )
    plan_campaigns: int = Field(default=200, ge=1, description=_("Campaigns in one affiliate plan."))
