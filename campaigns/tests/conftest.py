"""A decorated store with sites, SKUs and people, for the tests of the engine."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import Store
from audit.actors import Actor
from core import clock
from core.scopes import in_store
from listings.models import Sku
from tests import factories as make

NOON = datetime(2026, 11, 27, 12, 0, tzinfo=UTC)


@dataclass
class Shop:
    """One store in good order."""

    store: Store
    owner: Actor
    skus: list[Sku]


def open_shop(skus: int = 3) -> Shop:
    """A decorated store with two sites."""
    store = make.make_store()
    with in_store(store.pk):
        make.decorate(store)
        make.make_site(store, "en")
        make.make_site(store, "zh")
        return Shop(store, make.actor_for(make.owner_of(store)), make.make_skus(store, skus))


@pytest.fixture
def frozen() -> Iterator[clock.FrozenClock]:
    """A clock that tests move."""
    with clock.freeze(NOON) as moving:
        yield moving


@pytest.fixture
def shop(db: None, frozen: clock.FrozenClock) -> Iterator[Shop]:
    """A store inside its scope, the clock held at noon."""
    found = open_shop()
    with in_store(found.store.pk):
        yield found


def days(n: float) -> timedelta:
    """So many days."""
    return timedelta(days=n)
