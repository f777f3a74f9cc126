"""The readable documentation: conventions in words, and the OpenAPI document as sections, tables and examples."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from django.utils.functional import Promise
from django.utils.html import escape
from django.utils.safestring import mark_safe
from django.utils.translation import gettext as _now
from django.utils.translation import gettext_lazy as _

from accounts.rights import ALL_RIGHTS
from inbox import catalogue
from policies.stated import fill

Text = str | Promise

TAGS: dict[str, Text] = {
    "categories": _("Categories"),
    "listings": _("Listings, prices, stock"),
    "jobs": _("Background jobs"),
    "campaigns": _("Campaigns: create, stop, close, check"),
    "insights": _("Events and figures"),
    "coupons": _("Coupons: create, read, stop"),
    "quotes": _("Quotes for buyers"),
    "orders": _("Orders with frozen terms"),
    "store": _("The token's own store"),
    "staff": _("For platform staff"),
    "messages": _("Messages to the people of a store"),
    "audit": _("The record of who did what"),
}

#: Heading and paragraphs; the same in the OpenAPI document and on the page. Limits are named, and filled in as they are (policies.stated).
CONVENTIONS: tuple[tuple[Text, tuple[Text, ...]], ...] = (
    (
        _("Tokens"),
        (
            _("Send “Authorization: Bearer <token>”. A store token belongs to one member of one store."),
            _(
                "A token has no right that its member lacks; rights are read at each call, so what is revoked is gone at once."
            ),
            _("A staff token has no store and reaches the operations for staff."),
            _("Another store's things answer 404; a missing right answers 403 with who can grant it."),
        ),
    ),
    (
        _("Values"),
        (
            _("Times are RFC 3339 in UTC, such as 2026-11-27T08:00:00Z."),
            _("Money is text beside a currency, with the places of that currency (ISO 4217)."),
            _("Unknown fields are refused, so that a typing error never passes for a wish."),
        ),
    ),
    (
        _("Lists"),
        (_("Lists take limit and cursor; send next_cursor as cursor for the next page, until it is null."),),
    ),
    (
        _("Sending again"),
        (
            _(
                "Any POST may carry an Idempotency-Key; it is kept for %(api__idempotency_ttl__seconds)s, for this token and this address."
            ),
            _(
                "The same key and body answers what the first call answered, with Idempotent-Replay: true; another body answers 422."
            ),
            _("Use one key for one intention, and repeat it after a lost connection: the effect happens once."),
            _("A change may carry the version that was read; a stale one answers 409 with the object as it stands."),
        ),
    ),
    (
        _("Errors"),
        (
            _("Every error is an RFC 9457 problem document with a code; errors names every broken field at once."),
            _("409 carries blockers when guards refuse; 423 the holder of the operation lock and seconds_left."),
            _(
                "423, 429 and 503 carry Retry-After. A token may call %(api__rate_per_second)s times a second, with bursts of"
                " %(api__burst)s."
            ),
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One field or parameter. `depth` is how far it lies inside other objects."""

    name: str
    kind: str
    required: bool
    words: Text
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Call:
    """One operation."""

    anchor: str
    method: str
    path: str
    summary: Text
    words: Text
    rights: list[Text]
    staff: bool
    parameters: list[Row]
    body_kind: str
    body: list[Row]
    status: str
    answer: list[Row]
    problems: list[str]
    example: str


@dataclass(frozen=True, slots=True)
class Section:
    """The operations of one resource."""

    anchor: str
    title: Text
    calls: list[Call] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Entry:
    """One error code, as readers of the API meet it without a case at hand."""

    code: str
    title: str
    cause: str
    steps: list[str]


@dataclass(frozen=True, slots=True)
class Page:
    """The whole page."""

    title: str
    version: str
    conventions: list[tuple[str, list[str]]]
    sections: list[Section]
    codes: list[Entry]


def text() -> str:
    """The conventions as Markdown, in the active language, their limits still to be filled in."""
    return "\n\n".join(
        f"## {title}\n\n" + "\n\n".join(str(words) for words in paragraphs) for title, paragraphs in CONVENTIONS
    )


def page(document: dict[str, Any]) -> Page:
    """The page in the active language, with the limits that are in force."""
    info = document["info"]
    title: str = info["title"]
    sections = {name: Section(f"tag-{name}", words) for name, words in TAGS.items()}
    for path, methods in document["paths"].items():
        for method, entry in methods.items():
            sections[entry["tags"][0]].calls.append(_call(document, path, method, entry))
    return Page(
        title=_now(title),
        version=info["version"],
        conventions=[(str(title), [fill(str(words)) for words in paragraphs]) for title, paragraphs in CONVENTIONS],
        sections=[section for section in sections.values() if section.calls],
        codes=[_entry(code) for code in catalogue.all_codes()],
    )


def _entry(code: catalogue.Code) -> Entry:
    steps = [catalogue.fill(step, {}) for step in code.steps]
    return Entry(code.code, catalogue.fill(code.title, {}), catalogue.fill(code.cause, {}), steps)


