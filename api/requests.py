"""What an operation sees of a request, and how it reads what the frame left raw."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest
from django.utils.translation import gettext as _
from pydantic import BaseModel

from accounts.models import ApiToken, Store, User
from audit.actors import Actor
from core.errors import FieldError, InvalidInput, NotFound


class ApiRequest(HttpRequest):
    """A request whose token was accepted. `store` is None for staff tokens; operations for stores always have one."""

    token: ApiToken
    user: User
    store: Store
    actor: Actor
    request_id: str
    payload: Any
    """The parsed JSON body; None when there is none."""
    begun: str
    """The mark of the work that an earlier call with the same key began; empty for a first call."""


def members(request: ApiRequest) -> dict[str, Any]:
    """The members of the JSON body; none when there is no body. Raises InvalidInput when it is no object."""
    if request.payload is None:
        return {}
    if not isinstance(request.payload, dict):
        raise InvalidInput(_("The body must be a JSON object."), code="ERR_BODY")
    return dict(request.payload)


def known_members(request: ApiRequest, shape: type[BaseModel], **rows: type[BaseModel]) -> dict[str, Any]:
    """The members of the JSON body, when `shape` has all of them; `rows` are the shapes of its lists of objects.

    Raises InvalidInput with every name that nobody knows: a typing error must not pass for a wish.
    """
    found = members(request)
    unknown = [str(name) for name in found if name not in shape.model_fields]
    for name, row_shape in rows.items():
        lines = found.get(name)
        for index, line in enumerate(lines if isinstance(lines, list) else ()):
            if isinstance(line, dict):
                unknown += [f"{name}.{index}.{key}" for key in line if key not in row_shape.model_fields]
    if unknown:
        words = _("There is no such field here.")
        faults = [FieldError(name[:120], "ERR_FIELD_UNKNOWN", words) for name in unknown]
        raise InvalidInput(_("The request cannot be read; see errors."), faults)
    return found


def take_version(found: dict[str, Any]) -> int | None:
    """Take `version` out of a body's members. Raises InvalidInput when it is no version."""
    value = found.pop("version", None)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < 2**31:
        words = _("It must be the version that was read: a whole number.")
        raise InvalidInput(words, [FieldError("version", "ERR_TYPE", words)])
    return value


def number(text: str) -> int:
    """An id in an address. Raises NotFound for text that is none: nothing can have it."""
    if not text.isascii() or not text.isdecimal() or not 0 < len(text) < 19:
        raise NotFound(_("There is nothing here, or it belongs to another store."))
    return int(text)
