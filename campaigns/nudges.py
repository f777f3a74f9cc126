"""Waking a worker after commit. Losing or repeating a nudge is harmless: the sweep finds the same rows."""

from __future__ import annotations

from campaigns.models import Campaign
from core.signals import nudged


def wake_checks() -> None:
    """Ask a worker to read the public pages that are due."""
    nudged.send(Campaign, topics={"campaigns.check"})


def wake_sweep() -> None:
    """Ask a worker to look for due campaigns and open closes."""
    nudged.send(Campaign, topics={"campaigns.sweep"})


def wake_bulk() -> None:
    """Ask a worker to go on with the bulk jobs that wait."""
    nudged.send(Campaign, topics={"campaigns.bulk"})
