"""Who may reach a view: its mark, or for views that others wrote the entry here, with the reason.

Whatever is neither marked nor listed answers 403.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from accounts.rights import Access


@dataclass(frozen=True, slots=True)
class Listed:
    """An access and why."""

    access: Access
    reason: str


#: By `module.qualified name` of the view (of the class, for a class-based one).
THIRD_PARTY: dict[str, Listed] = {
    "django.views.i18n.set_language": Listed(Access("public"), "choosing a language needs no account"),
    "django.contrib.staticfiles.views.serve": Listed(Access("public"), "style sheets and scripts"),
    "ninja.operation.PathView.get_view": Listed(
        Access("api"), "the API checks token and right, operation by operation"
    ),
    "ninja.openapi.views.openapi_json": Listed(Access("public"), "the contract is public"),
    "ninja.openapi.views.openapi_view": Listed(Access("public"), "the contract is public"),
    "ninja.openapi.views.default_home": Listed(Access("public"), "answers 404; it names the mount"),
}


def dotted_name(view: Callable[..., Any]) -> str:
    """`module.qualified name` of a view function, of the class behind it, or of the function inside a partial."""
    while isinstance(view, partial):
        view = view.func
    subject: Any = getattr(view, "view_class", view)
    name = str(getattr(subject, "__qualname__", type(subject).__qualname__)).partition(".<locals>")[0]
    return f"{subject.__module__}.{name}"


def access_of(view: Callable[..., Any]) -> Access | None:
    """The declared access of a resolved view; None when it declares none, and is therefore closed."""
    subject = getattr(view, "view_class", None)
    found = getattr(view, "access", None) or getattr(subject, "access", None)
    if isinstance(found, Access):
        return found
    listed = THIRD_PARTY.get(dotted_name(view))
    return listed.access if listed else None
