"""Idempotency keys: the key, the effect and the answer share one transaction, so a reply that got lost costs nothing (bench 10).

The first call inserts the key's row and holds it, uncommitted, while it works; a duplicate waits on that row. When the first commits, the
duplicate finds the answer and repeats it; when the first is rolled back, the duplicate becomes the first.

Work in batches cannot be one transaction: its first one writes beside the key where the work stands (`begin`), its last one the answer. A
duplicate that comes in between, or after the first call died, goes on with the same work and gives the same answer.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _

from api.models import IdempotencyKey
from core import clock
from core.errors import Conflict, DomainError, FieldError, InvalidInput
from policies import active
from policies.rules import ApiRules

HEADER = "Idempotency-Key"
REPLAY = "Idempotent-Replay"
_PRINTABLE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?", re.ASCII)
_PATH_MAX = 255
_INSERT = """
INSERT INTO api_idempotencykey (token_id, method, path, key, body_digest, content_type, created_at)
VALUES (%s, %s, %s, %s, %s, '', %s) ON CONFLICT (token_id, method, path, key) DO NOTHING RETURNING id
"""


@dataclass(frozen=True, slots=True)
class Slot:
    """The scope of one key. `id` is the row to fill, or None when an earlier call has filled it; `begun` is the mark of work under way."""

    id: int | None
    answer: HttpResponse | None = None
    begun: str = ""


def key_of(request: HttpRequest) -> str | None:
    """The key sent with a POST, or None. Raises InvalidInput for one that cannot be a key."""
    if request.method != "POST":
        return None
    sent = request.headers.get(HEADER)
    if sent is None:
        return None
    limit = active(ApiRules, clock.now()).idempotency_key_max
    if len(sent) > limit or not _PRINTABLE.fullmatch(sent):
        words = _("A key has 1 to %(limit)s printable ASCII characters; a UUID is best.") % {"limit": limit}
        raise InvalidInput(words, [FieldError(HEADER, "ERR_FORMAT", words)])
    return sent


def claim(token_id: int, request: HttpRequest, key: str, digest: str) -> Slot:
    """Take the key, or find what the first call answered. Call inside the transaction of the effect.

    Waits for a call that is under way; past the wait the database's lock timeout raises (see `wait_for`). Raises DomainError 422
    ERR_IDEMPOTENCY_MISMATCH when the first call had another body.
    """
    scope = {"token_id": token_id, "method": request.method, "path": _path(request.path), "key": key}
    now = clock.now()
    oldest = now - timedelta(seconds=active(ApiRules, now).idempotency_ttl)
    for _try in range(3):
        with connection.cursor() as cursor:
            cursor.execute(_INSERT, [*scope.values(), digest, now])
            row = cursor.fetchone()
        if row:
            return Slot(id=row[0])
        found = IdempotencyKey.objects.filter(**scope).first()  # committed, or the insert would have succeeded
        if found is None:
            continue  # let go or pruned in between: try to be the first again
        if found.created_at < oldest:
            IdempotencyKey.objects.filter(id=found.id, created_at=found.created_at).delete()
            continue
        if found.body_digest == digest and found.status is None and found.body:
            return Slot(id=found.id, begun=bytes(found.body).decode())
        return Slot(id=None, answer=_again(found, digest))
    raise still_running()


def _again(found: IdempotencyKey, digest: str) -> HttpResponse:
    if found.body_digest != digest:
        raise Mismatch
    answer = HttpResponse(bytes(found.body or b""), status=found.status, content_type=found.content_type)
    answer["Cache-Control"] = "no-store"
    answer[REPLAY] = "true"
    return answer


def begin(slot: Slot, mark: str) -> None:
    """Write beside the first part of the effect where the rest of the work is found again."""
    if slot.id is None:
        raise ValueError("this slot holds an earlier answer")
    IdempotencyKey.objects.filter(id=slot.id).update(body=mark.encode())


def keep(slot: Slot, answer: HttpResponse) -> None:
    """Write the answer beside the effect, or let the key go when such an answer is never stored."""
    if slot.id is None:
        raise ValueError("this slot holds an earlier answer")
    rows = IdempotencyKey.objects.filter(id=slot.id)
    if is_stored(answer.status_code):
        rows.update(status=answer.status_code, body=answer.content, content_type=answer["Content-Type"])
    else:
        rows.delete()


def is_stored(status: int) -> bool:
    """401, 423, 429 and 5xx are never stored: the same key may try again."""
    passing = {HTTPStatus.UNAUTHORIZED, HTTPStatus.LOCKED, HTTPStatus.TOO_MANY_REQUESTS}
    return status not in passing and status < HTTPStatus.INTERNAL_SERVER_ERROR


def still_running() -> DomainError:
    """409: the first call with this key has not finished yet."""
    error = Conflict(
        "ERR_IDEMPOTENCY_BUSY", _("The first call with this key is still under way. Try again in a moment.")
    )
    error.retry_after = 1
    return error


def prune(now: datetime) -> int:
    """Forget keys older than the policy says; answers how many."""
    oldest = now - timedelta(seconds=active(ApiRules, now).idempotency_ttl)
    return IdempotencyKey.objects.filter(created_at__lt=oldest).delete()[0]


class Mismatch(DomainError):
    """422: the key was used with another body."""

    def __init__(self) -> None:
        detail = _("This key was sent before with another body. Use a new key for a new request.")
        super().__init__(code="ERR_IDEMPOTENCY_MISMATCH", detail=detail, status=422)


def _path(path: str) -> str:
    """The path, or for a very long one its beginning and its digest."""
    if len(path) <= _PATH_MAX:
        return path
    return path[: _PATH_MAX - 65] + "#" + hashlib.sha256(path.encode("utf-8", "surrogatepass")).hexdigest()
