"""A query for store-owned rows outside a store raises; inside, it sees that store's rows only (bench 24)."""

from __future__ import annotations

import pytest
from django.apps import apps
from django.db import models
from django_scopes.exceptions import ScopeError

from accounts.models import Store
from core.scopes import across_stores, in_store
from listings.models import Listing
from tests.factories import make_store
from tests.rights.world import Things

#: Rows that belong to a store and are read before its scope is known.
UNSCOPED = {
    "accounts.Membership": "says who may enter the store",
    "accounts.ApiToken": "says whose request it is",
    "listings.StoreProfile": "one row a store, joined to it",
}
OWNED = [
    model
    for model in apps.get_models()
    if any(isinstance(field, models.ForeignKey) and field.name == "store" and field.related_model is Store for field in model._meta.fields)
]  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize("model", OWNED, ids=lambda model: model._meta.label)
def test_outside_a_store_there_are_no_rows_to_ask_for(model):
    if model._meta.label in UNSCOPED:
        model.objects.exists()
        return
    for ask in (
        lambda: model.objects.exists(),
        lambda: model.objects.exclude(pk=0).exists(),
        lambda: list(model.objects.all()),
        lambda: model.objects.in_bulk([1]),
        lambda: model.objects.filter(pk=1),
        lambda: model.objects.count(),
    ):
        with pytest.raises(ScopeError):
            ask()
    with in_store(make_store().pk):
        assert not model.objects.exists()


def test_the_exceptions_still_exist():
    assert set(UNSCOPED) <= {model._meta.label for model in OWNED}


@pytest.mark.django_db
def test_inside_a_store_there_are_its_rows_only():
    here, there = Things(make_store()), Things(make_store())
    ours, theirs = here.listing, there.listing
    with in_store(here.store.pk):
        assert list(Listing.objects.all()) == [ours]
        assert not Listing.objects.filter(pk=theirs.pk).exists()
    with across_stores("a test of the one door"):
        assert set(Listing.objects.all()) == {ours, theirs}
    with pytest.raises(ValueError, match="reason"), across_stores(""):
        pass
