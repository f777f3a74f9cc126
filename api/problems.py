"""RFC 9457 problem documents: every answer that is not a success, whoever found the fault."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import orjson
from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import DatabaseError, DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, HttpResponse, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from ninja.errors import HttpError
from ninja.errors import ValidationError as ShapeError
from psycopg import errors as postgres

from api.validation import field_errors
from core.errors import Conflict, DomainError, InvalidInput, NotFound
from core.middleware import request_id
from inbox import catalogue

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
_ENCODER = DjangoJSONEncoder()
_INDEX = re.compile(r"\[(\d+)\]")
_RESERVED = frozenset({"type", "title", "status", "code", "detail", "request_id", "errors"})

#: Faults of the moment: the same call may succeed when it is made again.
_BUSY = (postgres.DeadlockDetected, postgres.SerializationFailure)
_WAITED = (postgres.LockNotAvailable, postgres.QueryCanceled)


class TooMany(DomainError):
    """429: the token's bucket is empty for `seconds`."""

    def __init__(self, seconds: int) -> None:
        detail = _("Too many requests with this token. Try again in %(seconds)s s.") % {"seconds": seconds}
        super().__init__(code="ERR_RATE_LIMIT", detail=detail, status=429, retry_after=seconds)


def document(error: DomainError) -> dict[str, Any]:
    """The problem document of a domain error."""
    known = catalogue.lookup(error.code)
    phrase = HTTPStatus(error.status).phrase
    problem: dict[str, Any] = {
        "type": f"{settings.PUBLIC_URL}/api/v1/docs#{error.code}",
        "title": catalogue.fill(known.title, error.extra) if known else phrase,
        "status": error.status,
        "code": error.code,
        "detail": str(error.detail),
        "request_id": request_id.get(),
        "errors": [{**item.as_dict(), "field": _INDEX.sub(r".\1", item.field)} for item in error.errors],
        "blockers": [],
    }
    problem.update({name: value for name, value in error.extra.items() if name not in _RESERVED})
    return problem


def response(error: DomainError, headers: Mapping[str, str] | None = None) -> HttpResponse:
    """The answer for a domain error."""
    body = orjson.dumps(document(error), default=_ENCODER.default, option=orjson.OPT_UTC_Z)
    answer = HttpResponse(body, status=error.status, content_type=CONTENT_TYPE, headers=dict(headers or {}))
    if error.retry_after is not None:
        answer["Retry-After"] = str(max(1, error.retry_after))
    if error.status == HTTPStatus.UNAUTHORIZED:
        answer["WWW-Authenticate"] = 'Bearer realm="api"'
    answer["Cache-Control"] = "no-store"
    return answer


def from_exception(error: BaseException) -> DomainError:
    """The domain error that says what an exception means to a client; the unexpected becomes 500 and is logged."""
    if isinstance(error, DomainError):
        return error
    if isinstance(error, ShapeError):
        found = field_errors(error.errors)
        words = ngettext(
            "The request has %(count)s fault; see errors.", "The request has %(count)s faults; see errors.", len(found)
        )
        return InvalidInput(words % {"count": len(found)}, found)
    if isinstance(error, Http404):
        return NotFound(_("There is nothing here, or it belongs to another store."))
    if isinstance(error, DatabaseError | InterfaceError):
        return _from_database(error)
    return _from_request(error) or _unexpected(error)


def is_passing(error: BaseException) -> bool:
    """Whether the same work may simply be done again at once: a deadlock or a serialisation failure."""
    return isinstance(error, OperationalError) and isinstance(error.__cause__, _BUSY)


def too_large(limit: int) -> DomainError:
    """413 for a body above `limit` bytes."""
    detail = _("The body is larger than %(limit)s bytes. Send it in several calls.") % {"limit": limit}
    return DomainError(code="ERR_TOO_LARGE", detail=detail, status=413)


def _from_database(error: Exception) -> DomainError:
    cause = error.__cause__
    if isinstance(cause, _BUSY):
        detail = _("Another change came at the same moment. Nothing was changed; try again.")
        return DomainError(code="ERR_BUSY", detail=detail, status=409, retry_after=1)
    if isinstance(cause, _WAITED):
        detail = _("Another change holds these rows. Nothing was changed; try again in a moment.")
        return DomainError(code="ERR_BUSY", detail=detail, status=503, retry_after=2)
    if isinstance(error, IntegrityError):
        logger.error("a constraint refused what no rule had refused", exc_info=error)
        return Conflict("ERR_CONFLICT", _("This contradicts what is already there. Read it again, then decide."))
    if isinstance(error, DataError):
        logger.error("the database refused a value that no rule had refused", exc_info=error)
        return InvalidInput(_("A value is out of bounds."))
    if isinstance(error, OperationalError | InterfaceError):
        logger.error("the database does not answer", exc_info=error)
        detail = _("The database does not answer just now. Nothing was changed; try again.")
        return DomainError(code="ERR_UNAVAILABLE", detail=detail, status=503, retry_after=5)
    return _unexpected(error)


def _from_request(error: BaseException) -> DomainError | None:
    if isinstance(error, RequestDataTooBig):
        return too_large(settings.DATA_UPLOAD_MAX_MEMORY_SIZE)
    if isinstance(error, HttpError):
        return DomainError(code="ERR_INVALID", detail=str(error), status=error.status_code)
    if isinstance(error, PermissionDenied):
        return DomainError(code="ERR_PERMISSION", detail=_("This is not allowed."), status=403)
    if isinstance(error, MultiPartParserError | SuspiciousOperation | BadRequest | UnreadablePostError):
        return InvalidInput(_("The request could not be read: it is cut off or malformed."), code="ERR_BODY")
    if isinstance(error, DjangoValidationError):
        return InvalidInput("; ".join(error.messages)[:500])
    return None


def _unexpected(error: BaseException) -> DomainError:
    logger.error("unexpected failure of an API operation", exc_info=error)
    detail = _("Something went wrong here, not with the request. Nothing was changed. Quote the request id to support.")
    return DomainError(code="ERR_INTERNAL", detail=detail, status=500)
