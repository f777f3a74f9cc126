"""Reading a body: size, kind, JSON. Nothing that a client sends may become a failure of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import RequestDataTooBig
from django.http import HttpRequest, UnreadablePostError
from django.utils.translation import gettext as _

from api.problems import too_large
from core import clock
from core.errors import DomainError, FieldError, InvalidInput
from policies import active
from policies.rules import ApiRules, ImportRules

JSON = "application/json"
MULTIPART = "multipart/form-data"
_NUL = b"\\u0000"
_DRAIN = 64 * 1024 * 1024
_ENVELOPE = 1024 * 1024
"""Bytes that a multipart body may have beside its file."""


def read(request: HttpRequest, kind: str) -> tuple[Any, str]:
    """The parsed body (None when there is none, or it is a form) and its digest.

    Two bodies with the same digest ask for the same thing: the order of JSON members and the boundaries of a form do not count.
    Raises DomainError: 413 too large, 415 another kind than the operation takes, 422 malformed.
    """
    limit = _limit(kind)
    if _length(request) > limit:
        _drain(request)
        raise too_large(limit)
    if kind == MULTIPART:
        _expect(request, MULTIPART)
        if _is_chunked(request):
            raise DomainError(code="ERR_BODY", detail=_("Send a file with its Content-Length."), status=411)
        return None, _digest_of_form(request)
    try:
        raw = _chunks(request, limit) if _is_chunked(request) else request.body
    except RequestDataTooBig:
        raise too_large(limit) from None
    except (UnreadablePostError, OSError):
        raise InvalidInput(_("The body was cut off."), code="ERR_BODY") from None
    if not raw.strip():
        return None, hashlib.sha256(b"").hexdigest()
    _expect(request, JSON)
    return _parse(raw)


def refuse_nul(request: HttpRequest) -> None:
    """A NUL character in the address is refused: the database cannot hold one, and nobody means one."""
    if "\x00" in request.path:
        raise DomainError(code="ERR_NOT_FOUND", detail=_("There is nothing here."), status=404)
    for name, values in request.GET.lists():
        if "\x00" in name or any("\x00" in value for value in values):
            raise InvalidInput(_("A NUL character is not allowed."), [_nul_at(name.replace("\x00", ""))])


def _limit(kind: str) -> int:
    now = clock.now()
    if kind == MULTIPART:
        return active(ImportRules, now).max_upload_bytes + _ENVELOPE
    return min(active(ApiRules, now).max_body_bytes, settings.DATA_UPLOAD_MAX_MEMORY_SIZE)


def _length(request: HttpRequest) -> int:
    with suppress(ValueError):
        return int(request.META.get("CONTENT_LENGTH") or 0)
    return 0


def _is_chunked(request: HttpRequest) -> bool:
    """A body without a length: Django would take it for no body at all."""
    return "chunked" in request.headers.get("Transfer-Encoding", "").lower() and not _length(request)


def _chunks(request: HttpRequest, limit: int) -> bytes:
    """A body of unknown length, up to the limit; the server has taken the chunks apart already."""
    source, raw = request.META["wsgi.input"], b""
    while len(raw) <= limit and (chunk := source.read(65_536)):
        raw += chunk
    if len(raw) > limit:
        left = _DRAIN
        while left > 0 and (chunk := source.read(65_536)):
            left -= len(chunk)
        raise RequestDataTooBig
    return raw


def _drain(request: HttpRequest) -> None:
    """Take in what the client is still sending, so that it reads the answer and not a broken connection."""
    left = _DRAIN
    with suppress(Exception):
        while left > 0 and (chunk := request.read(65_536)):
            left -= len(chunk)


def _expect(request: HttpRequest, kind: str) -> None:
    sent = (request.content_type or "").lower()
    if sent != kind:
        detail = _("Send the body as %(wanted)s; this one says %(sent)s.") % {"wanted": kind, "sent": sent[:80] or "–"}
        raise DomainError(code="ERR_CONTENT_TYPE", detail=detail, status=415)


def _parse(raw: bytes) -> tuple[Any, str]:
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError as error:
        words = _("This is not JSON (UTF-8): line %(line)s, column %(column)s.")
        raise InvalidInput(words % {"line": error.lineno, "column": error.colno}, code="ERR_BODY") from None
    depth = active(ApiRules, clock.now()).max_depth
    if raw.count(b"[") + raw.count(b"{") > depth and _deeper_than(found, depth):
        raise InvalidInput(_("The JSON is nested deeper than %(depth)s levels.") % {"depth": depth}, code="ERR_BODY")
    if _NUL in raw:
        faults = [_nul_at(path) for path in _nul_paths(found, "")]
        if faults:
            raise InvalidInput(_("A NUL character is not allowed."), faults)
    return found, hashlib.sha256(orjson.dumps(found, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _deeper_than(value: Any, depth: int) -> bool:
    """Level by level, without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _step in range(depth):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def _nul_paths(value: Any, path: str) -> Iterator[str]:
    """Where NUL characters are; the depth is bounded by now."""
    if isinstance(value, str):
        if "\x00" in value:
            yield path
    elif isinstance(value, dict):
        for name, inner in value.items():
            if "\x00" in name:
                yield f"{path}.{name}".replace("\x00", "").lstrip(".")
            yield from _nul_paths(inner, f"{path}.{name}".replace("\x00", "").lstrip("."))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _nul_paths(inner, f"{path}.{index}".lstrip("."))


def _nul_at(path: str) -> FieldError:
    return FieldError(path[:120], "ERR_FORMAT", _("A NUL character is not allowed."))


def _digest_of_form(request: HttpRequest) -> str:
    digest = hashlib.sha256()
    for name, values in sorted(request.POST.lists()):
        digest.update(orjson.dumps([name, values]))
        if "\x00" in name or any("\x00" in value for value in values):
            raise InvalidInput(_("A NUL character is not allowed."), [_nul_at(name.replace("\x00", ""))])
    for name, files in sorted(request.FILES.lists()):
        for file in files:
            digest.update(orjson.dumps([name, file.name]))
            for chunk in file.chunks():
                digest.update(chunk)
            file.seek(0)
    return digest.hexdigest()
