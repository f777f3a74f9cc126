"""Domain errors: every refusal has a code, an HTTP status, what is wrong and how to mend it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from django.utils.functional import Promise

Text = str | Promise


@dataclass(frozen=True, slots=True)
class FieldError:
    """One broken field: `field` is its name in the request body, `code` the catalogue's code."""

    field: str
    code: str
    message: Text

    def as_dict(self) -> dict[str, str]:
        """The shape of the API's `errors` list."""
        return {"field": self.field, "code": self.code, "message": str(self.message)}


@dataclass(eq=False)
class DomainError(Exception):
    """A refusal by a verb. `extra` holds members for the problem document (blockers, holder, current …)."""

    code: str
    detail: Text
    status: int = 409
    errors: Sequence[FieldError] = ()
    extra: dict[str, Any] = field(default_factory=dict)
    retry_after: int | None = None

    def __str__(self) -> str:
        fields = "; ".join(f"{error.field}: {error.code} {error.message}" for error in self.errors)
        return f"{self.code}: {self.detail}" + (f" [{fields}]" if fields else "")


class InvalidInput(DomainError):
    """422: the request is understood and wrong."""

    def __init__(self, detail: Text, errors: Sequence[FieldError] = (), code: str = "ERR_INVALID") -> None:
        super().__init__(code=code, detail=detail, status=422, errors=errors)


class NotFound(DomainError):
    """404: unknown, or another store's; the two look the same on purpose."""

    def __init__(self, detail: Text) -> None:
        super().__init__(code="ERR_NOT_FOUND", detail=detail, status=404)


class PermissionRefused(DomainError):
    """403 with who can grant the right (R26)."""

    def __init__(self, detail: Text, right: str, grantors: Sequence[str] = ()) -> None:
        super().__init__(
            code="ERR_PERMISSION", detail=detail, status=403, extra={"right": right, "granted_by": list(grantors)}
        )


class Conflict(DomainError):
    """409: state, version or guard."""

    def __init__(self, code: str, detail: Text, **extra: Any) -> None:
        super().__init__(code=code, detail=detail, status=409, extra=extra)


class VersionConflict(DomainError):
    """409: what was read before is stale; `current` is the object as it stands (R17)."""

    def __init__(self, detail: Text, current: dict[str, Any]) -> None:
        super().__init__(code="ERR_VERSION_CONFLICT", detail=detail, status=409, extra={"current": current})


class OperationLocked(DomainError):
    """423: another admin is on it (R19)."""

    def __init__(self, detail: Text, holder: str, seconds_left: int) -> None:
        super().__init__(
            code="ERR_OPERATION_LOCKED",
            detail=detail,
            status=423,
            extra={"holder": holder, "seconds_left": seconds_left},
            retry_after=seconds_left,
        )
