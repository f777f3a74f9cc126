"""News of stores and people, sent inside the transaction; upper rooms join in `AppConfig.ready`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.dispatch import Signal

from accounts.models import Store


@dataclass(frozen=True, slots=True)
class SiteDraft:
    """A language site asked for together with its store: `code` such as `en`, a language tag, an ISO 4217 currency."""

    code: str
    language: str
    currency: str


store_created = Signal()
"""Sent with `store`, `sites` (list[SiteDraft]), `actor`, `now`, in the new store's scope. `listings` makes the profile, `publishing` the
sites; a receiver that finds a draft wrong raises InvalidInput with fields `sites.0.code` …, and nothing is made."""

penalty_issued = Signal()
"""Sent with `store`, `penalty`, `points_total`, `now`, in the store's scope."""

member_removed = Signal()
"""Sent with `store`, `user`, `actor`, `now`."""

main_account_named = Signal()
"""Platform staff named a main account for a store that had none left: sent with `store`, `user`, `reason`, `now`."""

person_switched = Signal()
"""Platform staff switched somebody off (`on` False) or on: sent with `user`, `on`, `reason`, `now`."""


@dataclass(frozen=True, slots=True)
class StoreFact:
    """A fact of a store that an upper room keeps and platform staff may set, such as `decoration_waived`.

    `write` gets (store, value, now), runs in the transaction and the store's scope, and raises InvalidInput for a wrong value.
    """

    key: str
    read: Callable[[Store], Any]
    write: Callable[[Store, Any, datetime], None]


_facts: dict[str, StoreFact] = {}


def keep_fact(fact: StoreFact) -> None:
    """Let platform staff read and set a fact through `accounts.stores`. One keeper a key."""
    known = _facts.get(fact.key)
    if known is not None and known != fact:
        raise RuntimeError(f"two rooms keep the fact {fact.key}")
    _facts[fact.key] = fact


def facts() -> dict[str, StoreFact]:
    """All facts that upper rooms keep, by key."""
    return dict(_facts)
