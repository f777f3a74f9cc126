"""Limits of sign-in, sessions and the API."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from policies.rules.base import Rules


class SignInRules(Rules):
    """How often a password may be tried."""

    key: ClassVar[str] = "sign_in"

    attempts_per_account: int = Field(
        default=5, ge=1, description="Failed tries of one account and address in the window."
    )
    account_window: int = Field(default=300, ge=1, description="Seconds.")
    attempts_per_address: int = Field(default=20, ge=1, description="Tries from one address in its window.")
    address_window: int = Field(default=60, ge=1, description="Seconds.")
    accounts_per_address: int = Field(default=50, ge=1, description="Different accounts from one address in an hour.")
    account_anywhere: int = Field(
        default=50, ge=1, description="Failed tries of one account in its window, all unknown devices together."
    )
    account_anywhere_window: int = Field(default=3600, ge=1, description="Seconds.")
    device_days: int = Field(default=180, ge=1, description="How long a device that signed in is known again.")
    resets_per_account: int = Field(default=5, ge=1, description="Password mails of one account in an hour.")
    resets_per_address: int = Field(
        default=20, ge=1, description="Password mails asked for from one address in an hour."
    )


class SessionRules(Rules):
    """How long somebody stays signed in."""

    key: ClassVar[str] = "session"

    absolute: int = Field(default=12 * 3600, ge=60, description="Seconds from sign-in to the end, used or not.")
    idle: int = Field(default=2 * 3600, ge=60, description="Seconds without a request.")


class ApiRules(Rules):
    """What the REST API grants one token."""

    key: ClassVar[str] = "api"

    rate_per_second: int = Field(default=100, ge=1)
    burst: int = Field(default=1000, ge=1)
    page_size: int = Field(default=50, ge=1)
    page_size_max: int = Field(default=200, ge=1)
    max_body_bytes: int = Field(default=5 * 1024 * 1024, ge=1)
    max_depth: int = Field(default=32, ge=1, description="Nesting of a JSON body.")
    idempotency_ttl: int = Field(default=24 * 3600, ge=1, description="Seconds a key is kept.")
    idempotency_wait: float = Field(default=5.0, ge=0, description="Seconds a concurrent duplicate waits.")
    idempotency_key_max: int = Field(default=255, ge=1)
    lock_wait: float = Field(default=10.0, gt=0, description="Seconds a change waits for rows that another one holds.")
    deadlock_tries: int = Field(default=3, ge=1, description="Times a change is made again after a deadlock.")
    token_days: int = Field(default=365, ge=1, description="How long a new token works.")
    token_touch_seconds: int = Field(
        default=60, ge=1, description="Least seconds between two notes of a token's last use."
    )
    order_future_seconds: int = Field(default=300, ge=0, description="How far ahead `placed_at` may lie.")
    events_per_call: int = Field(default=10_000, ge=1)
    long_poll_seconds: float = Field(default=0.0, ge=0)


class DashboardRules(Rules):
    """What the dashboard counts as due."""

    key: ClassVar[str] = "dashboard"

    rows: int = Field(default=10, ge=1, description="Lines of one kind of work.")
    count_limit: int = Field(default=1000, ge=1, description="A figure counts no further than this.")
    ending_soon_seconds: int = Field(default=24 * 3600, ge=0, description="A campaign that ends within this is shown.")
    check_slack_seconds: int = Field(default=900, ge=0, description="How late the last check after a close may be.")
    publish_slack_seconds: int = Field(
        default=60, ge=0, description="How long a page may wait to be published unnoticed."
    )
