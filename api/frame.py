"""What happens around every operation, in this order: who is it, may it call so often, what does the body say, has this key been used,
has the member the right, and then the operation itself, inside its store's scope and (for changes) inside one transaction.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from http import HTTPStatus
from typing import Any

import orjson
from django.core.serializers.json import DjangoJSONEncoder
from django.db import OperationalError, connection, transaction
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _
from ninja.errors import ValidationError as ShapeError
from ninja.operation import Operation
from psycopg.errors import LockNotAvailable

from accounts.rights import Access
from api import bodies, idempotency, limits, problems
from api.access import STAFF, Needs, declared
from api.auth import admit, identify
from api.requests import ApiRequest
from audit.models import Result
from audit.record import Entry, Target, record
from core import clock
from core.errors import DomainError, PermissionRefused
from core.scopes import in_store
from policies import active
from policies.rules import ApiRules

security = logging.getLogger("api.security")
_ENCODER = DjangoJSONEncoder()
Run = Callable[..., HttpResponseBase]


def reply(data: Any, status: int = 200) -> HttpResponse:
    """A JSON answer. Presenters build its data; it is never cached."""
    body = orjson.dumps(data, default=_ENCODER.default, option=orjson.OPT_UTC_Z)
    answer = HttpResponse(body, status=status, content_type="application/json")
    answer["Cache-Control"] = "no-store"
    return answer


class InBatches(HttpResponse):
    """The answer of an operation that is not one transaction: what is done so far is committed, then `finish` does the rest and answers.

    `mark` is how a repetition of the call finds the work again (`ApiRequest.begun`).
    """

    def __init__(self, mark: str, finish: Callable[[], HttpResponse]) -> None:
        super().__init__()
        self.mark = mark
        self.finish = finish
        self.slot: idempotency.Slot | None = None


def framed(run: Run) -> Run:
    """The frame around one operation's `run` (a django-ninja decorator of mode "view")."""
    operation: Operation = run.__self__  # type: ignore[attr-defined]  # a bound method
    wanted = declared(operation.view_func)
    sources = {model.__ninja_param_source__ for model in operation.models}
    kind = bodies.MULTIPART if sources & {"file", "form"} else bodies.JSON
    changes = not set(operation.methods) <= {"GET"}

    @functools.wraps(run)
    def perform(request: HttpRequest, **path: Any) -> HttpResponseBase:
        known = identify(request)
        known.begun = ""
        limits.take(f"token:{known.token.pk}")
        bodies.refuse_nul(known)
        refusal = _refusal(known, wanted)
        call = functools.partial(_call, known, wanted, run, path, refusal)
        if not changes:
            return call()
        key = idempotency.key_of(known)
        try:
            known.payload, digest = bodies.read(known, kind)
        except DomainError:
            if refusal is not None:  # who may not call this is not told what is wrong with the body
                return call()
            raise
        return _change(known, call, refusal, key, digest)

    return perform


