"""News of floor 0. Kept apart from the models, so that an app may listen while apps are still loading."""

from __future__ import annotations

from django.dispatch import Signal

parked = Signal()
"""Sent with `message` when an outbox row failed for the last time; an upper room tells people."""

nudged = Signal()
"""Sent with `topics` after commit; the project joins it to wake a worker."""
