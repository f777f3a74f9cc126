"""A store with its scope open, and who acts in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from accounts.models import Store
from audit.actors import Actor
from core.scopes import in_store
from listings.signals import listings_changed
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


@dataclass
class News:
    """What `listings_changed` told."""

    calls: list[tuple[int, list[int]]]

    @property
    def ids(self) -> list[int]:
        """All listing ids, as told."""
        return [listing_id for _, ids in self.calls for listing_id in ids]


@pytest.fixture
def news() -> Iterator[News]:
    """Listens to `listings_changed`."""
    heard = News([])

    def hear(sender: object, store_id: int, listing_ids: list[int], **_: object) -> None:
        heard.calls.append((store_id, listing_ids))

    listings_changed.connect(hear)
    yield heard
    listings_changed.disconnect(hear)
