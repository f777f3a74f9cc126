"""Every operation of the document against hostile input: never a 5xx, every refusal a problem, every success as described (bench 29)."""

from __future__ import annotations

import itertools
import json
import random
from typing import Any
from urllib.parse import quote

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from accounts.models import Store
from api import openapi
from core.scopes import in_store
from tests.api.client import MEMBERS, Api
from tests.factories import make_skus

EXAMPLES = 25
NASTY_TEXT = [
    "", " ", "\x00", "a\x00b", "\ud83d\ude00", "\u202e", "' OR 1=1 --", "<script>", "../../etc/passwd", "%00", "NaN", "Infinity", "-0",
    "1e400", "9" * 40, "0x10", "１２", "2026-11-27T08:00:00Z", "2026-13-01T00:00:00Z",
    "9999-12-31T23:59:59.999999Z", "0001-01-01T00:00:00-23:59",
    "C-7F3KQ", "home", "USD", "x" * 3000, "{}", "[]", "null", "on_sale", "limited_time_discount", "\r\nX: y", "\ufeff", "ı", "ß",
]  # fmt: skip
NASTY_NUMBERS = [0, -1, 1, 2**31 - 1, 2**31, 2**63, -(2**63), 10**25, 0.1, -1.5, 1e300]
scalars = st.one_of(
    st.none(), st.booleans(), st.sampled_from(NASTY_NUMBERS), st.sampled_from(NASTY_TEXT), st.text(max_size=12)
)
anything = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


