"""Times that an installation sets in its environment (seconds there, timedeltas here)."""

from __future__ import annotations

from datetime import timedelta

from django.conf import settings


def expiry_grace() -> timedelta:
    """A campaign is closed by itself this long after its end (R35)."""
    return timedelta(seconds=settings.CAMPAIGN_EXPIRY_GRACE)


def archive_delay() -> timedelta:
    """Data are archived this long after the close (R36, R180)."""
    return timedelta(seconds=settings.CAMPAIGN_ARCHIVE_DELAY)


def post_close_check_delays() -> tuple[timedelta, ...]:
    """When to read the public pages after a close, in rising order (R40-R49)."""
    return tuple(timedelta(seconds=delay) for delay in settings.POST_CLOSE_CHECK_DELAYS)


def verification_limit() -> timedelta:
    """How long after a close its public pages may take to be verified: the last check before the archive (R43, R47)."""
    delays = post_close_check_delays()
    return max((delay for delay in delays if delay < archive_delay()), default=delays[-1])


def operation_lock() -> timedelta:
    """One admin at a time per campaign for this long (R19)."""
    return timedelta(seconds=settings.OPERATION_LOCK)


def cancel_hold() -> timedelta:
    """A cancel can be taken back for this long."""
    return timedelta(seconds=settings.CANCEL_HOLD)


def quote_ttl() -> timedelta:
    """A quote is honoured this long."""
    return timedelta(seconds=settings.QUOTE_TTL)


def stock_sync_period() -> timedelta:
    """How often stock is synced (R66)."""
    return timedelta(seconds=settings.STOCK_SYNC_PERIOD)


def stock_stale_after() -> timedelta:
    """Stock older than this makes a coupon invalid (R65, R183)."""
    return timedelta(seconds=settings.STOCK_STALE_AFTER)


def sweep_interval() -> timedelta:
    """How often due work is looked for."""
    return timedelta(seconds=settings.SWEEP_INTERVAL)
