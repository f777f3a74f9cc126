"""The contract as OpenAPI 3.1: what django-ninja knows of the operations, and what the frame adds to each of them."""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Any

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import get_language, gettext_noop, override
from django.views.decorators.http import require_safe
from ninja.operation import Operation
from pydantic.json_schema import models_json_schema

from accounts.rights import public
from api import manual
from api.access import STAFF, Needs, declared
from api.app import BASE, api
from api.idempotency import HEADER, REPLAY
from api.problems import CONTENT_TYPE
from api.schemas.common import Problem
from core import clock
from policies import active, stated
from policies.rules import ApiRules

_ENCODER = DjangoJSONEncoder()
_REFS = "#/components/schemas/{model}"
_CHANGES = frozenset({"post", "patch", "put", "delete"})
_WAITING = frozenset({"423", "429", "503"})
_PROBLEMS: dict[str, str] = {
    "401": "No token, or one that does not work (any more).",
    "403": "A right is missing; `granted_by` names who can grant it.",
    "404": "Unknown, or another store's.",
    "409": "The state, the version or a guard refuses it; `blockers` has the guards.",
    "413": "The body is too large.",
    "415": "Another kind of body than the operation takes.",
    "422": "Bad input; `errors` names every broken field.",
    "423": "Another admin is on it; `holder` and `seconds_left` say who and for how long.",
    "429": "Too many calls with this token.",
    "500": "A fault of the server; nothing was changed.",
    "503": "The database is busy or away; nothing was changed, try again.",
}


@lru_cache(maxsize=1)
def document() -> dict[str, Any]:
    """The whole document, in English, made once; its texts name their limits, which `stated_document` fills in."""
    with override("en"):
        raw = dict(api.get_openapi_schema(path_prefix=""))
        found: dict[str, Any] = orjson.loads(
            orjson.dumps(raw, default=_ENCODER.default, option=orjson.OPT_NON_STR_KEYS)
        )
        schemas = found["components"].setdefault("schemas", {})
        _add(schemas, Problem)
        known = {api.get_openapi_operation_id(operation): operation for operation in operations()}
        for path, methods in found["paths"].items():
            for method, entry in methods.items():
                _complete(known[entry["operationId"]], path, method, entry, schemas)
        found["info"]["description"] = manual.text()
        found["servers"] = [{"url": f"/{BASE}"}]
        found["tags"] = [{"name": name, "description": str(words)} for name, words in manual.TAGS.items()]
        found["components"] |= {"responses": _responses(), "securitySchemes": _schemes()}
        _tidy(found)
        return found


def stated_document(now: datetime) -> bytes:
    """The document as JSON with the limits that are in force; made once for each state of the rules."""
    return _stated(stated.mark(now))


@lru_cache(maxsize=2)
def _stated(_mark: tuple[tuple[str, str], ...]) -> bytes:
    with override("en"):
        made = _filled(document())
    return orjson.dumps(made, option=orjson.OPT_INDENT_2)


def _filled(node: Any) -> Any:
    if isinstance(node, dict):
        longest = {"maxLength": active(ApiRules, clock.now()).idempotency_key_max} if node.get("name") == HEADER else {}
        made = {name: _filled(inner) for name, inner in node.items()}
        return made | {"schema": made["schema"] | longest} if longest else made
    if isinstance(node, list):
        return [_filled(inner) for inner in node]
    return stated.fill(node) if isinstance(node, str) else node


@require_safe
@public
def document_view(request: HttpRequest) -> HttpResponse:
    """`openapi.json`, for everybody."""
    return HttpResponse(stated_document(clock.now()), content_type="application/json")


@require_safe
@public
def docs_view(request: HttpRequest) -> HttpResponse:
    """The same for people, drawn on the server: it works without JavaScript and needs nothing from elsewhere."""
    return render(request, "api/docs.html", {"manual": _page(get_language() or "en", stated.mark(clock.now()))})


