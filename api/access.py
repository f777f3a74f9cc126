"""What an operation asks of a token. An operation that declares nothing answers 403 (design: deny by default)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from accounts.rights import ALL_RIGHTS

Operation = TypeVar("Operation", bound=Callable[..., Any])

STORE = "store"
STAFF = "staff"


@dataclass(frozen=True, slots=True)
class Needs:
    """`kind` says whose token: a store's member (with one of `rights`, unless there are none) or platform staff.

    `also`: statuses among its answers that others of its kind do not give, such as 423 where the operation lock is taken.
    """

    kind: str
    rights: tuple[str, ...] = ()
    also: tuple[int, ...] = ()


def needs(*rights: str, also: tuple[int, ...] = ()) -> Callable[[Operation], Operation]:
    """Mark an operation for store tokens whose member holds `right`; with several, one of them is enough to come in, and the verb asks for
    the one that the body needs. Raises KeyError for an unknown right."""
    return _mark(Needs(STORE, tuple(ALL_RIGHTS[right].code for right in rights), also))


def any_member(operation: Operation) -> Operation:
    """Mark an operation for every store token."""
    return _mark(Needs(STORE))(operation)


def staff_only(operation: Operation) -> Operation:
    """Mark an operation for staff tokens."""
    return _mark(Needs(STAFF))(operation)


def takes(shape: type[BaseModel]) -> Callable[[Operation], Operation]:
    """Describe the JSON body of an operation whose room proves the values itself, so that every fault comes back at once."""

    def describe(operation: Operation) -> Operation:
        operation.api_body = shape  # type: ignore[attr-defined]  # a mark on a function
        return operation

    return describe


def declared(operation: Callable[..., Any]) -> Needs | None:
    """What an operation declared; None for nothing."""
    found = getattr(operation, "api_needs", None)
    return found if isinstance(found, Needs) else None


def _mark(wanted: Needs) -> Callable[[Operation], Operation]:
    def mark(operation: Operation) -> Operation:
        operation.api_needs = wanted  # type: ignore[attr-defined]  # a mark on a function
        return operation

    return mark
