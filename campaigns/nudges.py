"""Waking a worker after commit. Losing or repeating a nudge is harmless: the sweep finds the same rows (design.md §3)."""

from __future__ import annotations

import logging
import time

from celery import current_app
from kombu.exceptions import OperationalError

logger = logging.getLogger(__name__)

CHECKS = "campaigns.tasks.run_checks"
SWEEP = "campaigns.tasks.sweep"
#: After a failed nudge nobody waits for the broker again for this long (seconds); the sweep does the work meanwhile.
QUIET = 15.0

_silent_until = 0.0


def wake_checks() -> None:
    """Ask a worker to read the public pages that are due."""
    _send(CHECKS)


def wake_sweep() -> None:
    """Ask a worker to look for due campaigns."""
    _send(SWEEP)


def _send(name: str) -> None:
    global _silent_until
    if time.monotonic() < _silent_until:
        return
    try:
        current_app.send_task(name, retry=False, ignore_result=True)
    except (OperationalError, OSError) as error:
        _silent_until = time.monotonic() + QUIET
        logger.warning("no broker to wake a worker for %s: %s", name, error)
