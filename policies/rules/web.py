"""Limits of sign-in, sessions and the API."""

from __future__ import annotations

from typing import ClassVar

from django.utils.translation import gettext_noop as _
from pydantic import Field

from policies.rules.base import Rules


class SignInRules(Rules):
    """How often a password may be tried."""

    key: ClassVar[str] = "sign_in"

    attempts_per_account: int = Field(
        default=5, ge=1, description=_("Failed tries of one account and address in the window.")
    )
    account_window: int = Field(default=300, ge=1, description=_("Seconds of the window for one account and address."))
    attempts_per_address: int = Field(default=20, ge=1, description=_("Tries from one address in its window."))
    address_window: int = Field(default=60, ge=1, description=_("Seconds of the window for one address."))
    accounts_per_address: int = Field(
        default=50, ge=1, description=_("Different accounts from one address in an hour.")
    )
    account_anywhere: int = Field(
        default=50, ge=1, description=_("Failed tries of one account in its window, all unknown devices together.")
    )
    account_anywhere_window: int = Field(
        default=3600, ge=1, description=_("Seconds of the window for one account, whatever the device.")
    )
    device_days: int = Field(default=180, ge=1, description=_("How long a device that signed in is known again."))
    resets_per_account: int = Field(default=5, ge=1, description=_("Password mails of one account in an hour."))
    resets_per_address: int = Field(
        default=20, ge=1, description=_("Password mails asked for from one address in an hour.")
    )


class SessionRules(Rules):
    """How long somebody stays signed in."""

    key: ClassVar[str] = "session"

    absolute: int = Field(default=12 * 3600, ge=60, description=_("Seconds from sign-in to the end, used or not."))
    idle: int = Field(default=2 * 3600, ge=60, description=_("Seconds without a request."))


class ApiRules(Rules):
    """What the REST API grants one token."""

    key: ClassVar[str] = "api"

    rate_per_second: int = Field(default=100, ge=1, description=_("API calls a second for one token."))
    burst: int = Field(default=1000, ge=1, description=_("API calls that a token may make at once after a rest."))
    page_size: int = Field(default=50, ge=1, description=_("Rows of an API list unless asked otherwise."))
    page_size_max: int = Field(default=200, ge=1, description=_("Rows of an API list at most."))
    max_body_bytes: int = Field(default=5 * 1024 * 1024, ge=1, description=_("Largest body of an API call, in bytes."))
    max_depth: int = Field(default=32, ge=1, description=_("Nesting of a JSON body."))
    idempotency_ttl: int = Field(default=24 * 3600, ge=1, description=_("Seconds a key is kept."))
    idempotency_wait: float = Field(default=5.0, ge=0, description=_("Seconds a concurrent duplicate waits."))
    idempotency_key_max: int = Field(default=255, ge=1, description=_("Longest idempotency key, in characters."))
    lock_wait: float = Field(
        default=10.0, gt=0, description=_("Seconds a change waits for rows that another one holds.")
    )
    deadlock_tries: int = Field(default=3, ge=1, description=_("Times a change is made again after a deadlock."))
    token_days: int = Field(default=365, ge=1, description=_("How long a new token works."))
    token_touch_seconds: int = Field(
        default=60, ge=1, description=_("Least seconds between two notes of a token's last use.")
    )
    events_per_call: int = Field(default=10_000, ge=1, description=_("Events of one API call at most."))


class DashboardRules(Rules):
    """What the dashboard counts as due."""

    key: ClassVar[str] = "dashboard"

    rows: int = Field(default=10, ge=1, description=_("Lines of one kind of work."))
    count_limit: int = Field(default=1000, ge=1, description=_("A figure counts no further than this."))
    trend_days: int = Field(default=14, ge=2, le=92, description=_("Days in the small charts of the figures."))
    ending_soon_seconds: int = Field(
        default=24 * 3600, ge=0, description=_("A campaign that ends within this is shown.")
    )
    check_slack_seconds: int = Field(default=900, ge=0, description=_("How late the last check after a close may be."))
    publish_slack_seconds: int = Field(
        default=60, ge=0, description=_("How long a page may wait to be published unnoticed.")
    )
