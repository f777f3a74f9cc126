"""So many calls, and no more; with Redis, and without."""

from __future__ import annotations

from typing import Any

import pytest
import redis

from accounts.models import Store
from api import limits
from core import clock
from policies import active
from policies.rules import ApiRules
from tests.api.client import Api, member_api, ok, problem
from tests.factories import owner_of


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, db: None) -> None:
    """Three calls, then one a minute."""
    rules = active(ApiRules, clock.read()).model_copy(update={"burst": 3, "rate_per_second": 1 / 60})
    monkeypatch.setattr(limits, "active", lambda *_: rules)


@pytest.fixture(params=["shared", "local"])
def place(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, settings: Any, db: None) -> str:
    """Where the buckets are: in Redis, or in this process because Redis does not answer."""
    if request.param == "local":
        monkeypatch.setattr(limits, "_script", _gone)
    else:
        with redis.Redis.from_url(settings.REDIS_URL.replace("redis+socket://", "unix://", 1)) as client:
            client.delete(*client.scan_iter("api:rate:*"), "api:rate:")
    monkeypatch.setattr(limits, "shared", limits._Shared())
    monkeypatch.setattr(limits, "local", limits.Buckets())
    return str(request.param)


def _gone() -> None:
    raise redis.ConnectionError("nobody listens")


def test_a_flood_is_429_and_others_go_on(small: None, place: str, store: Store) -> None:
    flooding, honest = member_api(store, owner_of(store)), member_api(store, owner_of(store))
    answers = [flooding.get("/store") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    problem(answers[-1], 429, "ERR_RATE_LIMIT")
    assert 1 <= int(answers[-1]["Retry-After"]) <= 60
    ok(honest.get("/store"))
    assert limits.shared.broken_until > 0 if place == "local" else limits.shared.broken_until == 0


def test_guessing_tokens_is_slowed_down(small: None, place: str) -> None:
    codes = [Api("bo_" + "x" * 30 + "_000000").get("/store", **{"X-Real-IP": "9"}).status_code for _ in range(5)]
    assert codes[0] == 401
    assert codes[-1] == 429


def test_a_refused_call_is_not_stored_under_its_key(small: None, place: str, store: Store) -> None:
    api = member_api(store, owner_of(store))
    for _ in range(3):
        ok(api.get("/store"))
    problem(api.post("/prices", {"prices": []}, key="later"), 429)
    limits.local.levels.clear()
    limits.shared.broken_until = 10**12
    answer = api.post("/prices", {"prices": []}, key="later")
    ok(answer)
    assert "Idempotent-Replay" not in answer
