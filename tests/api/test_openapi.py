"""The document: complete, true, public, readable; and the operations that declare nothing are closed."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from django.test import Client

import policies
from accounts.rights import ALL_RIGHTS
from api import openapi
from api.access import declared
from api.auth import admit
from audit.actors import Actor, ActorKind
from core import clock
from policies import publishing
from policies.rules import ApiRules, ClosingRules, ListingRules, Rules
from tests.api.client import BASE, Api, problem

PUBLIC = ("/openapi.json", "/docs")


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document()


def entries(document: dict[str, Any]) -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, entry) for path, methods in document["paths"].items() for method, entry in methods.items()]


def test_both_pages_are_public(db: None) -> None:
    client = Client()
    answer = client.get(f"{BASE}/openapi.json")
    assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")
    assert answer.json()["openapi"].startswith("3.1")
    assert client.get(f"{BASE}/docs").status_code == 200


def test_every_operation_declares_its_right() -> None:
    for operation in openapi.operations():
        wanted = declared(operation.view_func)
        assert wanted is not None, operation.view_func
        assert set(wanted.rights) <= set(ALL_RIGHTS)


def test_an_operation_that_declares_none_is_closed(owner: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.frame.admit", lambda request, _wanted: admit(request, None))
    problem(owner.get("/store"), 403, "ERR_PERMISSION")


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if isinstance(node.get("$ref"), str):
                found: Any = document
                for part in node["$ref"].removeprefix("#/").split("/"):
                    found = found[part]
            for inner in node.values():
                walk(inner)
        elif isinstance(node, list):
            for inner in node:
                walk(inner)

    walk(document)


def test_every_entry_is_complete(document: dict[str, Any]) -> None:
    seen = set()
    for path, method, entry in entries(document):
        where = f"{method} {path}"
        assert entry["operationId"] not in seen
        seen.add(entry["operationId"])
        assert entry["summary"], where
        assert entry["description"], where
        assert entry["security"] in ([{"storeToken": []}], [{"staffToken": []}]), where
        assert set(re.findall(r"\{(\w+)\}", path)) == {p["name"] for p in entry["parameters"] if p["in"] == "path"}, (
            where
        )
        assert {"401", "403", "422", "429"} <= set(entry["responses"]), where
        successes = [status for status in entry["responses"] if status.startswith("2")]
        assert len(successes) == 1, where
        ((kind, content),) = entry["responses"][successes[0]]["content"].items()
        assert content["schema"] if kind == "application/json" else path.endswith((".csv", ".xlsx", ".zip")), where
        keyed = any(p["name"] == "Idempotency-Key" for p in entry["parameters"])
        assert keyed == (method == "post"), where


def test_operations_of_later_issues_are_not_shown(document: dict[str, Any]) -> None:
    later = [
        "document",
        "webhook",
        "withdrawal",
    ]
    assert not [path for path in document["paths"] if any(word in path for word in later)]


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_readable_page_has_every_call_and_code(db: None, document: dict[str, Any], language: str) -> None:
    answer = Client().get(f"{BASE}/docs", headers={"Accept-Language": language})
    page = answer.content.decode()
    for _path, _method, entry in entries(document):
        assert f'id="{entry["operationId"]}"' in page
    assert 'id="ERR_VERSION_CONFLICT"' in page
    assert "style=" not in page
    assert not re.findall(r"<script(?![^>]*src=)(?![^>]*application/json)", page)
    assert ("令牌" in page) == (language == "zh-hans")


def test_a_changed_rule_changes_the_limits_that_page_and_document_state(db: None) -> None:
    now = datetime(2026, 11, 27, 12, tzinfo=UTC)
    later = now + timedelta(days=400)
    changes: dict[type[Rules], dict[str, int]] = {
        ApiRules: {"rate_per_second": 7, "page_size_max": 99, "idempotency_ttl": 7200, "idempotency_key_max": 77},
        ClosingRules: {"bulk_cancel_max": 3},
        ListingRules: {"rows_per_call": 1234, "gradual_delist_hours": 48},
    }
    with clock.freeze(now):
        for model, changed in changes.items():
            values = policies.active(model, now).model_dump(mode="json") | changed
            actor = Actor(ActorKind.USER, 1, "Staff", staff=True)
            publishing.publish(model.key, values, version="next", valid_from=later, reason="Fewer", actor=actor)
        policies.forget()

    def told(moment: datetime, language: str, *words: str) -> None:
        with clock.freeze(moment):
            page = Client().get(f"{BASE}/docs", headers={"Accept-Language": language}).content.decode()
            document = Client().get(f"{BASE}/openapi.json").content.decode()
        assert "__" not in "".join(re.findall(r"%\(.*?\)s", page + document))
        for word in words:
            assert word in page
            assert language != "en" or word in document or "campaigns can be" in word

    try:
        told(
            now,
            "en",
            "100 times a second",
            "50 unless told, 200 at most",
            "kept for 1 day",
            "Up to 10,000 rows",
            "At most 20 campaigns can be",
        )
        told(
            later,
            "en",
            "7 times a second",
            "50 unless told, 99 at most",
            "kept for 2 hours",
            "Up to 1,234 rows",
            "At most 3 campaigns can be",
        )
        told(
            later,
            "zh-hans",
            "每秒可调用7次",
            "最多99",
            "保留2小时",
            "最多1,234行",
            "2天后下架",
            "一次最多永久取消3个活动",
        )
        with clock.freeze(later):
            found = orjson.loads(openapi.stated_document(later))["paths"]["/listings"]["post"]["parameters"]
        assert [one["schema"]["maxLength"] for one in found if one["name"] == "Idempotency-Key"] == [77]
    finally:
        policies.forget()


def test_problem_types_lead_to_their_words(owner: Api) -> None:
    found = problem(owner.get("/listings/1"), 404)
    assert found["type"].endswith("/api/v1/docs#ERR_NOT_FOUND")
