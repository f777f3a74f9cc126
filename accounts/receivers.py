"""What happens around sign-in: the session's clock starts, the audit log is told."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest

from accounts.models import User
from accounts.people import target_of
from accounts.requests import actor_of, client_ip
from audit.record import Entry, record
from core import clock


def _note(action: str, request: HttpRequest | None, user: Any) -> None:
    if isinstance(user, User):
        ip = client_ip(request) if request is not None else ""
        record(Entry(action=action, target=target_of(user)), actor=actor_of(user, ip=ip), now=clock.now())


def signed_in(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Somebody signed in with a password."""
    _note("user.sign_in", request, user)


def signed_out(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Somebody signed out."""
    _note("user.sign_out", request, user)


def password_changed(sender: Any, request: HttpRequest, user: Any, **_: Any) -> None:
    """Somebody set, changed or reset their password; their other sessions are over."""
    _note("user.password_change", request, user)
