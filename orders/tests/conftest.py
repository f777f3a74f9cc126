"""A store with its scope open, and who acts in it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from accounts.models import Store
from audit.actors import Actor
from core.scopes import in_store
from tests.factories import actor_for, make_store, owner_of


@pytest.fixture
def store(db: None) -> Iterator[Store]:
    """A store in good order; queries of the test are about it."""
    store = make_store()
    with in_store(store.pk):
        yield store


@pytest.fixture
def owner(store: Store) -> Actor:
    """Its main account."""
    return actor_for(owner_of(store))
