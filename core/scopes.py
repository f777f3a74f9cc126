"""Store scoping: a query outside a store raises; work that crosses stores says so by name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django_scopes import scope, scopes_disabled
from django_scopes.manager import DisabledQuerySet

# django-scopes forgot these: outside a store `exists()` would answer for all stores.
for _method in ("exists", "contains", "exclude", "alias", "in_bulk", "explain", "bulk_update"):
    setattr(DisabledQuerySet, _method, DisabledQuerySet.error)


@contextmanager
def in_store(store_id: int) -> Iterator[None]:
    """Managers of store-owned models answer this store's rows only."""
    with scope(store=store_id):
        yield


@contextmanager
def across_stores(reason: str) -> Iterator[None]:
    """The one door to rows of several stores: sweeps, staff pages, public pages. `reason` is for the reader of the code."""
    if not reason:
        raise ValueError("crossing stores needs a reason")
    with scopes_disabled():
        yield
