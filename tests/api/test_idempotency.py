"""The same key means the same intention: one effect, one answer, whatever the network does (bench 10, 16)."""

from __future__ import annotations

import threading
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, connections

from accounts.models import ApiToken, Membership, Store
from api import frame, idempotency
from api.models import IdempotencyKey
from audit.models import AuditEvent
from core import clock
from core.scopes import in_store
from listings.models import Listing
from tests.api.client import Api, member_api, new_key, ok, problem
from tests.factories import make_store, owner_of

LISTING: dict[str, Any] = {"title": "Tote", "category": "bags", "skus": [{"sku": "T-1", "sale_price": "9.90"}]}


def listings(store: Store) -> int:
    with in_store(store.pk):
        return Listing.objects.count()


def test_same_key_and_body_answers_the_first_again(owner: Api, store: Store) -> None:
    key = new_key()
    first = owner.post("/listings", LISTING, key=key)
    ok(first, 201)
    again = owner.post("/listings", dict(reversed(LISTING.items())), key=key)
    assert (again.status_code, again.content) == (201, first.content)
    assert again["Idempotent-Replay"] == "true"
    assert "Idempotent-Replay" not in first
    assert listings(store) == 1


def test_another_body_is_a_mismatch(owner: Api, store: Store) -> None:
    key = new_key()
    ok(owner.post("/listings", LISTING, key=key), 201)
    problem(owner.post("/listings", LISTING | {"title": "Other"}, key=key), 422, "ERR_IDEMPOTENCY_MISMATCH")
    assert listings(store) == 1


def test_refusals_are_stored_too(owner: Api) -> None:
    key = new_key()
    first = owner.post("/listings", {}, key=key)
    problem(first, 422)
    again = owner.post("/listings", {}, key=key)
    assert (again.status_code, again.content, again["Idempotent-Replay"]) == (422, first.content, "true")
    assert again["Content-Type"] == "application/problem+json"


def test_the_scope_is_token_and_path(owner: Api, store: Store) -> None:
    key = new_key()
    ok(owner.post("/listings", LISTING, key=key), 201)
    second = member_api(store, owner_of(store))
    problem(second.post("/listings", LISTING, key=key), 422)
    ok(owner.post("/prices", {"prices": []}, key=key))


@pytest.mark.parametrize("key", ["", " ", "é", "a\tb", "x" * 256])
def test_what_cannot_be_a_key_is_422(owner: Api, key: str) -> None:
    answer = owner.post("/listings", LISTING, **{"Idempotency-Key": key})
    assert problem(answer, 422)["errors"][0]["field"] == "Idempotency-Key"


def test_a_right_revoked_in_between_is_gone_for_the_replay(owner: Api, store: Store) -> None:
    key = new_key()
    ok(owner.post("/listings", LISTING, key=key), 201)
    Membership.objects.filter(store=store).update(is_owner=False)
    problem(owner.post("/listings", LISTING, key=key), 403, "ERR_PERMISSION")


def test_who_may_not_call_is_told_only_that(nobody: Api, store: Store) -> None:
    key = new_key()
    first = nobody.post("/listings", LISTING, key=key)
    problem(first, 403)
    assert nobody.post("/listings", LISTING, key=key).content == first.content
    problem(nobody.call("POST", "/listings", raw=b"{"), 403)
    problem(nobody.call("POST", "/listings/import", raw=b"{}"), 403)
    assert AuditEvent.objects.filter(action="api.call").count() == 3


def test_a_key_is_kept_for_a_day(owner: Api, store: Store) -> None:
    key, start = new_key(), clock.read()
    with clock.freeze(start) as time:
        first = ok(owner.post("/listings", LISTING, key=key), 201)
        time.tick(timedelta(hours=23, minutes=59))
        assert ok(owner.post("/listings", LISTING, key=key), 201) == first
        assert idempotency.prune(clock.now()) == 0
        time.tick(timedelta(minutes=2))
        problem(owner.post("/listings", LISTING, key=key), 422, "ERR_INVALID")  # the SKU is taken: it was tried anew
        time.tick(timedelta(hours=25))
        assert idempotency.prune(clock.now()) == 1
    assert IdempotencyKey.objects.count() == 0


