"""What Celery runs; each task only says "look now"."""

from __future__ import annotations

from celery import shared_task

from campaigns import bulk, checks, patrol, sweeps


@shared_task(name="campaigns.tasks.sweep")
def sweep() -> dict[str, int]:
    """Start, end, close and finalise what is due; carry open closes forward."""
    return sweeps.run()


@shared_task(name="campaigns.tasks.run_checks")
def run_checks() -> int:
    """Read the public pages that are due to be read."""
    return checks.run_due()


@shared_task(name="campaigns.tasks.patrol")
def read_on() -> int:
    """Read the next pages of campaigns that were closed long ago."""
    return patrol.run()


@shared_task(name="campaigns.tasks.run_bulk")
def run_bulk() -> int:
    """Go on with the bulk jobs that people started."""
    return bulk.work_due()
