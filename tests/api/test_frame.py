"""What holds for every operation: who may, how bodies are read, how failures look."""

from __future__ import annotations

import logging.config
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest

from accounts.models import ApiToken, Store
from api import limits
from tests.api.client import Api, ok, problem


def test_no_token_is_401(db: None) -> None:
    answer = Api().get("/store")
    problem(answer, 401, "ERR_TOKEN")
    assert answer["WWW-Authenticate"].startswith("Bearer")


def test_refused_calls_are_logged_a_line_each_whatever_the_address_holds(
    nobody: Api, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    Api(Authorization="Bearer nonsense").get("/store")
    forged = "2026-11-27 09:00:00,000 WARNING api.security refused: token 1"
    problem(nobody.post(f"/campaigns/C-1%0A{quote(forged)}/pause"), 403)
    found = [record for record in caplog.records if record.name == "api.security"]
    assert [record.getMessage().partition(":")[0] for record in found] == ["no token that works", "refused"]
    formatter = logging.config.DictConfigurator(settings.LOGGING).configure_formatter(
        settings.LOGGING["formatters"]["line"]
    )
    assert all(len(formatter.format(record).splitlines()) == 1 for record in found)


@pytest.mark.parametrize(
    "header", ["Bearer", "Bearer ", "Basic abc", "Bearer bo_x_y", "Bearer " + "x" * 5000, "Bearer é"]
)
def test_bad_tokens_are_401(db: None, header: str) -> None:
    problem(Api(Authorization=header).get("/store"), 401)


def test_a_revoked_token_is_refused_on_the_next_call(owner: Api, store: Store) -> None:
    ok(owner.get("/store"))
    ApiToken.objects.filter(store=store).update(revoked_at=store.opened_at)
    problem(owner.get("/store"), 401)


def test_unknown_paths_are_problems(owner: Api) -> None:
    for path in ("/nothing", "/store/", "/listings/1/2/3", "/%00", "/%0A", "/listings/%00"):
        problem(owner.get(path), 404, "ERR_NOT_FOUND")


def test_wrong_method_is_405_with_allow(owner: Api) -> None:
    answer = owner.call("DELETE", "/store")
    problem(answer, 405, "ERR_METHOD")
    assert answer["Allow"] == "GET"


@pytest.mark.parametrize(
    "raw",
    [
        b"{",
        b"[1,2",
        b"nul",
        b"\xff\xfe",
        b"{'a':1}",
        b'{"a": NaN}',
        b'{"a": 1e999}',
        b'"\\ud800"',
        b"[" * 100 + b"]" * 100,
    ],
)
def test_malformed_json_is_422(owner: Api, raw: bytes) -> None:
    problem(owner.call("POST", "/listings/delist", raw=raw), 422, "ERR_BODY")


def test_nul_is_named_where_it_is(owner: Api) -> None:
    found = problem(owner.post("/listings/delist", {"ids": [1], "reason": "a\x00b", "mode": "now"}), 422)
    assert [item["field"] for item in found["errors"]] == ["reason"]
    problem(owner.get("/listings?q=%00"), 422)


def test_all_faults_come_at_once_under_their_names(owner: Api) -> None:
    found = problem(
        owner.post("/listings/delist", {"ids": ["x", 2.5], "mode": "later", "extra": 1}), 422, "ERR_INVALID"
    )
    assert {(item["field"], item["code"]) for item in found["errors"]} == {
        ("ids.0", "ERR_TYPE"),
        ("ids.1", "ERR_TYPE"),
        ("reason", "ERR_REQUIRED"),
        ("mode", "ERR_CHOICE"),
        ("extra", "ERR_FIELD_UNKNOWN"),
    }
    assert found["detail"] == "The request has 5 faults; see errors."
    one = problem(owner.post("/listings/delist", {"ids": ["x"], "reason": "slow", "mode": "now"}), 422)
    assert one["detail"] == "The request has 1 fault; see errors."


def test_another_kind_of_body_is_415(owner: Api) -> None:
    problem(
        owner.call("POST", "/prices", raw=b"a=1", content_type="application/x-www-form-urlencoded"),
        415,
        "ERR_CONTENT_TYPE",
    )
    problem(owner.call("POST", "/prices", raw=b"<a/>", content_type="text/xml"), 415)


def test_ten_megabytes_are_413_before_they_are_read(owner: Api) -> None:
    problem(owner.call("POST", "/prices", raw=b'{"prices": [' + b" " * 10_000_000 + b"]}"), 413, "ERR_TOO_LARGE")


def test_store_tokens_do_not_reach_staff_nor_staff_a_store(owner: Api, staff: Api) -> None:
    problem(owner.get("/staff/stores/any"), 403, "ERR_PERMISSION")
    problem(staff.get("/store"), 403, "ERR_PERMISSION")


def test_a_missing_right_names_who_can_grant_it(nobody: Api, store: Store) -> None:
    found = problem(nobody.get("/listings"), 403, "ERR_PERMISSION")
    assert found["right"] == "listings.view"
    assert len(found["granted_by"]) == 1


def test_language_follows_the_client(owner: Api) -> None:
    german = owner.get("/listings/1", **{"Accept-Language": "zh-Hans"})
    assert german["Content-Language"] == "zh-hans"


def test_the_bucket_empties_and_fills(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(limits.time, "monotonic", lambda: now[0])
    bucket = limits.Buckets()
    assert [bucket.take("a", 2, 3) for _ in range(4)] == [0, 0, 0, 0.5]
    assert bucket.take("b", 2, 3) == 0
    now[0] += 0.5
    assert bucket.take("a", 2, 3) == 0
    assert bucket.take("a", 2, 3) > 0


@pytest.mark.parametrize(("size", "status"), [(10, 422), (6_000_000, 413)])
def test_bodies_in_chunks_are_read_whole(owner: Api, size: int, status: int) -> None:
    """Servers take chunks apart and give no length; such a body must not pass for an empty one."""
    raw = b'{"title": "T", "a": 1' + b" " * size + b"}"
    environ: dict[str, Any] = {
        "wsgi.input": BytesIO(raw),
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": "",
        "HTTP_TRANSFER_ENCODING": "chunked",
    }
    answer = owner.client.generic("POST", "/api/v1/listings", b"", "application/json", headers=owner.headers, **environ)
    found = problem(answer, status)
    assert status == 413 or "a" in {item["field"] for item in found["errors"]}
