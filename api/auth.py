"""Whose request it is: the bearer token, and nothing else. No cookie signs anybody in here, so no CSRF token is needed."""

from __future__ import annotations

import logging
from typing import cast

from django.http import HttpRequest
from django.utils.translation import gettext as _

from accounts import tokens
from accounts.requests import client_ip
from accounts.rights import can, check, check_staff
from api import limits
from api.access import STAFF, Needs
from api.requests import ApiRequest
from core import clock
from core.errors import PermissionRefused

security = logging.getLogger("api.security")
_LONGEST = 200


def identify(request: HttpRequest) -> ApiRequest:
    """Put token, user, store and actor on the request. Raises TokenRefused, or TooMany for an address that keeps guessing."""
    scheme, _space, raw = request.headers.get("Authorization", "").partition(" ")
    raw = raw.strip()
    address = client_ip(request)
    try:
        if scheme.lower() != "bearer" or not raw or len(raw) > _LONGEST:
            raise tokens.TokenRefused(_("Send “Authorization: Bearer <token>” with a token of this server."))
        found = tokens.authenticate(raw, ip=address)
    except tokens.TokenRefused:
        limits.take(f"address:{address}")
        security.warning(
            "no token that works: address %s, %s %s", address or "unknown", request.method, request.path[:200]
        )
        raise
    known = cast(ApiRequest, request)
    known.token, known.user, known.actor = found.token, found.user, found.actor
    known.store = found.store  # type: ignore[assignment]  # HttpRequest knows no store
    return known


def admit(request: ApiRequest, wanted: Needs | None) -> None:
    """Refuse unless the token may call the operation now; rights are read from the database at each call."""
    if wanted is None:
        raise PermissionRefused(_("This operation declares no right, so it is closed."), "")
    if wanted.kind == STAFF:
        if request.store is not None:
            raise PermissionRefused(_("This needs a token of platform staff."), "platform_staff")
        check_staff(request.actor)
        return
    first = wanted.rights[0] if wanted.rights else ""
    if request.store is None:
        raise PermissionRefused(_("This needs a token of a member of a store; a staff token has no store."), first)
    now = clock.now()
    if any(can(request.actor, request.store, right, now) for right in wanted.rights[1:]):
        return
    if first:
        check(request.actor, request.store, first, now=now)
