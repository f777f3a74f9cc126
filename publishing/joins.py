"""What this room hears from below, and what it answers there."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from accounts.signals import store_created
from listings import hooks
from listings.signals import listings_changed
from publishing import delivery as _delivery  # noqa: F401 - registers the handler of the outbox
from publishing.addresses import public_urls
from publishing.desire import want
from publishing.panel import panel
from publishing.sites import on_store_created


def on_listings_changed(
    sender: object, *, store_id: int, listing_ids: Sequence[int], now: datetime, **_others: Any
) -> None:
    """What buyers see of these listings changed: every site is to show it."""
    want(store_id, listing_ids, now=now)


def join() -> None:
    """Join the signals and the hooks."""
    store_created.connect(on_store_created, dispatch_uid="publishing.sites")
    listings_changed.connect(on_listings_changed, dispatch_uid="publishing.desire")
    hooks.answer_public_urls(public_urls)
    hooks.add_panel("publishing", panel)