def _call(document: dict[str, Any], path: str, method: str, entry: dict[str, Any]) -> Call:
    body_kind, body = _content(entry.get("requestBody", {}))
    status = next(status for status in entry["responses"] if status.startswith("2"))
    _kind, answer = _content(entry["responses"][status])
    summary: str = entry["summary"]
    return Call(
        anchor=entry["operationId"],
        method=method.upper(),
        path=path,
        summary=_now(summary),
        words=_in_words(entry.get("description", "")),
        rights=[ALL_RIGHTS[right].label for right in entry["x-rights"]],
        staff="staffToken" in entry["security"][0],
        parameters=[
            Row(one["name"], _kind_of(one["schema"]), one["required"], _in_words(one.get("description", "")))
            for one in entry["parameters"]
        ],
        body_kind=body_kind,
        body=list(_rows(document, body, 0, frozenset())),
        status=status,
        answer=list(_rows(document, answer, 0, frozenset())),
        problems=sorted(status for status in entry["responses"] if not status.startswith("2")),
        example=_example(document, path, method, body_kind, body),
    )


def _in_words(english: str) -> str:
    """A text of the document in the active language; what stands between backticks is code."""
    parts = escape(fill(_now(english)) if english else "").split("`")
    return mark_safe("".join(f"<code>{part}</code>" if n % 2 else part for n, part in enumerate(parts)))  # noqa: S308 - words of our own


def _content(holder: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    for kind, content in holder.get("content", {}).items():
        return kind, content["schema"]
    return "", {}


def _resolve(document: dict[str, Any], schema: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    """The schema behind references and “or null”, and its name."""
    name = ""
    while True:
        choices = [one for one in schema.get("anyOf", schema.get("allOf", [])) if one.get("type") != "null"]
        if len(choices) == 1:
            schema = choices[0]
        elif "$ref" in schema:
            name = schema["$ref"].rpartition("/")[2]
            schema = document["components"]["schemas"][name]
        else:
            return name, schema


def _rows(document: dict[str, Any], schema: dict[str, Any], depth: int, seen: frozenset[str]) -> Iterator[Row]:
    name, found = _resolve(document, schema)
    if found.get("type") == "array":
        yield from _rows(document, found.get("items", {}), depth, seen)
        return
    if name in seen:
        return
    needed = set(found.get("required", []))
    for key, inner in found.get("properties", {}).items():
        inside, plain = _resolve(document, inner)
        words = inner.get("description") or plain.get("description", "") if not inside else inner.get("description", "")
        yield Row(key, _kind_of(inner, document), key in needed, _in_words(words), depth)
        yield from _rows(document, inner, depth + 1, seen | {name})


def _kind_of(schema: dict[str, Any], document: dict[str, Any] | None = None) -> str:
    """The type in few words, such as `text`, `list of objects`, `a | b | null`."""
    if "enum" in schema:
        return " | ".join(str(value) for value in schema["enum"])
    if "const" in schema:
        return str(schema["const"])
    if "anyOf" in schema:
        return " | ".join(dict.fromkeys(_kind_of(one, document) for one in schema["anyOf"]))
    if "$ref" in schema:
        found = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if document else {}
        return _kind_of(found, document)
    kind = schema.get("type", "any")
    if kind == "array":
        return f"{_kind_of(schema.get('items', {}), document)}[]"
    return {"date-time": "time", "binary": "file"}.get(schema.get("format", ""), str(kind))


def _example(document: dict[str, Any], path: str, method: str, body_kind: str, body: dict[str, Any]) -> str:
    """A call with curl that can be pasted and filled in."""
    lines = [f'curl -H "Authorization: Bearer $TOKEN" {settings.PUBLIC_URL}/api/v1{path}']
    if method != "get":
        lines[0] = lines[0].replace("curl ", f"curl -X {method.upper()} ", 1)
    if body_kind == "application/json":
        sample = orjson.dumps(_sample(document, body, 0), option=orjson.OPT_INDENT_2).decode()
        lines += [" -H 'Content-Type: application/json'", f" -d '{sample}'"]
    elif body_kind:
        lines += [" -F file=@catalogue.csv"]
    return " \\\n".join(lines)


_SAMPLES = {"string": "…", "integer": 1, "number": 1, "boolean": False, "object": {}}


def _sample(document: dict[str, Any], schema: dict[str, Any], depth: int) -> Any:
    _name, found = _resolve(document, schema)
    if schema.get("examples") or found.get("examples"):
        return (schema.get("examples") or found["examples"])[0]
    if "enum" in found:
        return found["enum"][0]
    if found.get("type") == "array":
        return [_sample(document, found.get("items", {}), depth + 1)] if depth < 4 else []
    if "properties" in found:
        needed = set(found.get("required", []))
        return {key: _sample(document, one, depth + 1) for key, one in found["properties"].items() if key in needed}
    return _SAMPLES.get(found.get("type", "string"), "…")
