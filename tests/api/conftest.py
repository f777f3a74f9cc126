"""A store, its people and their tokens."""

from __future__ import annotations

import pytest

from accounts.models import Store
from core.scopes import in_store
from listings.models import StoreProfile
from tests.api.client import Api, member_api, staff_api
from tests.factories import make_member, make_site, make_staff, make_store, owner_of


@pytest.fixture
def store(db: None) -> Store:
    """In good order, decorated, with one language site."""
    found = make_store(currency="USD")
    with in_store(found.pk):
        StoreProfile.objects.update_or_create(store=found, defaults={"decoration_waived": True})
        make_site(found, "en")
    return found


@pytest.fixture
def owner(store: Store) -> Api:
    return member_api(store, owner_of(store))


@pytest.fixture
def nobody(store: Store) -> Api:
    """A member without any right."""
    return member_api(store, make_member(store))


@pytest.fixture
def stranger(db: None) -> Api:
    """The owner of another store."""
    other = make_store()
    return member_api(other, owner_of(other))


@pytest.fixture
def staff(db: None) -> Api:
    return staff_api(make_staff())
