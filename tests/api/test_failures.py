"""When the database or we ourselves fail: the answer says so, nothing is half-done, and what passes by itself is tried again."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from psycopg import errors as postgres

from accounts.models import Store
from audit.models import AuditEvent
from core.scopes import in_store
from listings.models import Sku
from tests.api.client import Api, new_key, ok, problem
from tests.factories import make_skus


def fail_with(kind: type[DatabaseError | InterfaceError], cause: Exception | None) -> DatabaseError | InterfaceError:
    error = kind("planted")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (fail_with(OperationalError, postgres.DeadlockDetected("x")), 409, "ERR_BUSY"),
        (fail_with(OperationalError, postgres.SerializationFailure("x")), 409, "ERR_BUSY"),
        (fail_with(OperationalError, postgres.LockNotAvailable("x")), 503, "ERR_BUSY"),
        (fail_with(OperationalError, postgres.QueryCanceled("x")), 503, "ERR_BUSY"),
        (fail_with(OperationalError, postgres.AdminShutdown("x")), 503, "ERR_UNAVAILABLE"),
        (fail_with(InterfaceError, None), 503, "ERR_UNAVAILABLE"),
        (fail_with(IntegrityError, postgres.UniqueViolation("x")), 409, "ERR_CONFLICT"),
        (fail_with(DataError, postgres.NumericValueOutOfRange("x")), 422, "ERR_INVALID"),
        (ZeroDivisionError("secret words"), 500, "ERR_INTERNAL"),
    ],
)
def test_failures_have_their_answers(
    owner: Api, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int, code: str
) -> None:
    def fail(*_args: Any, **_kwargs: Any) -> None:
        raise error

    monkeypatch.setattr("api.routers.listings.prices.set_prices", fail)
    answer = owner.post("/prices", {"prices": []})
    found = problem(answer, status, code)
    assert "secret" not in str(found)
    assert ("Retry-After" in answer) == (code in {"ERR_BUSY", "ERR_UNAVAILABLE"})


def test_a_deadlock_is_tried_again_unseen(owner: Api, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    from api.routers import listings

    with in_store(store.pk):
        (sku,) = make_skus(store, 1)
    real, tries = listings.prices.set_prices, []

    def second_time(*args: Any, **kwargs: Any) -> Any:
        tries.append(1)
        outcome = real(*args, **kwargs)
        if len(tries) == 1:
            raise fail_with(OperationalError, postgres.DeadlockDetected("x"))
        return outcome

    monkeypatch.setattr(listings.prices, "set_prices", second_time)
    assert (
        ok(owner.post("/prices", {"prices": [{"sku": sku.code, "sale_price": "3.00"}]}, key=new_key()))["applied"] == 1
    )
    assert len(tries) == 2
    assert AuditEvent.objects.filter(action="price.set").count() == 1


def test_a_failure_after_the_effect_leaves_nothing(owner: Api, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with in_store(store.pk):
        (sku,) = make_skus(store, 1, price="9.00")
    monkeypatch.setattr("api.routers.listings.reply", lambda *_: 1 / 0)
    problem(owner.post("/prices", {"prices": [{"sku": sku.code, "sale_price": "3.00"}]}), 500)
    with in_store(store.pk):
        assert str(Sku.objects.get(pk=sku.pk).sale_price) == "9.000"
    assert not AuditEvent.objects.filter(action="price.set").exists()


def test_a_failure_while_reading_is_500_without_a_trace(owner: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routers.store.present.own_store", lambda *_: 1 / 0)
    problem(owner.get("/store"), 500, "ERR_INTERNAL")
