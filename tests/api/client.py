"""A client of the API as a program would write one: token, JSON, keys; and a check that every problem has the right shape."""

from __future__ import annotations

import json
import uuid
from typing import Any

import orjson
from django.test import Client

from accounts import tokens
from accounts.models import Store, User
from audit.actors import system
from tests.api import contract

BASE = "/api/v1"
MEMBERS = {"type", "title", "status", "code", "detail", "request_id", "errors", "blockers"}


class Api:
    """Calls with one token. Answers come with `.json()`; `problem()` checks and returns a problem document."""

    def __init__(self, token: str = "", **defaults: str) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.headers |= defaults

    def call(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: Any) -> Any:
        """One call; `body` is sent as JSON, `raw` as it is."""
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        kind = headers.pop("content_type", "application/json")
        sent = self.headers | {name.replace("_", "-"): str(value) for name, value in headers.items()}
        answer = self.client.generic(method, BASE + path, data, content_type=kind, headers=sent)
        contract.check(method, path, answer)
        return answer

    def get(self, path: str, **headers: Any) -> Any:
        return self.call("GET", path, **headers)

    def post(self, path: str, body: Any = None, *, key: str = "", **headers: Any) -> Any:
        return self.call("POST", path, body, **({"Idempotency-Key": key} if key else {}) | headers)

    def upload(self, path: str, fields: dict[str, Any], *, key: str = "") -> Any:
        """A form with a file."""
        sent = self.headers | ({"Idempotency-Key": key} if key else {})
        answer = self.client.post(BASE + path, fields, headers=sent)
        contract.check("POST", path, answer)
        return answer

    def patch(self, path: str, body: Any = None, **headers: Any) -> Any:
        return self.call("PATCH", path, body, **headers)


def token_of(store: Store, user: User) -> str:
    """A fresh token of a member."""
    return tokens.issue(store, user, name="test", actor=system("test"))[1]


def member_api(store: Store, user: User) -> Api:
    """The API as a member of a store."""
    return Api(token_of(store, user))


def staff_api(user: User) -> Api:
    """The API as platform staff."""
    return Api(tokens.issue_staff(user, name="test", actor=system("test"))[1])


def problem(response: Any, status: int, code: str = "") -> dict[str, Any]:
    """The problem document, after a look at its status, type and members."""
    assert response.status_code == status, (response.status_code, response.content[:800])
    assert response["Content-Type"] == "application/problem+json"
    found: dict[str, Any] = orjson.loads(response.content)
    assert found.keys() >= MEMBERS
    assert found["status"] == status
    assert found["request_id"] == response["X-Request-ID"]
    assert b"Traceback" not in response.content
    if code:
        assert found["code"] == code, found
    return found


def ok(response: Any, status: int = 200) -> Any:
    """The JSON of a success."""
    assert response.status_code == status, (response.status_code, response.content[:1500])
    return orjson.loads(response.content)


def new_key() -> str:
    """A key nobody used."""
    return str(uuid.uuid4())