def guarded(view: Callable[..., HttpResponseBase]) -> Callable[..., HttpResponseBase]:
    """The outermost layer of an API address: whatever goes wrong inside becomes a problem document."""

    @functools.wraps(view)
    def answer(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        try:
            found = view(request, *args, **kwargs)
        except Exception as error:
            return problems.response(problems.from_exception(error))
        if isinstance(found, HttpResponseNotAllowed):
            detail = _("This address takes: %(methods)s.") % {"methods": found["Allow"]}
            refused = DomainError(code="ERR_METHOD", detail=detail, status=405)
            return problems.response(refused, {"Allow": found["Allow"]})
        return found

    answer.csrf_exempt = True  # type: ignore[attr-defined]  # a mark on a function
    answer.access = Access("api")  # type: ignore[attr-defined]  # the same
    return answer


def _refusal(request: ApiRequest, wanted: Needs | None) -> PermissionRefused | None:
    """Why the token may not call the operation; None when it may."""
    try:
        admit(request, wanted)
    except PermissionRefused as refusal:
        return refusal
    return None


def _call(
    request: ApiRequest, wanted: Needs | None, run: Run, path: dict[str, Any], refusal: PermissionRefused | None
) -> HttpResponseBase:
    if refusal is not None:
        _note_refusal(request, refusal)
        raise refusal
    with _scope(request, wanted):
        answer = run(request, **path)
    if not isinstance(answer, HttpResponse) and request.method != "GET":
        raise TypeError("an operation that changes something answers with api.frame.reply()")
    return answer


def _note_refusal(request: ApiRequest, error: PermissionRefused) -> None:
    """A change that was asked for without the right stands in the store's record."""
    security.warning(
        "refused: token %s, %s %s, right %s", request.token.pk, request.method, request.path, error.extra["right"]
    )
    if request.method == "GET" or request.store is None:
        return
    store = request.store
    call = f"{request.method} {request.path}"
    target = Target("api", call[:64], call[:200], store_id=store.pk, store_label=store.name)
    entry = Entry("api.call", target, right=error.extra["right"], result=Result.REFUSED, code=error.code)
    record(entry, actor=request.actor)


def _scope(request: ApiRequest, wanted: Needs | None) -> AbstractContextManager[None]:
    if wanted is None or wanted.kind == STAFF:
        return nullcontext()
    return in_store(request.store.pk)


def _change(
    request: ApiRequest,
    call: Callable[[], Any],
    refusal: PermissionRefused | None,
    key: str | None,
    digest: str,
) -> HttpResponse:
    """Make a change in one transaction, unless it is work in batches; after a deadlock make it again, since nothing of it is left."""
    tries = active(ApiRules, clock.now()).deadlock_tries
    while True:
        tries -= 1
        try:
            with transaction.atomic():
                answer = _once(request, call, refusal, key, digest)
            break
        except _Undo as undo:
            return undo.answer
        except OperationalError as error:
            if tries <= 0 or not problems.is_passing(error):
                raise
    return _finished(answer) if isinstance(answer, InBatches) else answer


def _once(
    request: ApiRequest,
    call: Callable[[], Any],
    refusal: PermissionRefused | None,
    key: str | None,
    digest: str,
) -> HttpResponse:
    if key is None:
        _wait_at_most(active(ApiRules, clock.now()).lock_wait)
        return _outcome(call)
    slot = _claim(request, key, digest)
    if slot.answer is not None:
        if slot.answer.status_code < HTTPStatus.BAD_REQUEST and refusal is not None:
            raise refusal  # a right that was revoked in between is gone for the answer, too
        return slot.answer
    request.begun = slot.begun
    answer = _outcome(call)
    if isinstance(answer, InBatches):
        answer.slot = slot
        idempotency.begin(slot, answer.mark)
    else:
        idempotency.keep(slot, answer)
    return answer


def _finished(begun: InBatches) -> HttpResponse:
    """The rest of work in batches, and its answer kept for a repetition. A failure leaves what was done, and the mark to go on from."""
    answer = begun.finish()
    if begun.slot is not None:
        idempotency.keep(begun.slot, answer)
    return answer


def _claim(request: ApiRequest, key: str, digest: str) -> idempotency.Slot:
    rules = active(ApiRules, clock.now())
    _wait_at_most(rules.idempotency_wait)
    try:
        slot = idempotency.claim(request.token.pk, request, key, digest)
    except OperationalError as error:
        if isinstance(error.__cause__, LockNotAvailable):
            raise idempotency.still_running() from None
        raise
    _wait_at_most(rules.lock_wait)
    return slot


def _outcome(call: Callable[[], Any]) -> HttpResponse:
    """The answer of the operation. A refusal is one, too: what a verb recorded of it stays. A failure of ours undoes everything."""
    try:
        done: HttpResponse = call()
        return done
    except (DomainError, ShapeError, Http404) as error:
        answer = problems.response(problems.from_exception(error))
        if answer.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and not connection.needs_rollback:
            return answer
        raise _Undo(answer) from error
    except Exception as error:
        if problems.is_passing(error):
            raise
        raise _Undo(problems.response(problems.from_exception(error))) from error


class _Undo(Exception):
    def __init__(self, answer: HttpResponse) -> None:
        self.answer = answer


def _wait_at_most(seconds: float) -> None:
    """How long this transaction waits for a row that another holds."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('lock_timeout', %s, true)", [f"{int(seconds * 1000)}ms"])