@lru_cache(maxsize=4)
def _page(language: str, _mark: tuple[tuple[str, str], ...]) -> manual.Page:
    """The page's content, made once for each language and state of the rules."""
    with override(language):
        return manual.page(document())


def operations() -> list[Operation]:
    """Every operation of the API."""
    return [
        operation
        for bound in api._get_bound_routers()
        for view in bound.path_operations.values()
        for operation in view.operations
    ]


def _complete(operation: Operation, path: str, method: str, entry: dict[str, Any], schemas: dict[str, Any]) -> None:
    """What the frame does for an operation, written into its entry."""
    wanted = declared(operation.view_func)
    shape = getattr(operation.view_func, "api_body", None)
    if shape is not None:
        _add(schemas, shape)
        schema = {"$ref": _REFS.format(model=shape.__name__)}
        entry["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    staff = wanted is not None and wanted.kind == STAFF
    entry["security"] = [{"staffToken" if staff else "storeToken": []}]
    entry["x-rights"] = list(wanted.rights) if wanted else []
    for parameter in entry["parameters"]:
        parameter.pop("examples", None)  # they stand in its schema, where a list belongs
    if method == "post":
        entry["parameters"].append(_key_parameter())
        for status, answer in entry["responses"].items():
            if status.startswith("2"):
                answer.setdefault("headers", {})[REPLAY] = {"$ref": "#/components/headers/Replay"}
    for status in _statuses(wanted, path, method):
        entry["responses"][status] = {"$ref": f"#/components/responses/Problem{status}"}


def _statuses(wanted: Needs | None, path: str, method: str) -> list[str]:
    found = {"401", "403", "422", "429", "500", "503"}
    if "{" in path or method == "post":
        found.add("404")
    if method in _CHANGES:
        found |= {"409", "413", "415"}
    if wanted is not None:
        found |= {str(status) for status in wanted.also}
    return sorted(found)


def _key_parameter() -> dict[str, Any]:
    return {
        "in": "header",
        "name": HEADER,
        "required": False,
        "schema": {"type": "string", "minLength": 1},
        "description": gettext_noop(
            "Same key and body: the first answer again. Kept for %(api__idempotency_ttl__seconds)s."
        ),
    }


def _responses() -> dict[str, Any]:
    wait = {"Retry-After": {"schema": {"type": "integer"}, "description": "Seconds to wait."}}
    schema = {"$ref": _REFS.format(model="Problem")}
    return {
        f"Problem{status}": {"description": words, "content": {CONTENT_TYPE: {"schema": schema}}}
        | ({"headers": wait} if status in _WAITING else {})
        for status, words in _PROBLEMS.items()
    }


def _schemes() -> dict[str, Any]:
    return {
        "storeToken": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of one member of one store; it has no right that its member lacks.",
        },
        "staffToken": {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of platform staff; it has no store.",
        },
    }


def _add(schemas: dict[str, Any], *shapes: Any) -> None:
    _top, definitions = models_json_schema([(shape, "validation") for shape in shapes], ref_template=_REFS)
    schemas.update(definitions["$defs"])


def _tidy(found: dict[str, Any]) -> None:
    """What problems may add beside their fixed members; the header of a replay; no invented titles and null defaults."""
    found["components"]["headers"] = {
        "Replay": {
            "description": "“true” when this is the first answer to the same key, again.",
            "schema": {"type": "string", "const": "true"},
        }
    }
    found["components"]["schemas"]["Problem"]["additionalProperties"] = True
    stack: list[Any] = [found["paths"], found["components"]["schemas"]]
    while stack:
        one = stack.pop()
        if isinstance(one, list):
            stack.extend(one)
        elif isinstance(one, dict):
            if isinstance(one.get("title"), str) and ("type" in one or "anyOf" in one or "$ref" in one):
                del one["title"]
            if "default" in one and one["default"] is None:
                del one["default"]
            stack.extend(one.values())
