"""What beat starts, and how often. A task only says "look now": losing or repeating one is harmless.

`expires` drops a nudge that waited longer than its period, so that a stopped worker comes back to one look, not to a thousand.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

DAY = 86_400


def _every(task: str, seconds: float, queue: str) -> dict[str, Any]:
    return {"task": task, "schedule": seconds, "options": {"queue": queue, "expires": max(seconds, 1.0)}}


def beat_schedule() -> dict[str, dict[str, Any]]:
    """The schedule by name; periods in seconds."""
    sweep = float(settings.SWEEP_INTERVAL)
    return {
        "campaigns": _every("campaigns.tasks.sweep", sweep, "lifecycle"),
        "coupons": _every("coupons.tasks.sweep", sweep, "lifecycle"),
        "coupon_watch": _every("coupons.tasks.effect_watch", 6 * sweep, "lifecycle"),
        "coupon_counts": _every("coupons.tasks.count_claims", 6 * sweep, "default"),
        "bulk": _every("campaigns.tasks.run_bulk", sweep, "lifecycle"),
        "checks": _every("campaigns.tasks.run_checks", sweep, "checks"),
        "patrol": _every("campaigns.tasks.patrol", 6 * sweep, "checks"),
        "publish": _every("publishing.tasks.sweep", sweep, "publish"),
        "outbox": _every("backoffice.tasks.deliver_outbox", sweep, "publish"),
        "jobs": _every("listings.tasks.run_jobs", sweep, "default"),
        "listings": _every("listings.tasks.sweep", sweep, "default"),
        "seal": _every("audit.tasks.seal", min(sweep, 1.0), "default"),
        "accounts": _every("accounts.tasks.tidy", DAY / 24, "default"),
        "addresses": _every("coupons.tasks.forget_addresses", DAY / 24, "default"),
        "send": _every("coupons.tasks.send", sweep, "default"),
        "recipients": _every("coupons.tasks.forget_recipients", DAY / 24, "default"),
        "uploads": _every("listings.tasks.tidy", DAY / 24, "default"),
        "store_day": _every("insights.tasks.read_day", DAY / 24, "default"),
        "prune": _every("backoffice.tasks.prune", DAY / 24, "default"),
    }
