"""Wake a worker after commit. The broker may be gone: then the sweep finds the work, and nobody waits for the broker."""

from __future__ import annotations

import logging
import time
from typing import Any

from celery import current_app

from core.signals import nudged

logger = logging.getLogger(__name__)

#: Topics that are looked after by a task of their own; every other topic means the outbox.
TASKS = {
    "campaigns.check": ("campaigns.tasks.run_checks", "checks"),
    "campaigns.bulk": ("campaigns.tasks.run_bulk", "lifecycle"),
    "campaigns.sweep": ("campaigns.tasks.sweep", "lifecycle"),
    "listings.job": ("listings.tasks.run_jobs", "default"),
    "coupons.send": ("coupons.tasks.send", "default"),
}
OUTBOX = ("backoffice.tasks.deliver_outbox", "publish")
#: Seconds without trying after a failed send, so that a dead broker costs one wait and not one a request.
PATIENCE = 5.0

_broken_until = 0.0


def wake(sender: object, topics: set[str], **_: Any) -> None:
    """Send the tasks of `topics`; a broker that does not answer is left alone for a while."""
    global _broken_until
    if time.monotonic() < _broken_until:
        return
    for name, queue in {TASKS.get(topic, OUTBOX) for topic in topics}:
        try:
            current_app.send_task(name, queue=queue, expires=60, retry=False, ignore_result=True)
        except Exception as error:
            _broken_until = time.monotonic() + PATIENCE
            logger.warning("no broker (%s): the sweep will find the work", type(error).__name__)
            return


def join() -> None:
    """Listen for nudges in this process."""
    nudged.connect(wake, dispatch_uid="backoffice.nudges")