def test_a_failure_of_ours_stores_nothing_and_does_nothing(
    owner: Api, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = new_key()
    with monkeypatch.context() as patch:
        patch.setattr("api.routers.listings._one", lambda *_: 1 / 0)
        found = problem(owner.post("/listings", LISTING, key=key), 500, "ERR_INTERNAL")
    assert "ZeroDivision" not in str(found)
    assert (listings(store), IdempotencyKey.objects.count()) == (0, 0)
    ok(owner.post("/listings", LISTING, key=key), 201)


def _in_threads(count: int, work: Any) -> list[Any]:
    """Run `work` in `count` threads that begin together; answers what they answered."""
    barrier, answers = threading.Barrier(count), []

    def one() -> None:
        try:
            barrier.wait(30)
            answers.append(work())
        finally:
            connections.close_all()

    threads = [threading.Thread(target=one) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


@pytest.mark.django_db(transaction=True)
def test_fifty_at_once_have_one_effect() -> None:
    shop = make_store()
    raw = member_api(shop, owner_of(shop)).headers["Authorization"].removeprefix("Bearer ")
    key = new_key()
    answers = _in_threads(50, lambda: Api(raw).post("/listings", LISTING, key=key))
    assert Counter(answer.status_code for answer in answers) == {201: 50}
    assert len({answer.content for answer in answers}) == 1
    assert Counter(answer.get("Idempotent-Replay") for answer in answers) == {"true": 49, None: 1}
    assert listings(shop) == 1
    assert AuditEvent.objects.filter(action="listing.create").count() == 1
    problem(Api(raw).post("/listings", LISTING | {"title": "B"}, key=key), 422, "ERR_IDEMPOTENCY_MISMATCH")


@pytest.mark.django_db(transaction=True)
def test_a_first_call_that_hangs_is_409_after_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make_store()
    api = member_api(shop, owner_of(shop))
    token = ApiToken.objects.get(store=shop)
    held, done = threading.Event(), threading.Event()
    rules = idempotency.active(idempotency.ApiRules, clock.read())
    monkeypatch.setattr("api.frame.active", lambda *_: rules.model_copy(update={"idempotency_wait": 0.2}))

    def first() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN")
            cursor.execute(
                "INSERT INTO api_idempotencykey (token_id, method, path, key, body_digest, content_type, created_at)"
                " VALUES (%s, 'POST', '/api/v1/listings', 'hangs', 'x', '', now())",
                [token.pk],
            )
            held.set()
            done.wait(30)
            cursor.execute("ROLLBACK")
        connections.close_all()

    thread = threading.Thread(target=first)
    thread.start()
    assert held.wait(30)
    try:
        answer = api.post("/listings", LISTING, key="hangs")
        problem(answer, 409, "ERR_IDEMPOTENCY_BUSY")
        assert answer["Retry-After"] == "1"
    finally:
        done.set()
        thread.join(30)
    ok(api.post("/listings", LISTING, key="hangs"), 201)


@pytest.mark.django_db(transaction=True)
def test_a_connection_killed_in_the_middle_leaves_nothing_and_the_key_free(monkeypatch: pytest.MonkeyPatch) -> None:
    shop = make_store()
    api, key = member_api(shop, owner_of(shop)), new_key()
    real = frame.reply

    def cut(*args: Any) -> Any:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        return real(*args)

    with monkeypatch.context() as patch:
        patch.setattr("api.routers.listings.reply", cut)
        problem(api.post("/listings", LISTING, key=key), 503, "ERR_UNAVAILABLE")
    assert listings(shop) == 0
    first = api.post("/listings", LISTING, key=key)
    ok(first, 201)
    again = api.post("/listings", LISTING, key=key)
    assert (again.content, again["Idempotent-Replay"]) == (first.content, "true")
    assert listings(shop) == 1


@pytest.mark.django_db(transaction=True)
def test_an_answer_cut_after_the_commit_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bench 10: the effect is committed, the reply never arrives, the client sends the same call again."""
    shop = make_store()
    api, key = member_api(shop, owner_of(shop)), new_key()
    sent: list[bytes] = []
    real = frame._change

    def lose(*args: Any) -> Any:
        sent.append(real(*args).content)
        raise ConnectionResetError("the client is gone")

    with monkeypatch.context() as patch:
        patch.setattr(frame, "_change", lose)
        problem(api.post("/listings", LISTING, key=key), 500)
    again = api.post("/listings", LISTING, key=key)
    ok(again, 201)
    assert (again.content, again["Idempotent-Replay"], listings(shop)) == (sent[0], "true", 1)