def resolve(schema: dict[str, Any]) -> dict[str, Any]:
    while "$ref" in schema:
        schema = openapi.document()["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def values(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    """Mostly what the schema asks for, so that the input gets past the door, now and then anything at all."""
    found = resolve(schema)
    plain: st.SearchStrategy[Any] = anything
    if "anyOf" in found:
        plain = st.one_of(*[values(one) for one in found["anyOf"]])
    elif "enum" in found:
        plain = st.sampled_from(found["enum"])
    elif found.get("format") == "date-time":
        plain = st.datetimes().map(lambda moment: moment.isoformat() + "Z")
    elif found.get("type") == "string":
        plain = st.sampled_from(NASTY_TEXT) | st.text(max_size=20) | st.decimals(-1, 100, places=2).map(str)
    elif found.get("type") == "integer":
        plain = st.integers(-2, 2**33) | st.sampled_from([1, 2, 3])
    elif found.get("type") == "boolean":
        plain = st.booleans()
    elif found.get("type") == "array":
        plain = st.lists(values(found.get("items", {})), max_size=4)
    elif found.get("type") == "object" or "properties" in found:
        needed = set(found.get("required", []))
        parts = {name: values(one) for name, one in found.get("properties", {}).items()}
        plain = st.fixed_dictionaries(
            {name: part for name, part in parts.items() if name in needed},
            optional={name: part for name, part in parts.items() if name not in needed},
        )
    return st.integers(0, 9).flatmap(lambda dice: anything if dice == 0 else plain)


def calls() -> list[tuple[str, str, dict[str, Any]]]:
    return [
        (method, path, entry)
        for path, methods in openapi.document()["paths"].items()
        for method, entry in methods.items()
    ]


@pytest.fixture
def known(store: Store, owner: Api) -> dict[str, list[str]]:
    """Real names for path parameters, so that the fuzz meets rows and not only 404."""
    with in_store(store.pk):
        sku = make_skus(store, 2)[0]
    campaign = owner.post(
        "/campaigns",
        {
            "kind": "limited_time_discount", "name": "Fuzz", "starts_at": "2026-01-01T00:00:00Z", "ends_at": "2036-01-01T00:00:00Z",
            "items": [{"sku": sku.code, "price": "1.00"}],
        },
    ).json()  # fmt: skip
    return {"code": [campaign["code"]], "id": [str(sku.listing_id)], "slug": [store.slug], "order": ["A-1"]}


@pytest.mark.parametrize(
    ("method", "path", "entry"), calls(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_no_input_breaks_an_operation(
    method: str, path: str, entry: dict[str, Any], owner: Api, staff: Api, known: dict[str, list[str]]
) -> None:
    api = staff if "staffToken" in entry["security"][0] else owner
    serial = itertools.count()

    @settings(
        max_examples=EXAMPLES, deadline=None, database=None, derandomize=True,
        phases=[Phase.generate], suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def attack(data: st.DataObject) -> None:
        target = path
        for parameter in entry["parameters"]:
            name = parameter["name"]
            if parameter["in"] == "path":
                choice = data.draw(st.sampled_from(known.get(name, ["x"]) * 3 + NASTY_TEXT[1:]))
                target = target.replace(
                    "{" + name + "}", quote(choice.encode("utf-8", "surrogatepass"), safe="") or "x"
                )
        query = [
            f"{p['name']}={quote(str(data.draw(values(p['schema']))).encode('utf-8', 'surrogatepass'))}"
            for p in entry["parameters"]
            if p["in"] == "query" and (p["required"] or data.draw(st.booleans()))
        ]
        target += "?" + "&".join(query) if query else ""
        raw, headers = _body(data, entry)
        if method == "post" and data.draw(st.booleans()):
            headers["Idempotency-Key"] = (
                f"k{next(serial) % 3}" if data.draw(st.booleans()) else data.draw(st.sampled_from(["", "\t", "é"]))
            )
        answer = api.call(method.upper(), target, raw=raw, **headers)
        _judge(method, target, raw, answer)

    attack()


def _body(data: st.DataObject, entry: dict[str, Any]) -> tuple[bytes, dict[str, str]]:
    content = entry.get("requestBody", {}).get("content", {})
    if not content:
        return b"", {}
    kind, found = next(iter(content.items()))
    if kind != "application/json" or data.draw(st.integers(0, 19)) == 0:
        return data.draw(st.binary(max_size=60)), {"content_type": data.draw(st.sampled_from([kind, "text/plain", ""]))}
    body = data.draw(values(found["schema"]))
    return _dump(body), {}


def _dump(body: Any) -> bytes:
    """JSON as a careless client would write it: huge numbers and lone surrogates included."""
    return json.dumps(body).encode()


def _judge(method: str, target: str, raw: bytes, answer: Any) -> None:
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    where = (method, target, raw[:500], answer.status_code, body[:500])
    assert answer.status_code < 500, where
    assert b"Traceback" not in body, where
    if answer.status_code >= 400:
        assert answer["Content-Type"] == "application/problem+json", where
        found = orjson.loads(body)
        assert found.keys() >= MEMBERS, where
        assert found["status"] == answer.status_code, where
    if answer.status_code in {423, 429, 503}:
        assert answer["Retry-After"], where


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where a body may be hurt: every member and every element."""
    found = [path] if path else []
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in pairs:
        found += _leaves(inner, (*path, key))
    return found


def _hurt(body: Any, path: tuple[Any, ...], poison: Any) -> Any:
    copy = json.loads(json.dumps(body))
    spot = copy
    for key in path[:-1]:
        spot = spot[key]
    spot[path[-1]] = poison
    return copy


def good_bodies(sku: str, code: str, listing: int, site: str) -> list[tuple[str, str, dict[str, Any]]]:
    """Bodies that pass, so that one wound at a time reaches the deepest rule."""
    window = {"starts_at": "2026-12-01T00:00:00Z", "ends_at": "2036-01-01T00:00:00Z"}
    items = [{"sku": sku, "price": "1.00"}]
    return [
        ("POST", "/campaigns", {"kind": "limited_time_discount", "name": "Fuzz", "items": items, "rules": {}, "min_items": 1, **window}),
        ("PATCH", f"/campaigns/{code}", {"name": "Other", "items": items, **window}),
        ("POST", f"/campaigns/{code}/items", {"items": items}),
        ("POST", f"/campaigns/{code}/cancel", {"reason": "other", "note": "n", "confirm_code": code}),
        ("POST", "/campaigns/bulk", {"action": "pause", "codes": [code], "reason": "other", "confirm_count": 1}),
        (
            "POST",
            "/listings",
            {
                "title": "T", "titles": {"zh": "题"}, "category": "bags", "brand": "B", "state": "draft", "management": "self",
                "skus": [{"sku": f"{sku}-N", "sale_price": "2.00", "currency": "USD", "cost": "1.00", "stock": 3}],
            },
        ),
        ("PATCH", f"/listings/{listing}", {"title": "T", "titles": {}, "skus": [{"sku": sku, "sale_price": "2.00", "stock": 1}]}),
        ("POST", "/prices", {"prices": [{"sku": sku, "sale_price": "2.00"}]}),
        ("POST", "/stock", {"stock": [{"sku": sku, "quantity": 1, "as_of": "2030-01-01T00:00:00Z"}]}),
        ("POST", "/listings/delist", {"ids": [listing], "reason": "slow", "mode": "gradual"}),
        (
            "POST",
            "/staff/stores",
            {
                "slug": f"fuzz-{site}", "name": "F", "owner_email": "fuzz@shop.test", "time_zone": "UTC",
                "sites": [{"code": "en", "language": "en", "currency": "USD"}],
            },
        ),
    ]  # fmt: skip


def test_one_wound_at_a_time_breaks_nothing(owner: Api, staff: Api, store: Store, known: dict[str, list[str]]) -> None:
    with in_store(store.pk):
        sku = make_skus(store, 1)[0]
    dice = random.Random(11)
    poisons: list[Any] = [*NASTY_TEXT, *NASTY_NUMBERS, None, True, [], {}, [[]], {"a": None}, [None], ["x"] * 3]
    statuses = set()
    for method, path, body in good_bodies(sku.code, known["code"][0], sku.listing_id, store.slug):
        api = staff if path.startswith("/staff") else owner
        for spot in _leaves(body):
            for poison in dice.sample(poisons, 9):
                raw = _dump(_hurt(body, spot, poison))
                answer = api.call(method, path, raw=raw)
                _judge(method, path, raw, answer)
                statuses.add(answer.status_code)
    assert {200, 201, 409, 422} <= statuses


def test_random_bytes_on_random_paths(owner: Api) -> None:
    dice = random.Random(7)
    for _ in range(200):
        path = "/" + quote(bytes(dice.randrange(256) for _ in range(dice.randrange(1, 20))))
        answer = owner.call(dice.choice(["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]), path, raw=b"\xff{")
        _judge("any", path, b"", answer)
